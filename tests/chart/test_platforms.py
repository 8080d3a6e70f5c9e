"""What managed platforms ask of every pod, imitated on a real API server: the chart's pods pass each of them.

docs/platforms.md says what each platform does. GKE's bound on the system's priority classes is part of our control
plane (tests/controlplane/admission.yaml), so every test that installs the chart meets it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.helm import NAMESPACE, VALUES_FILES, Helm, Object, remove
from tests.chart.switches import Values
from tests.chart.test_hardening import WITH_TOKEN, WITHOUT_TOKEN, pods
from tests.controlplane.cluster import Cluster, Result, until
from tiergate.lifecycle import sample_pod

pytestmark = pytest.mark.helm

ALL = WITH_TOKEN | WITHOUT_TOKEN
OPENSHIFT = ("security.openshift.io/v1",)
# What the admission plugin names when a pod is not restricted.
RESTRICTED = ("allowPrivilegeEscalation", "capabilities", "runAsNonRoot", "runAsUser", "seccompProfile", "volume types")
# What the security context constraint restricted-v2 refuses: users and groups outside of the namespace's own range.
CONSTRAINT = "!has(object.spec.securityContext.{0}) || object.spec.securityContext.{0} >= 1000000000"
POLICY: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "restricted-v2"},
    "spec": {
        "matchConstraints": {
            "resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
            ]
        },
        "validations": [
            {"expression": CONSTRAINT.format(field), "message": f"{field}: Invalid value"}
            for field in ("runAsUser", "fsGroup")
        ],
    },
}
BINDING: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": "restricted-v2"},
    "spec": {"policyName": "restricted-v2", "validationActions": ["Deny"]},
}


@pytest.fixture(scope="module")
def namespace(api_server: Cluster) -> Iterator[Cluster]:
    """A cluster with the release namespace at the level `restricted`, and what pods need there."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api_server.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    items = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}} for name in ALL]
    api_server.apply(*items, namespace=NAMESPACE)
    yield api_server
    remove(api_server, NAMESPACE)


def count_critical_pods(cluster: Cluster, helm: Helm) -> None:
    """Create the chart's ResourceQuota and wait until it is in force, as the Deployments' controllers do."""
    cluster.apply(helm.render().one("ResourceQuota", "tiergate-critical-pods"))
    pod = dict(pods(helm.render()))["tiergate-webhook"]
    until(lambda: "insufficient quota" not in tried(cluster, "probe", pod).err, "the quota is in force")


def tried(cluster: Cluster, name: str, pod: Object) -> Result:
    item = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod}
    line = f"kubectl create --dry-run=server --validate=strict -n {NAMESPACE} -f -"
    return cluster.run(line, stdin=json.dumps(item))


def refused(cluster: Cluster, helm: Helm, values: Values | None = None, apis: tuple[str, ...] = ()) -> dict[str, str]:
    """Return what the API server says of the pods that it refuses, by name."""
    found = {
        name: tried(cluster, name, pod) for name, pod in pods(helm.render(values, *VALUES_FILES["both"], apis=apis))
    }
    return {name: result.err for name, result in found.items() if result.code != 0}


@pytest.mark.cluster
def test_pods_pass_pod_security_gke_and_openshift(helm: Helm, namespace: Cluster) -> None:
    """Each in turn: without what the chart has for it the platform refuses."""
    namespace.kubectl(f"delete resourcequota --all -n {NAMESPACE}")
    bounded = refused(namespace, helm)
    assert bounded.keys() == {"tiergate-webhook", "tiergate-controller"}
    assert all("insufficient quota to match these scopes" in text for text in bounded.values())
    count_critical_pods(namespace, helm)
    assert refused(namespace, helm) == {}
    on_the_node = refused(namespace, helm, {"webhook": {"hostNetwork": True}})
    complaint = on_the_node.pop("tiergate-webhook").partition('violates PodSecurity "restricted:latest": ')[2]
    assert complaint.startswith("host namespaces (hostNetwork=true)")
    assert not [word for word in RESTRICTED if word in complaint]
    assert on_the_node == {}
    namespace.kubectl(f"label --overwrite namespace {NAMESPACE} pod-security.kubernetes.io/enforce=privileged")
    pod = dict(pods(helm.render({"webhook": {"hostNetwork": True}})))["tiergate-webhook"]
    assert tried(namespace, "tiergate-webhook", pod).code == 0
    namespace.apply(POLICY, BINDING)
    try:
        until(lambda: len(refused(namespace, helm)) == len(ALL), "fixed users are refused")
        assert refused(namespace, helm, apis=OPENSHIFT) == {}
        assert tried(namespace, "sample", sample_pod.pod("tiergate")["spec"]).code == 0, "helm test could prove nothing"
    finally:
        namespace.kubectl("delete validatingadmissionpolicy,validatingadmissionpolicybinding restricted-v2")


