"""What every rendering holds, whatever the values."""

import pytest

from tests.chart.helm import NAMESPACE, RELEASE, Helm, RefusedError

pytestmark = pytest.mark.helm

NAMESPACED = {
    "Deployment",
    "Secret",
    "Service",
    "ServiceAccount",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "Role",
    "RoleBinding",
}
OPTIONS = {"networkPolicy": {"enabled": True, "apiServerCIDRs": ["192.0.2.0/28", "2001:db8::/64"]}}


@pytest.mark.parametrize("version", ["1.34.0", "1.34.4-gke.1", "1.37.2"])
def test_supported_versions_render(helm: Helm, version: str) -> None:
    """Both ends of the range and vendors' suffixes are accepted."""
    assert helm.render(kubernetes=version).objects


@pytest.mark.parametrize("version", ["1.33.9", "1.38.0"])
def test_other_versions_are_refused(helm: Helm, version: str) -> None:
    """A cluster outside the tested range is refused before anything is created."""
    with pytest.raises(RefusedError, match="incompatible with Kubernetes"):
        helm.render(kubernetes=version)


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


def test_secrets_are_rendered_empty(helm: Helm) -> None:
    """Certificates are the controller's: a generated one would differ at every rendering."""
    rendered = helm.render_environments(OPTIONS)
    secrets = [item for item in (*rendered.objects, *rendered.hooks) if item["kind"] == "Secret"]
    assert {item["metadata"]["name"] for item in secrets} == {"tiergate-ca", "tiergate-webhook-tls"}
    assert all(item.keys() == {"apiVersion", "kind", "metadata"} for item in secrets)


def test_governed_namespaces_and_tiers_outlive_the_release(helm: Helm) -> None:
    """Uninstalling must not delete people's namespaces, nor the tiers their quotas come from."""
    rendered = helm.render_environments()
    kept = {
        (item["kind"], item["metadata"]["name"])
        for item in rendered.objects
        if item["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    role = ("ClusterRole", "tiergate-tenant")  # RoleBindings in namespaces refer to it
    secrets = {("Secret", "tiergate-ca"), ("Secret", "tiergate-webhook-tls")}
    assert kept == {role} | secrets | {
        (kind, name) for kind in ("Namespace", "Tier") for name in ("dev", "staging", "prod")
    }


def test_common_labels_and_annotations_are_everywhere(helm: Helm) -> None:
    """They reach every object and every pod, and never the selectors, which cannot change."""
    extra = {"commonLabels": {"team": "platform"}, "commonAnnotations": {"example.com/owner": "platform"}}
    rendered = helm.render_environments({**OPTIONS, **extra})
    parts = [item["metadata"] for item in rendered.objects]
    parts += [item["spec"]["template"]["metadata"] for item in rendered.of("Deployment")]
    assert all(part["labels"]["team"] == "platform" for part in parts)
    assert all(part["annotations"]["example.com/owner"] == "platform" for part in parts)
    assert all("team" not in item["spec"]["selector"]["matchLabels"] for item in rendered.of("Deployment"))
