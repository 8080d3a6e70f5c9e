"""Another mutating webhook injects a sidecar after ours: it has its defaults, and the pod is judged with it."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.cluster.objects import a_pod, a_tier
from tests.cluster.story import CONTAINER
from tests.cluster.webhook import serving
from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster, until

pytestmark = pytest.mark.cluster
# After `tiergate` in the order of names, which is the order of calls.
INJECTOR: Final = "zz-sidecar"
LABEL: Final = "example.com/sidecar"
IMAGE: Final = "registry.example/mesh:1.0"
LATE: Final = {"name": "mesh", "image": IMAGE}
SIDECARS: Final[dict[str, tuple[str, Object]]] = {
    "late": ("containers", LATE),
    "native": ("initContainers", LATE | {"restartPolicy": "Always"}),
    "greedy": ("containers", LATE | {"resources": {"limits": {"memory": "2Gi"}}}),
    "complete": (
        "containers",
        LATE
        | {
            "resources": {
                "requests": {"cpu": "10m", "memory": "32Mi", "ephemeral-storage": "64Mi"},
                "limits": CONTAINER["dev"]["default"],
            }
        },
    ),
}
DEFAULTS: Final = {"limits": CONTAINER["dev"]["default"], "requests": CONTAINER["dev"]["defaultRequest"]}
NAMES: Final = ", ".join(sorted(CONTAINER["dev"]["default"]))
OF_MAIN: Final = f"{NAMES} request for container main; {NAMES} limit for container main"
OF_MESH: Final = f"{NAMES} request for container mesh; {NAMES} limit for container mesh"


def _inject(path: str, body: bytes) -> bytes:
    """Answer a review with the sidecar that the pod's label asks for."""
    del path
    request = json.loads(body)["request"]
    field, sidecar = SIDECARS[request["object"]["metadata"]["labels"][LABEL]]
    present = field in request["object"]["spec"]
    added = (
        {"path": f"/spec/{field}/-", "value": sidecar} if present else {"path": f"/spec/{field}", "value": [sidecar]}
    )
    patch = base64.b64encode(json.dumps([{"op": "add", **added}]).encode()).decode()
    response = {"uid": request["uid"], "allowed": True, "patchType": "JSONPatch", "patch": patch}
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).encode()


