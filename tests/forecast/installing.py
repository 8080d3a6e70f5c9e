"""What forecasts are asked of: a release with two tiers that bound nothing, nodes for DaemonSets, a storage class."""

from __future__ import annotations

from typing import Final

from tests.cluster.releases import Release
from tests.controlplane.cluster import NAMESPACE, Cluster
from tests.forecast.workloads import CLASS, LABELS, NODES, TAINT, Json

TIERS: Final = {False: "forecast-warn", True: "forecast-enforce"}
"""The tier by whether it refuses what does not fit."""
VALUES: Final = {
    "tiers": {
        TIERS[False]: {"spec": {"enforcement": "Warn", "workloads": "Warn"}},
        TIERS[True]: {"spec": {"enforcement": "Enforce", "workloads": "Enforce"}},
    }
}
"""Quotas and LimitRanges are the namespaces' own: what the webhook refuses, it refuses for native reasons."""


def installed(cluster: Cluster) -> None:
    """Install the release, wait until it is in force, and make what the cases need besides."""
    Release(cluster).install(VALUES)
    for component in ("webhook", "controller"):
        cluster.kubectl(f"rollout status deployment/tiergate-{component} -n {NAMESPACE} --timeout=120s")
    cluster.kubectl(f"wait --for=condition=Enforcing tier/{TIERS[True]} --timeout=60s")
    cluster.apply(_storage_class(), *map(_node, NODES))


def _storage_class() -> Json:
    """Return a class whose volumes the scheduler chooses: one after the other, so that no two claims race for one."""
    provisioner = {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": CLASS}, **provisioner}


def _node(name: str) -> Json:
    size = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "1000"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {**LABELS, "kubernetes.io/hostname": name}},
        "spec": {"taints": [TAINT]},
        "status": {"allocatable": size, "capacity": size},
    }
