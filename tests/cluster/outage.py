"""An outage of all replicas, and who decides meanwhile."""

from __future__ import annotations

import os
import signal
from typing import Final

from tests.cluster.releases import Release
from tests.cluster.replicas import replicas
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, until

FAIL: Final = {
    "pods.mutate": "Fail",
    "pods.validate": "Fail",
    "persistentvolumeclaims.validate": "Fail",
    "being-deleted.validate": "Fail",
    "namespaces.validate": "Fail",
    "tiers.validate": "Ignore",
    "workloads.validate": "Ignore",
}
HANDED_OVER: Final = {
    name: "Fail" if name in {"namespaces.validate", "being-deleted.validate"} else "Ignore" for name in FAIL
}
_NO_PODS: Final[Object] = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "no-pods", "namespace": NAMESPACE},
    "spec": {"hard": {"pods": "0"}},
}


def policies(cluster: Cluster) -> dict[str, str]:
    """Return the failurePolicy of each entry by its short name, but for what a handover adds."""
    names = {one["name"].removesuffix(".tiergate.io"): one["failurePolicy"] for one in Release(cluster).entries()}
    return {name: policy for name, policy in names.items() if not name.startswith("excluded.")}


def kill_all(cluster: Cluster) -> None:
    """Kill every replica, and let none be created again."""
    cluster.apply(_NO_PODS)
    until(
        lambda: cluster.kubectl(f"get quota no-pods -n {NAMESPACE} -o jsonpath={{.status.hard.pods}}").out == "0",
        "no pod can be created",
    )
    for one in replicas(cluster):
        os.kill(one.pid, signal.SIGKILL)
    line = f"delete pods -n {NAMESPACE} -l app.kubernetes.io/component=webhook --grace-period=0 --force"
    cluster.kubectl(line)


def let_replicas_return(cluster: Cluster) -> None:
    """Let replicas be created again; their controller tries after a while."""
    cluster.kubectl(f"delete quota no-pods -n {NAMESPACE}")


def bring_back(cluster: Cluster) -> None:
    """Bring the replicas back at once, and wait until they are ready."""
    let_replicas_return(cluster)
    cluster.kubectl(f"rollout restart deployment/tiergate-webhook -n {NAMESPACE}")
    cluster.kubectl(f"rollout status deployment/tiergate-webhook -n {NAMESPACE} --timeout=120s")
