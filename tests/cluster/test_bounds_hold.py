"""What a tier bounds stays bounded: beside pod-level values, for devices of claims, and while nobody controls."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.cluster.objects import a_pod, a_tier
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, until

pytestmark = pytest.mark.cluster

LABEL: Final = "tiergate.io/tier"
DEVICES: Final = "gpu.example.com.deviceclass.resource.k8s.io/devices"


def levelled(name: str, **resources: dict[str, str]) -> Object:
    pod = a_pod(name)
    pod["spec"]["resources"] = resources
    return pod


def created(cluster: Cluster, namespace: str, pod: Object) -> dict[str, Any]:
    """Return the pod as it would be stored, or {"refused": why}."""
    result = cluster.run(f"kubectl create -n {namespace} --dry-run=server -o json -f -", stdin=json.dumps(pod))
    return result.json if result.code == 0 else {"refused": result.err}


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        pytest.param(
            {"requests": {"cpu": "1m", "memory": "1Mi"}},
            "requests.cpu is 1m (set by the tier), the tier asks for at least 10m",
            id="requests-of-next-to-nothing",
        ),
        pytest.param(
            {"limits": {"cpu": "5m", "memory": "1Mi"}},
            "limits.cpu is 5m, the tier asks for at least 10m",
            id="below-min",
        ),
        pytest.param({"limits": {"cpu": "0", "memory": "64Mi"}}, "which means no limit", id="no-limit-at-all"),
    ],
)
def test_pod_level_values_remove_no_bound(
    cluster: Cluster, namespace: str, resources: dict[str, dict[str, str]], said: str
) -> None:
    assert said in created(cluster, namespace, levelled("p", **resources))["refused"]


def test_a_pod_level_request_leaves_the_default_limits(cluster: Cluster, namespace: str) -> None:
    """The default requests of cpu are lowered to it; those of memory, which it does not name, are as ever."""
    stored = created(cluster, namespace, levelled("p", requests={"cpu": "50m"}))
    resources = stored["spec"]["containers"][0]["resources"]
    assert resources["limits"] == {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "1Gi"}
    assert (resources["requests"]["cpu"], resources["requests"]["memory"]) == ("50m", "128Mi")


AMOUNTS: Final = {"cpu": "1", "memory": "1Gi"}
ZERO: Final = {"cpu": "0", "memory": "0"}
QUOTA: Final = {"name": "compute", "hard": {"limits.cpu": "4", "limits.memory": "4Gi"}}


@pytest.mark.rule("limit-zero")
@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(
            {"limits": [{"type": "Container", "default": AMOUNTS}], "quotas": [QUOTA]}, id="container-default-and-quota"
        ),
        pytest.param({"limits": [{"type": "Pod", "max": AMOUNTS}]}, id="pod-max"),
        pytest.param({"quotas": [QUOTA]}, id="quota"),
    ],
)
def test_a_limit_of_zero_goes_past_no_bound(cluster: Cluster, spec: Object) -> None:
    """It is none at run time, adds nothing to a total, and answers a quota that demands a limit."""
    name = f"zero-{secrets.token_hex(4)}"
    cluster.apply(a_tier(name, spec))
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {LABEL: name}}})
    cluster.kubectl(f"wait --for=create serviceaccount/default -n {name} --timeout=30s")
    fits = {"cpu": "100m", "memory": "32Mi"}
    until(lambda: "refused" not in created(cluster, name, a_pod("fits", limits=fits)), "the tier is in force")
    zeros = (a_pod("own", limits=ZERO), levelled("of-the-pod", limits=ZERO))
    for pod in zeros:
        assert created(cluster, name, pod)["refused"].count("is 0, which means no limit") == len(ZERO)
    cluster.kubectl(f"delete namespace {name} --wait=false")


def test_whatever_a_namespace_is_annotated_with_its_label_counts(cluster: Cluster, namespace: str) -> None:
    """The API server stores a NUL there, which is no text to us."""
    patch = json.dumps({"metadata": {"annotations": {"odd": "\0"}}})
    cluster.kubectl(f"patch namespace {namespace} --type=merge --patch-file=/dev/stdin", stdin=patch)
    assert cluster.kubectl(f"get namespace {namespace} -o json").json["metadata"]["annotations"]["odd"] == "\0"
    large = a_pod("large", limits={"cpu": "900m"})
    assert "at most 500m" in created(cluster, namespace, large)["refused"]
    cluster.kubectl(f"label namespace {namespace} tiergate.io/tier=staging --overwrite")
    until(lambda: "refused" not in created(cluster, namespace, large), "it has the bounds of its new tier")


@pytest.fixture
def devices(cluster: Cluster) -> Iterator[str]:
    """A namespace of a tier without devices, with its quota in force."""
    name = f"devices-{secrets.token_hex(4)}"
    hard = {"requests.example.com/gpu": "0", DEVICES: "0", "persistentvolumeclaims": "1"}
    cluster.apply(a_tier(name, {"quotas": [{"name": "gpu", "hard": hard}]}))
    metadata = {"name": name, "labels": {"tiergate.io/tier": name}}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    read = f"get resourcequota tier -n {name} -o json"
    used = f"wait --for=create resourcequota/tier -n {name} --timeout=30s"
    cluster.kubectl(used)
    until(lambda: DEVICES in cluster.kubectl(read).json.get("status", {}).get("used", {}), "claims are counted")
    yield name
    cluster.kubectl(f"delete namespace {name}")
    cluster.kubectl(f"delete tier {name}")


@pytest.mark.rule("R-47")
def test_native_quota_refuses_devices_of_a_claim(cluster: Cluster, devices: str) -> None:
    """The quota on the extended resource does not see them; the one on the device class does."""
    exactly = {"deviceClassName": "gpu.example.com", "count": 8}
    claim = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"name": "eight"},
        "spec": {"devices": {"requests": [{"name": "gpus", "exactly": exactly}]}},
    }
    result = cluster.run(f"kubectl create -n {devices} -f -", stdin=json.dumps(claim))
    assert f"exceeded quota: tier, requested: {DEVICES}=8, used: {DEVICES}=0, limited: {DEVICES}=0" in result.err


def test_a_tier_whose_devices_claims_go_past_is_warned_of(cluster: Cluster) -> None:
    tier = a_tier("unseen", {"quotas": [{"name": "gpu", "hard": {"requests.nvidia.com/gpu": "1"}}]})
    told = cluster.run("kubectl create --dry-run=server -f -", stdin=json.dumps(tier)).err
    assert "ResourceClaims can ask for devices that requests.nvidia.com/gpu does not count" in told


@pytest.fixture
def uncontrolled(cluster: Cluster, namespace: str) -> Iterator[str]:
    """A namespace of the dev tier, and no controller runs any more."""
    deployment = f"deployment tiergate-controller -n {NAMESPACE}"
    replicas = cluster.kubectl(f"get {deployment} -o jsonpath={{.spec.replicas}}").out
    cluster.kubectl(f"scale {deployment} --replicas=0")
    selector = "app.kubernetes.io/component=controller"
    cluster.kubectl(f"wait --for=delete pod -l {selector} -n {NAMESPACE} --timeout=60s")
    yield namespace
    cluster.kubectl(f"scale {deployment} --replicas={replicas}")
    cluster.kubectl(f"rollout status {deployment} --timeout=120s")


def test_a_namespace_moved_to_a_smaller_tier_is_bounded_by_that(cluster: Cluster, uncontrolled: str) -> None:
    """Its ResourceQuota still is that of dev, with 2 CPUs: nobody is there to change it."""
    namespace, name = uncontrolled, f"small-{secrets.token_hex(4)}"
    quota = {"name": "compute", "hard": {"requests.cpu": "500m"}}
    cluster.apply(a_tier(name, {"quotas": [quota]}))
    cluster.kubectl(f"label namespace {namespace} tiergate.io/tier={name} --overwrite")
    asked = {"cpu": "300m", "memory": "32Mi"}

    def refused(pod: str) -> str:
        return cluster.run(
            f"kubectl create -n {namespace} -f -", stdin=json.dumps(a_pod(pod, requests=asked, limits=asked))
        ).err

    large = a_pod("large", requests={"cpu": "501m"}, limits={"cpu": "501m", "memory": "1Gi"})
    until(lambda: "of 500m" in str(created(cluster, namespace, large)), "the webhook knows of the new tier")
    assert refused("one") == ""
    assert "requests.cpu asks 300m, used 300m of 500m" in refused("two")
    cluster.kubectl(f"label namespace {namespace} tiergate.io/tier=dev --overwrite")
    cluster.kubectl(f"delete tier {name}")
