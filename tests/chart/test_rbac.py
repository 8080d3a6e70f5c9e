"""Who may do what: the whole list, so that a new verb is a decision and not an accident."""

from typing import Any

import pytest

from tests.chart.helm import NAMESPACE, Helm

pytestmark = pytest.mark.helm

READ = {"get", "list", "watch"}


def grants(role: dict[str, Any]) -> dict[tuple[str, str, str], set[str]]:
    """Return verbs by (group, resource, name or '*')."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames", ["*"]):
                    found.setdefault((group, resource, name), set()).update(rule["verbs"])
    return found


WEBHOOK = {
    ("", "namespaces", "*"): READ,
    ("", "resourcequotas", "*"): READ,
    ("", "persistentvolumeclaims", "*"): {"list", "watch"},
    ("", "pods", "*"): {"list", "watch"},
    ("", "limitranges", "*"): {"list", "watch"},
    ("", "nodes", "*"): {"list", "watch"},
    ("node.k8s.io", "runtimeclasses", "*"): {"list", "watch"},
    ("apps", "deployments", "*"): {"get"},
    ("apps", "replicasets", "*"): {"get"},
    ("apps", "statefulsets", "*"): {"get"},
    ("", "replicationcontrollers", "*"): {"get"},
    ("apps", "daemonsets", "*"): {"get"},
    ("batch", "jobs", "*"): {"get"},
    ("batch", "cronjobs", "*"): {"get"},
    ("", "events", "*"): {"get", "create", "patch"},
    ("tiergate.io", "tiers", "*"): READ,
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "tiergate"): {"get"},
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", "tiergate"): {"get"},
    ("authorization.k8s.io", "subjectaccessreviews", "*"): {"create"},
    ("authentication.k8s.io", "tokenreviews", "*"): {"create"},
}
LEASE = {("coordination.k8s.io", "leases", "tiergate-controller"): {"get"}}
CONTROLLER = {
    ("", "namespaces", "*"): READ,
    ("", "resourcequotas", "*"): READ | {"create", "update", "delete"},
    ("", "limitranges", "*"): READ | {"create", "update", "delete"},
    ("tiergate.io", "tiers", "*"): READ,
    ("tiergate.io", "tiers/status", "*"): {"patch"},
    ("", "events", "*"): {"create"},
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "tiergate"): READ | {"patch"},
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", "tiergate"): READ | {"patch"},
}
SECRETS = {
    ("", "secrets", "tiergate-ca"): {"get", "update"},
    ("", "secrets", "tiergate-webhook-tls"): {"get", "update"},
    ("coordination.k8s.io", "leases", "*"): {"create"},
    ("coordination.k8s.io", "leases", "tiergate-controller"): {"get", "update"},
    ("", "services", "tiergate-webhook"): {"get"},
    ("apps", "deployments", "tiergate-webhook"): {"get"},
}


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        pytest.param("ClusterRole", "tiergate-webhook", WEBHOOK, id="webhook"),
        pytest.param("Role", "tiergate-webhook", LEASE, id="webhook-lease"),
        pytest.param("ClusterRole", "tiergate-controller", CONTROLLER, id="controller"),
        pytest.param("Role", "tiergate-controller", SECRETS, id="controller-secrets"),
        pytest.param(
            "ClusterRole", "tiergate-tier-assigner", {("tiergate.io", "tiers", "*"): {"assign"}}, id="assigner"
        ),
        pytest.param("ClusterRole", "tiergate-tier-viewer", {("tiergate.io", "tiers", "*"): READ}, id="viewer"),
    ],
)
def test_role_grants_exactly(helm: Helm, kind: str, name: str, expected: dict[Any, set[str]]) -> None:
    """The role holds these verbs and nothing else."""
    assert grants(helm.render().one(kind, name)) == expected


def test_the_right_to_list_pods_can_be_kept_back(helm: Helm) -> None:
    """With pods go claims, and the process is told, so that it never asks."""
    rendered = helm.render({"rbac": {"listPods": False}})
    kept_back = {("", "pods", "*"), ("", "persistentvolumeclaims", "*")}
    expected = {key: verbs for key, verbs in WEBHOOK.items() if key not in kept_back}
    assert grants(rendered.one("ClusterRole", "tiergate-webhook")) == expected
    assert "--no-usage-index" in rendered.container("webhook")["args"]


def test_without_events_on_workloads_there_are_no_rights_for_them(helm: Helm) -> None:
    """The process that the network reaches can then write nothing at all, and is told so."""
    rendered = helm.render({"webhook": {"events": {"enabled": False}}})
    for_events = {("", "events"), ("apps", "daemonsets"), ("batch", "jobs"), ("batch", "cronjobs")}
    expected = {key: verbs for key, verbs in WEBHOOK.items() if key[:2] not in for_events}
    assert grants(rendered.one("ClusterRole", "tiergate-webhook")) == expected
    assert "--no-events" in rendered.container("webhook")["args"]


def test_no_rule_has_a_wildcard(helm: Helm) -> None:
    """A star would grant what comes with the next release of Kubernetes too."""
    rendered = helm.render()
    for role in (*rendered.of("ClusterRole"), *rendered.of("Role")):
        for rule in role["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]


@pytest.mark.parametrize("kind", ["ClusterRoleBinding", "RoleBinding"])
def test_bindings_name_our_accounts_only(helm: Helm, kind: str) -> None:
    """Each component's account gets the role of its own name; the roles for people are bound by people."""
    for binding in helm.render().of(kind):
        name = binding["metadata"]["name"]
        assert binding["roleRef"]["name"] == name
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]