@pytest.fixture(scope="module")
def injecting(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with an injector for pods that have its label; it is asked once for each pod."""
    if cluster.plane is None:
        pytest.skip("the injector is behind a loopback ClusterIP, which a given cluster does not have")
    with serving(cluster, INJECTOR, _inject) as webhook:
        entry = {
            "name": "sidecar.example.com",
            "clientConfig": webhook.client_config("/inject"),
            "objectSelector": {"matchExpressions": [{"key": LABEL, "operator": "Exists"}]},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
            "reinvocationPolicy": "Never",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }
        configuration = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": INJECTOR},
            "webhooks": [entry],
        }
        cluster.apply(configuration)
        try:
            until(lambda: _dry_run_has_both(cluster), "the API server asks the injector")
            yield cluster
        finally:
            cluster.kubectl(f"delete mutatingwebhookconfiguration {INJECTOR}")


def _dry_run_has_both(cluster: Cluster) -> bool:
    line = "create -n default --dry-run=server -o json -f -"
    return len(cluster.kubectl(line, stdin=json.dumps(_pod("probe", "late"))).json["spec"]["containers"]) == 2


def _pod(name: str, sidecar: str | None, resources: Object | None = None) -> Object:
    pod = a_pod(name, **(resources or {}))
    if sidecar:
        pod["metadata"]["labels"] = {LABEL: sidecar}
    return pod


@pytest.fixture
def tight(cluster: Cluster) -> Iterator[str]:
    """A namespace whose quota has room for one container with its defaults, and not for two."""
    name = f"tight-{secrets.token_hex(4)}"
    limits, hard = [{"type": "Container", **CONTAINER["dev"]}], {"limits.cpu": "400m", "pods": "5"}
    cluster.apply(a_tier(name, {"limits": limits, "quotas": [{"name": "compute", "hard": hard}]}))
    metadata = {"name": name, "labels": {"tiergate.io/tier": name}}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    cluster.kubectl(f"wait --for=create resourcequota/tier -n {name} --timeout=30s")
    cluster.kubectl(f"wait --for=jsonpath={{.status.hard.pods}}=5 resourcequota/tier -n {name} --timeout=30s")
    yield name
    cluster.kubectl(f"delete namespace {name} --timeout=60s")
    cluster.kubectl(f"delete tier {name} --timeout=20s")


def _created(cluster: Cluster, namespace: str, pod: Object) -> Object:
    line = f"create -n {namespace} -o json -f -"
    return cluster.kubectl(line, stdin=json.dumps(pod)).json


def _refused(cluster: Cluster, namespace: str, pod: Object) -> tuple[str, list[tuple[str, str]]]:
    """Create a pod, which must be refused by us; return the message, and (rule, field) of the causes."""
    with cluster.raw_api() as raw_api:
        code, status = raw_api.call("POST", f"/api/v1/namespaces/{namespace}/pods", pod)
    assert code == 403, status
    assert status["message"].startswith('admission webhook "pods.validate.tiergate.io" denied the request: ')
    return status["message"], [(cause["reason"], cause["field"]) for cause in status["details"]["causes"]]


def _resources(pod: Object, field: str) -> dict[str, Any]:
    return {each["name"]: each["resources"] for each in pod["spec"].get(field, [])}


def test_a_late_sidecar_has_its_defaults(injecting: Cluster, namespace: str) -> None:
    """Ours is asked again after the injector, and its note names both containers."""
    _created(injecting, namespace, _pod("meshed", "late"))
    stored = injecting.kubectl(f"get pod meshed -n {namespace} -o json").json
    assert _resources(stored, "containers") == {"main": DEFAULTS, "mesh": DEFAULTS}
    assert stored["metadata"]["annotations"]["tiergate.io/defaults"] == f"tiergate set: {OF_MAIN}; {OF_MESH}"


def test_a_late_native_sidecar_has_its_defaults(injecting: Cluster, namespace: str) -> None:
    stored = _created(injecting, namespace, _pod("meshed", "native"))
    assert _resources(stored, "containers") == {"main": DEFAULTS}
    assert _resources(stored, "initContainers") == {"mesh": DEFAULTS}
    of_mesh = OF_MESH.replace("container", "init container")
    assert stored["metadata"]["annotations"]["tiergate.io/defaults"] == f"tiergate set: {OF_MAIN}; {of_mesh}"


def test_a_late_sidecar_beside_a_complete_container_has_its_defaults(injecting: Cluster, namespace: str) -> None:
    """The first call had nothing to do; the second one has."""
    whole = {
        "limits": {"cpu": "500m", "memory": "512Mi", "ephemeral-storage": "64Mi"},
        "requests": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"},
    }
    stored = _created(injecting, namespace, _pod("meshed", "late", whole))
    assert _resources(stored, "containers") == {"main": whole, "mesh": DEFAULTS}
    assert stored["metadata"]["annotations"]["tiergate.io/defaults"] == f"tiergate set: {OF_MESH}"


def test_a_late_sidecar_with_resources_keeps_them(injecting: Cluster, namespace: str) -> None:
    stored = _created(injecting, namespace, _pod("meshed", "complete"))
    assert _resources(stored, "containers") == {"main": DEFAULTS, "mesh": SIDECARS["complete"][1]["resources"]}
    assert stored["metadata"]["annotations"]["tiergate.io/defaults"] == f"tiergate set: {OF_MAIN}"


def test_pods_of_a_deployment_have_sidecars_with_defaults(injecting: Cluster, namespace: str) -> None:
    """A generated name and another user change nothing."""
    labels = {LABEL: "late"}
    spec = {
        "replicas": 2,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": a_pod("web")["spec"]},
    }
    injecting.apply(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}, namespace=namespace
    )
    injecting.kubectl(f"rollout status deployment/web -n {namespace} --timeout=60s")
    pods = injecting.kubectl(f"get pods -n {namespace} -l {LABEL}=late -o json").json["items"]
    assert [_resources(pod, "containers") for pod in pods] == [{"main": DEFAULTS, "mesh": DEFAULTS}] * 2


def test_the_sum_with_a_late_sidecar_is_charged(injecting: Cluster, namespace: str) -> None:
    _created(injecting, namespace, _pod("meshed", "late"))
    line = f"get resourcequota tier -n {namespace} -o jsonpath={{.status.used}}"
    until(
        lambda: json.loads(injecting.kubectl(line).out)["limits.cpu"] == "500m",
        "both containers are charged",
    )


@pytest.mark.parametrize("sidecar", ["late", "native"])
def test_a_quota_too_small_for_the_sum_refuses(injecting: Cluster, tight: str, sidecar: str) -> None:
    """The pod alone fits; with what is injected it does not, and nothing of it is stored or charged."""
    message, causes = _refused(injecting, tight, _pod("meshed", sidecar))
    assert 'quota "compute": limits.cpu asks 500m, used 0 of 400m, over by 100m' in message
    assert [rule for rule, _ in causes] == ["quota-exceeded"]
    _created(injecting, tight, _pod("alone", None))


@pytest.mark.parametrize("dry_run", [False, True], ids=["for-real", "dry-run"])
def test_a_late_sidecar_over_the_maximum_is_refused(injecting: Cluster, namespace: str, *, dry_run: bool) -> None:
    pod = json.dumps(_pod("meshed", "greedy"))
    result = injecting.run(f"kubectl create -n {namespace} {'--dry-run=server' if dry_run else ''} -f -", stdin=pod)
    assert result.code != 0
    assert 'container "mesh": limits.memory is 2Gi, the tier allows at most 512Mi' in result.err
    assert 'container "main"' not in result.err


def test_the_field_of_a_refused_sidecar_is_where_it_was_injected(injecting: Cluster, namespace: str) -> None:
    _, causes = _refused(injecting, namespace, _pod("meshed", "greedy"))
    fields = {field for rule, field in causes if rule == "limit-max"}
    assert fields == {"/spec/containers/1/resources/limits/memory"}
