"""What every rendering holds, whatever the values."""

from pathlib import Path

import pytest
import yaml

from tests.chart.helm import CHART, NAMESPACE, RELEASE, VALUES_FILES, Helm, RefusedError

pytestmark = pytest.mark.helm

NAMESPACED = {
    *("Deployment", "Service", "ServiceAccount", "Secret"),
    *("PodDisruptionBudget", "NetworkPolicy", "ResourceQuota", "Role", "RoleBinding"),
}
KEEP = {
    "helm.sh/resource-policy": "keep",
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
}
OPTIONS = {"networkPolicy": {"enabled": True, "apiServerCIDRs": ["192.0.2.0/28", "2001:db8::/64"]}}


@pytest.mark.parametrize("version", ["1.34.0", "1.34.4-gke.1", "1.37.2", "1.38.0", "2.0.0"])
def test_supported_versions_render(helm: Helm, version: str) -> None:
    """Vendors' suffixes too, and newer ones: an upgrade of the cluster must not end what renders the chart."""
    assert helm.render(kubernetes=version).objects


def test_an_older_version_is_refused(helm: Helm) -> None:
    """It does not know what the chart needs, so nothing is created."""
    with pytest.raises(RefusedError, match="incompatible with Kubernetes"):
        helm.render(kubernetes="1.33.9")


def test_defaults_govern_nothing(helm: Helm) -> None:
    """Without values there is no tier and no namespace, and still a whole installation."""
    rendered = helm.render()
    assert not rendered.names("Tier")
    assert not rendered.names("Namespace")
    assert rendered.names("Deployment") == {"tiergate-webhook", "tiergate-controller"}


def test_names_are_fixed(helm: Helm) -> None:
    """No name contains the release name, so a second release collides instead of competing."""
    rendered = helm.render_environments(OPTIONS)
    assert not [item["metadata"]["name"] for item in rendered.objects if RELEASE in item["metadata"]["name"]]
    assert rendered.names("ClusterRole") == {
        "tiergate-webhook",
        "tiergate-controller",
        "tiergate-tier-assigner",
        "tiergate-tier-viewer",
        "tiergate-tenant",
    }
    assert rendered.names("Service") == {"tiergate-webhook"}
    assert rendered.names("ServiceAccount") == {"tiergate-webhook", "tiergate-controller"}


def test_every_namespaced_object_names_the_release_namespace(helm: Helm) -> None:
    """What is applied without helm (rendered by a GitOps tool) lands in the right namespace all the same."""
    rendered = helm.render_environments(OPTIONS)
    namespaced = [item for item in rendered.objects if item["kind"] in NAMESPACED]
    assert {item["kind"] for item in namespaced} == NAMESPACED
    assert {item["metadata"].get("namespace") for item in namespaced} == {NAMESPACE}
    others = [item for item in rendered.objects if item["kind"] not in NAMESPACED]
    assert {item["metadata"].get("namespace") for item in others} == {None}


def test_secrets_are_rendered_without_data_and_without_a_type(helm: Helm) -> None:
    """Certificates are the controller's: an upgrade must not change a byte of them, nor a type that cannot change."""
    rendered = helm.render_environments(OPTIONS)
    assert rendered.names("Secret") == {"tiergate-ca", "tiergate-webhook-tls"}
    assert all(item.keys() == {"apiVersion", "kind", "metadata"} for item in rendered.of("Secret"))
    assert "Secret" not in {item["kind"] for item in rendered.hooks}


@pytest.mark.parametrize("files", VALUES_FILES.values(), ids=VALUES_FILES)
def test_what_people_live_by_outlives_the_release(helm: Helm, files: tuple[Path, ...]) -> None:
    """Namespaces, what is in them, tiers, certificates: for Helm, and for tools that render the chart and prune."""
    rendered = helm.render(OPTIONS, *files)
    kept = [
        item
        for item in rendered.objects
        if item["kind"] in {"Namespace", "Tier", "Secret"} or item["metadata"].get("namespace", NAMESPACE) != NAMESPACE
    ]
    kept.append(rendered.one("ClusterRole", "tiergate-tenant"))  # RoleBindings in namespaces refer to it
    for item in rendered.objects:
        annotations = item["metadata"].get("annotations", {})
        found = {name: annotations[name] for name in KEEP if name in annotations}
        assert found == (KEEP if item in kept else {}), item["metadata"]
    definition = yaml.safe_load((CHART / "crds" / "tiers.yaml").read_text())["metadata"]["annotations"]
    assert definition.items() >= {name: text for name, text in KEEP.items() if "helm" not in name}.items()


def test_common_labels_and_annotations_are_everywhere(helm: Helm) -> None:
    """They reach every object and every pod, and never the selectors, which cannot change."""
    extra = {"commonLabels": {"team": "platform"}, "commonAnnotations": {"example.com/owner": "platform"}}
    rendered = helm.render_environments({**OPTIONS, **extra})
    parts = [item["metadata"] for item in rendered.objects]
    parts += [item["spec"]["template"]["metadata"] for item in rendered.of("Deployment")]
    assert all(part["labels"]["team"] == "platform" for part in parts)
    assert all(part["annotations"]["example.com/owner"] == "platform" for part in parts)
    assert all("team" not in item["spec"]["selector"]["matchLabels"] for item in rendered.of("Deployment"))
