"""What is being deleted goes freely, and does not grow past its tier while something holds it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Final

import pytest

from tests.cluster.objects import a_pod, a_tier
from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster, until

pytestmark = pytest.mark.cluster

HELD: Final = ["example.com/held"]
FREED: Final = """--type=merge -p '{"metadata":{"finalizers":null}}'"""
LIMITS: Final = [
    {"type": "Container", "max": {"cpu": "500m"}},
    {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}},
]


@pytest.fixture
def bounded(cluster: Cluster) -> Iterator[str]:
    """A namespace of a tier with a Container and a claim max, in force, and a class of volumes that grow."""
    name = f"held-{secrets.token_hex(4)}"
    cluster.apply(a_tier(name, {"limits": LIMITS}))
    metadata = {"name": name, "labels": {"tiergate.io/tier": name}}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    growing = {"metadata": {"name": name}, "provisioner": "example.com/none", "allowVolumeExpansion": True}
    cluster.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", **growing})
    cluster.kubectl(f"wait --for=create serviceaccount/default -n {name} --timeout=30s")
    large = json.dumps(a_pod("large", limits={"cpu": "2"}))
    line = f"kubectl create -n {name} --dry-run=server -f -"
    until(lambda: "the tier allows at most 500m" in cluster.run(line, stdin=large).err, "the tier is in force")
    yield name
    cluster.kubectl(f"delete namespace {name} --timeout=60s")
    cluster.kubectl(f"delete tier {name}")
    cluster.kubectl(f"delete storageclass {name}")


def a_held_claim(kind: str) -> Object:
    spec = {"storageClassName": kind, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "500Mi"}}}
    metadata = {"name": "claim", "finalizers": HELD}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def a_volume(namespace: str) -> Object:
    spec = {
        "capacity": {"storage": "500Mi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": namespace,
        "hostPath": {"path": "/tmp/nothing"},  # noqa: S108  # no node mounts it
        "claimRef": {"namespace": namespace, "name": "claim"},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": namespace}, "spec": spec}


@pytest.mark.rule("terminating")
def test_a_claim_grows_within_its_tier_only_while_it_is_being_deleted(cluster: Cluster, bounded: str) -> None:
    cluster.apply(a_held_claim(bounded), namespace=bounded)
    cluster.apply(a_volume(bounded))
    where = f"-n {bounded}"
    cluster.kubectl(f"wait --for=jsonpath={{.status.phase}}=Bound pvc/claim {where} --timeout=30s")
    cluster.kubectl(f"delete pvc claim {where} --wait=false")

    def grown(size: str) -> str:
        change = json.dumps({"spec": {"resources": {"requests": {"storage": size}}}})
        return cluster.run(f"kubectl patch pvc claim {where} -p '{change}'").err

    assert "requests.storage is 100Ti, the tier allows at most 1Gi" in grown("100Ti")
    assert grown("1Gi") == ""
    cluster.kubectl(f"patch pvc claim {where} {FREED}")
    cluster.kubectl(f"wait --for=delete pvc/claim {where} --timeout=30s")
    cluster.kubectl(f"delete pv {bounded} --wait=false")


@pytest.mark.long
@pytest.mark.rule("terminating")
def test_a_pod_is_resized_within_its_tier_only_while_it_is_being_deleted(cluster: Cluster, bounded: str) -> None:
    pod = a_pod("pod", requests={"cpu": "100m"}, limits={"cpu": "100m"})
    pod["metadata"]["finalizers"] = HELD
    pod["spec"]["schedulerName"] = "nobody"  # no node has to take the resize
    cluster.apply(pod, namespace=bounded)
    where = f"-n {bounded}"
    cluster.kubectl(f"delete pod pod {where} --wait=false")
    (name,) = (one["name"] for one in pod["spec"]["containers"])

    def resized(limit: str) -> str:
        resources = {"requests": {"cpu": "100m"}, "limits": {"cpu": limit}}
        change = json.dumps({"spec": {"containers": [{"name": name, "resources": resources}]}})
        return cluster.run(f"kubectl patch pod pod {where} --subresource=resize -p '{change}'").err

    assert "limits.cpu is 2, the tier allows at most 500m" in resized("2")
    assert resized("400m") == ""
    cluster.kubectl(f"patch pod pod {where} {FREED}")
    cluster.kubectl(f"wait --for=delete pod/pod {where} --timeout=30s")