@pytest.mark.cluster
def test_a_quota_of_the_release_namespace_that_would_hold_up_a_hook_is_named(namespace: Cluster) -> None:
    """Helm would wait five minutes for a Job that gets no pod, and say nothing of why."""
    hard = {"limits.cpu": "4", "requests.memory": "4Gi", "pods": "0"}
    metadata = {"name": "team", "namespace": NAMESPACE}
    namespace.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}})
    counted = f"kubectl get resourcequota team -n {NAMESPACE} -o jsonpath={{.status.used.pods}}"
    until(lambda: namespace.run(counted).out == "0", "the quota is counted")
    line = f"helm install tiergate charts/tiergate -n {NAMESPACE} --dry-run=server --skip-crds"
    said = namespace.run(line).text
    for component in ("webhook", "controller", "hooks"):
        assert f"{component}.resources.limits.cpu: ResourceQuota team of the release namespace {NAMESPACE}" in said
    assert "requests.memory" not in said
    assert f"ResourceQuota team of the release namespace {NAMESPACE} allows no further pod (0 of 0)" in said
    namespace.kubectl(f"delete resourcequota team -n {NAMESPACE}")
    assert "of the release namespace" not in namespace.run(line).text


@pytest.mark.parametrize(
    ("values", "apis", "user"),
    [
        pytest.param({}, (), 65532, id="elsewhere"),
        pytest.param({}, OPENSHIFT, None, id="openshift"),
        pytest.param(
            {"global": {"compatibility": {"openshift": {"adaptSecurityContext": "force"}}}}, (), None, id="force"
        ),
        pytest.param(
            {"global": {"compatibility": {"openshift": {"adaptSecurityContext": "disabled"}}}},
            OPENSHIFT,
            65532,
            id="off",
        ),
        pytest.param({"podSecurityContext": {"runAsUser": None}}, (), None, id="null"),
        pytest.param({"podSecurityContext": {"runAsUser": 1001}}, (), 1001, id="another"),
    ],
)
def test_openshift_chooses_the_user_itself(helm: Helm, values: Values, apis: tuple[str, ...], user: int | None) -> None:
    for name, pod in pods(helm.render(values, *VALUES_FILES["both"], apis=apis)):
        context = pod["securityContext"]
        assert context.get("runAsUser") == user, name
        assert ("fsGroup" in context) is (user is not None or "podSecurityContext" in values)
        assert context["runAsNonRoot"] is True


@pytest.mark.parametrize(
    ("image", "registry", "expected"),
    [
        pytest.param({}, "", "tiergate:0.1.0", id="default"),
        pytest.param({"registry": "registry.test"}, "", "registry.test/tiergate:0.1.0", id="registry"),
        pytest.param({"registry": "registry.test"}, "mirror.test", "mirror.test/tiergate:0.1.0", id="global-wins"),
        pytest.param({"repository": "team/tiergate"}, "mirror.test/", "mirror.test/team/tiergate:0.1.0", id="path"),
        pytest.param(
            {"repository": "registry.test:5000/a/tiergate"},
            "mirror.test",
            "mirror.test/a/tiergate:0.1.0",
            id="replaced",
        ),
        pytest.param(
            {"repository": "localhost/tiergate", "tag": "7"}, "mirror.test", "mirror.test/tiergate:7", id="local"
        ),
    ],
)
def test_a_mirror_takes_the_place_of_the_registry(helm: Helm, image: Values, registry: str, expected: str) -> None:
    rendered = helm.render({"image": image, "global": {"imageRegistry": registry}}, *VALUES_FILES["both"])
    assert {container["image"] for _, pod in pods(rendered) for container in pod["containers"]} == {expected}


def test_secrets_of_registries_are_those_of_all_charts_and_our_own(helm: Helm) -> None:
    shared, own = [{"name": "a"}], [{"name": "b"}, {"name": "a"}]
    rendered = helm.render({"global": {"imagePullSecrets": shared}, "imagePullSecrets": own}, *VALUES_FILES["both"])
    assert [pod["imagePullSecrets"] for _, pod in pods(rendered)] == [[{"name": "a"}, {"name": "b"}]] * len(ALL)


def test_the_quota_for_critical_pods_follows_their_classes(helm: Helm) -> None:
    found = helm.render({"criticalPodsQuota": {"pods": 7}}).one("ResourceQuota", "tiergate-critical-pods")["spec"]
    assert found["hard"] == {"pods": "7"}
    (scope,) = found["scopeSelector"]["matchExpressions"]
    assert scope == {"scopeName": "PriorityClass", "operator": "In", "values": ["system-cluster-critical"]}
    other = {"priorityClassName": "ours"}
    assert not helm.render({"webhook": other, "controller": other}).names("ResourceQuota")
    assert not helm.render({"criticalPodsQuota": {"enabled": False}}).names("ResourceQuota")


def test_both_webhook_configurations_carry_what_the_platform_reads(helm: Helm) -> None:
    """AKS leaves alone what is marked so; our own annotation, which the controller compares, stays ours."""
    values = {
        "configurationLabels": {"example.com/c": "d"},
        "configurationAnnotations": {"example.com/a": "b", "tiergate.io/webhooks": "theirs"},
    }
    plain, found = helm.render(), helm.render({"webhook": values})
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        metadata = found.one(kind, "tiergate")["metadata"]
        ours = plain.one(kind, "tiergate")["metadata"]
        assert ours["annotations"]["admissions.enforcer/disabled"] == "true"
        assert metadata["labels"] == {**ours["labels"], "example.com/c": "d"}
        assert metadata["annotations"] == {**ours["annotations"], "example.com/a": "b"}


def test_the_service_has_the_families_of_addresses_that_are_asked_for(helm: Helm) -> None:
    service = {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"]}
    spec = helm.render({"webhook": {"service": service}}).one("Service", "tiergate-webhook")["spec"]
    assert {name: spec[name] for name in service} == service
    assert not {"ipFamilyPolicy", "ipFamilies"} & helm.render().one("Service", "tiergate-webhook")["spec"].keys()
