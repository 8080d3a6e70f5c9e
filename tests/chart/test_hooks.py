"""What exists only while a hook runs: pods as hardened as the others, and exactly the permissions they need."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, ENVIRONMENTS, NAMESPACE, RELEASE, Helm, Object, RefusedError, Rendered
from tests.chart.test_rbac import grants
from tiergate.lifecycle.helm import REVISIONS

pytestmark = pytest.mark.helm

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
CONFIGURATIONS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")
REGISTRATION = "admissionregistration.k8s.io"
EVENTS = {"tiergate-crds": "pre-upgrade", "tiergate-uninstall": "pre-delete", "tiergate-verify": "test"}
CLUSTER_RULES: dict[str, dict[tuple[str, str, str], set[str]]] = {
    "tiergate-crds": {("apiextensions.k8s.io", "customresourcedefinitions", "tiers.tiergate.io"): {"get", "update"}},
    "tiergate-uninstall": {
        ("", "namespaces", "*"): {"list"},
        ("", "limitranges", "*"): {"create"},
        ("tiergate.io", "tiers", "*"): {"list"},
        ("tiergate.io", "tiers/status", "*"): {"patch"},
        **{(REGISTRATION, kind, "tiergate"): {"delete"} for kind in CONFIGURATIONS},
    },
    "tiergate-verify": {
        ("", "namespaces", "*"): {"get"},
        ("tiergate.io", "tiers", "*"): {"get", "list"},
        **{(REGISTRATION, kind, "tiergate"): {"get"} for kind in CONFIGURATIONS},
    },
}
RECORDS = [f"sh.helm.release.v1.{RELEASE}.v{number}" for number in range(1, REVISIONS + 1)]
UNINSTALL_RULES: dict[tuple[str, str, str], set[str]] = {
    ("apps", "deployments", "tiergate-controller"): {"get", "delete"},
    ("batch", "jobs", "tiergate-uninstall"): {"get"},
    **{("", kind, record): {"get"} for kind in ("secrets", "configmaps") for record in RECORDS},
}


def pods(rendered: Rendered) -> dict[str, Object]:
    """Return the pod of each hook by the name of its object: a pod, or the template of a Job."""
    found: dict[str, Object] = {}
    for item in rendered.hooks:
        if item["kind"] == "Pod":
            found[item["metadata"]["name"]] = item
        elif item["kind"] == "Job":
            found[item["metadata"]["name"]] = item["spec"]["template"]
    return found


def policy(item: Object) -> tuple[str, set[str]]:
    annotations = item["metadata"]["annotations"]
    return annotations["helm.sh/hook"], set(annotations["helm.sh/hook-delete-policy"].split(","))


def test_every_pod_of_a_hook_is_hardened_and_told_its_work(helm: Helm) -> None:
    """Pod Security `restricted`, read-only root, a folder in memory; the token is projected where there is one."""
    rendered = helm.render_environments()
    found = pods(rendered)
    assert found.keys() >= EVENTS.keys()
    webhook = rendered.pod("webhook")
    for name, pod in found.items():
        spec = pod["spec"]
        (container,) = spec["containers"]
        assert spec["securityContext"] == webhook["securityContext"], name
        assert container["securityContext"] == rendered.container("webhook")["securityContext"], name
        assert container["image"] == rendered.container("webhook")["image"]
        assert container["resources"]["limits"]["memory"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["restartPolicy"] == "Never"
        assert [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")] == ["/tmp"]  # noqa: S108
        assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in spec["volumes"]}
        assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
        token = [source for volume in spec["volumes"] for source in volume.get("projected", {}).get("sources", ())]
        assert bool(token) == (name != "tiergate-preflight"), name
        assert spec["serviceAccountName"] == name
        assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == "lifecycle"


@pytest.mark.parametrize("name", list(EVENTS))
def test_accounts_and_permissions_go_with_the_hook(helm: Helm, name: str) -> None:
    """Nothing of it is there before or afterwards; only a finished test stays, for its log."""
    own = [item for item in helm.render_environments().hooks if item["metadata"]["name"] == name]
    kinds = {item["kind"] for item in own}
    assert kinds >= {"ServiceAccount", "ClusterRole", "ClusterRoleBinding"}
    for item in own:
        event, deleted = policy(item)
        assert event == EVENTS[name]
        rights = item["kind"] not in {"ConfigMap", "Job", "Pod"}
        assert deleted == {"before-hook-creation"} | (set() if item["kind"] == "Pod" else {"hook-succeeded"}) | (
            {"hook-failed"} if rights else set()
        )
        first = item["kind"] in {"Job", "Pod"}
        assert (int(item["metadata"]["annotations"]["helm.sh/hook-weight"]) == 0) is first
    (account,) = [item for item in own if item["kind"] == "ServiceAccount"]
    assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", list(EVENTS))
def test_permissions_of_a_hook_are_exactly_these(helm: Helm, name: str) -> None:
    rendered = helm.render_environments()
    assert grants(rendered.hook("ClusterRole", name)) == CLUSTER_RULES[name]
    for item in rendered.hooks:
        if item["kind"].endswith("Binding") and item["metadata"]["name"] == name:
            assert item["roleRef"]["name"] == name
            assert item["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]
    roles = {
        item["metadata"]["namespace"]: grants(item)
        for item in rendered.hooks
        if (item["kind"], item["metadata"]["name"]) == ("Role", name)
    }
    create = {("", "pods", "*"): {"create"}}
    assert (
        roles
        == {
            "tiergate-crds": {},
            "tiergate-uninstall": {NAMESPACE: UNINSTALL_RULES},
            "tiergate-verify": {"dev": create, "staging": create, "prod": create},
        }[name]
    )


def test_the_definition_reaches_its_job_word_for_word(helm: Helm) -> None:
    rendered = helm.render()
    text = rendered.hook("ConfigMap", "tiergate-crds")["data"]["tiers.yaml"]
    assert yaml.safe_load(text) == yaml.safe_load((CHART / "crds" / "tiers.yaml").read_text())
    pod = pods(rendered)["tiergate-crds"]["spec"]
    assert pod["containers"][0]["args"] == [
        "crds",
        f"--service-account-dir={ACCOUNT}",
        "/etc/tiergate/crds/tiers.yaml",
    ]
    assert {"name": "crds", "configMap": {"name": "tiergate-crds"}} in pod["volumes"]


@pytest.mark.parametrize("hook", ["preflight", "crds", "uninstall", "verify"])
def test_each_hook_can_be_left_to_others(helm: Helm, hook: str) -> None:
    """With its account and its rights; the others stay."""
    every = {item["metadata"]["name"] for item in helm.render_environments().hooks}
    found = {item["metadata"]["name"] for item in helm.render_environments({"hooks": {hook: {"enabled": False}}}).hooks}
    assert every - found == {f"tiergate-{hook}"}


def tried(rendered: Rendered) -> list[str]:
    """Return the namespaces that `helm test` tries."""
    args: list[str] = pods(rendered)["tiergate-verify"]["spec"]["containers"][0]["args"]
    return [arg.removeprefix("--governed=") for arg in args if arg.startswith("--governed=")]


TIERS: dict[str, Any] = {"dev": {"spec": {}}, "prod": {"spec": {}}}
NAMESPACES: dict[str, Any] = {"a": {"tier": "dev"}, "b": {"tier": "dev"}, "c": {"tier": "prod"}}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, [], id="nothing-governed"),
        pytest.param({"tiers": TIERS, "namespaces": NAMESPACES}, ["a", "c"], id="the-first-of-each-tier"),
        pytest.param(
            {"tiers": TIERS, "namespaces": NAMESPACES, "webhook": {"excludeNamespaces": ["a"]}},
            ["b", "c"],
            id="none-that-is-left-alone",
        ),
        pytest.param(
            {"tiers": TIERS, "namespaces": NAMESPACES, "createNamespaces": False}, [], id="none-that-may-not-be-there"
        ),
        pytest.param({"tests": {"namespaces": ["theirs"]}}, ["theirs"], id="named"),
        pytest.param(
            {"tiers": TIERS, "namespaces": NAMESPACES, "tests": {"namespaces": ["c", "d"]}},
            ["a", "c", "d"],
            id="named-twice",
        ),
    ],
)
def test_one_namespace_of_each_tier_is_tried(helm: Helm, values: dict[str, Any], expected: list[str]) -> None:
    """And the permission to create pods is given there only."""
    rendered = helm.render(values)
    assert tried(rendered) == expected
    roles = [item for item in rendered.hooks if (item["kind"], item["metadata"]["name"]) == ("Role", "tiergate-verify")]
    assert sorted(item["metadata"]["namespace"] for item in roles) == expected


def test_scheduling_values_reach_every_pod_of_a_hook(helm: Helm) -> None:
    values = {
        "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "system", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "resources": {"requests": {"cpu": "1"}},
        "podLabels": {"mesh": "off", "app.kubernetes.io/name": "mine"},
        "podAnnotations": {"example.com/a": "b"},
        "activeDeadlineSeconds": 90,
    }
    rendered = helm.render({"hooks": values, "imagePullSecrets": [{"name": "pull"}]}, ENVIRONMENTS)
    for pod in pods(rendered).values():
        spec = pod["spec"]
        for name in ("nodeSelector", "tolerations", "affinity", "priorityClassName"):
            assert spec[name] == values[name]
        assert spec["imagePullSecrets"] == [{"name": "pull"}]
        assert spec["containers"][0]["resources"]["requests"]["cpu"] == "1"
        assert pod["metadata"]["labels"].items() >= {"mesh": "off", "app.kubernetes.io/name": "tiergate"}.items()
        assert pod["metadata"]["annotations"]["example.com/a"] == "b"
    deadlines = {item["spec"]["activeDeadlineSeconds"] for item in rendered.hooks if item["kind"] in {"Job", "Pod"}}
    assert deadlines == {90}


def test_every_object_of_a_hook_has_the_annotations_that_are_asked_for(helm: Helm) -> None:
    """A GitOps tool orders them by its own; what Helm reads stays."""
    asked = {"annotations": {"argocd.argoproj.io/sync-wave": "-1", "helm.sh/hook": "theirs"}, "backoffLimit": 0}
    plain, found = helm.render_environments(), helm.render_environments({"hooks": asked})
    for before, item in zip(plain.hooks, found.hooks, strict=True):
        ours = before["metadata"]["annotations"]
        assert item["metadata"]["annotations"] == {**ours, "argocd.argoproj.io/sync-wave": "-1"}
        assert item["kind"] != "Job" or item["spec"]["backoffLimit"] == 0


def test_a_networkpolicy_lets_hooks_reach_the_api_server_only(helm: Helm) -> None:
    rendered = helm.render({"networkPolicy": {"enabled": True, "apiServerCIDRs": ["192.0.2.0/28"]}})
    spec = rendered.one("NetworkPolicy", "tiergate-lifecycle")["spec"]
    assert spec["ingress"] == []
    assert spec["egress"] == rendered.one("NetworkPolicy", "tiergate-webhook")["spec"]["egress"]
    for pod in pods(rendered).values():
        assert spec["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"hooks": {"activeDeadlineSeconds": 5}}, "/hooks/activeDeadlineSeconds"),
        ({"hooks": {"deadline": 5}}, "deadline"),
        ({"hooks": {"crds": {"enabled": "yes"}}}, "/hooks/crds/enabled"),
        ({"tests": {"namespaces": ["Dev"]}}, "/tests/namespaces/0"),
        ({"tests": {"patienceSeconds": 0}}, "/tests/patienceSeconds"),
        ({"monitoring": {"serviceMonitor": {"enabled": True, "interval": "often"}}}, "/serviceMonitor/interval"),
        ({"monitoring": {"alerts": True}}, "alerts"),
    ],
)
def test_a_wrong_value_is_refused_and_named(helm: Helm, values: dict[str, Any], named: str) -> None:
    with pytest.raises(RefusedError, match="don't meet the specifications of the schema") as refused:
        helm.render(values)
    assert named in str(refused.value)


@pytest.mark.parametrize("name", [NAMESPACE, "kube-system", "left-alone"])
def test_a_test_where_the_webhook_is_never_asked_is_refused(helm: Helm, name: str) -> None:
    values = {"tests": {"namespaces": [name]}, "webhook": {"excludeNamespaces": ["left-alone"]}}
    with pytest.raises(RefusedError, match=f"tests.namespaces: {name} is never asked about"):
        helm.render(values)
