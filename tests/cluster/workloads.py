"""Workloads in a namespace of a tier, as people apply and see them."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster, Result, until

NAMESPACE: Final = "workloads"
LIMITS: Final = [{"type": "Container", "default": {"cpu": "500m"}, "max": {"cpu": "2"}}]
SPEC: Final[Object] = {
    "workloads": "Warn",
    "limits": LIMITS,
    "quotas": [{"name": "compute", "hard": {"limits.cpu": "4", "pods": "10"}}],
}
NEVER: Final = 'no pod of it can run: container "main": limits.cpu is 3, the tier allows at most 2'


def workload(name: str, kind: str = "Deployment", *, cpu: str = "1", **spec: Any) -> Object:  # noqa: ANN401  # JSON
    """Return a workload of one container; ``spec`` are fields of its spec."""
    labels = {"app": name}
    container = {"name": "main", "image": "registry.example/main:1.0", "resources": {"limits": {"cpu": cpu}}}
    pod: Object = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    if kind in ("Job", "CronJob"):
        pod["restartPolicy"] = "Never"
    inside: Object = {"template": {"metadata": {"labels": labels}, "spec": pod}, **spec}
    if kind not in ("Job", "CronJob"):
        inside["selector"] = labels if kind == "ReplicationController" else {"matchLabels": labels}
    if kind == "StatefulSet":
        inside["serviceName"] = name
    if kind == "CronJob":
        inside = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": inside}}
    group = {"ReplicationController": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}.get(kind, "apps/v1")
    return {"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": inside}


def apply(cluster: Cluster, obj: Object, flags: str = "") -> Result:
    """Apply as a person does."""
    return cluster.run(f"kubectl apply -n {NAMESPACE} {flags} -f -", stdin=json.dumps(obj))


def kubectl(cluster: Cluster, line: str) -> Result:
    return cluster.run(f"kubectl -n {NAMESPACE} {line}")


def set_tier(cluster: Cluster, spec: Object) -> None:
    cluster.kubectl("patch tier team --type=merge --patch-file=/dev/stdin", stdin=json.dumps({"spec": spec}))
    hard = spec["quotas"][0]["hard"]["limits.cpu"]
    until(lambda: quota(cluster)["hard"].get("limits.cpu") == hard, "the quota follows the tier")


def quota(cluster: Cluster) -> Object:
    status: Object = cluster.kubectl(f"get resourcequota tier -n {NAMESPACE} -o json").json["status"]
    return status


def used(cluster: Cluster) -> str:
    found: str = quota(cluster)["used"]["limits.cpu"]
    return found


def ready(cluster: Cluster, name: str, count: int) -> None:
    """Wait until its last change is rolled out: the controller has seen it, and all of its pods are new and ready."""

    def is_rolled_out() -> bool:
        found = cluster.kubectl(f"get deployment {name} -n {NAMESPACE} -o json").json
        status = found["status"]
        pods = [status.get(field) for field in ("replicas", "updatedReplicas", "readyReplicas")]
        return status.get("observedGeneration") == found["metadata"]["generation"] and pods == [count] * 3

    until(is_rolled_out, f"{count} pods of {name} run", seconds=60)


def warnings(result: Result) -> list[str]:
    assert result.code == 0, result.text
    return [line.removeprefix("Warning: ") for line in result.err.splitlines() if line.startswith("Warning: ")]


def autoscaler(kind: str, *, least: int, most: int) -> Object:
    """Return one for the workload ``scaled``. Its bounds count also where there are no metrics, as here."""
    target = {"apiVersion": "apps/v1", "kind": kind, "name": "scaled"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
    spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most, "metrics": [metric]}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "scaled"},
        "spec": spec,
    }


def replicas(cluster: Cluster, kind: str) -> str:
    """Return how many are wanted and how many are ready, of the workload ``scaled``."""
    return kubectl(cluster, f"get {kind} scaled -o jsonpath={{.spec.replicas}}/{{.status.readyReplicas}}").out


def said_of_the_autoscaler(cluster: Cluster) -> list[str]:
    line = "get events --field-selector involvedObject.kind=HorizontalPodAutoscaler -o json"
    return [f"{one['reason']}: {one['message']}" for one in kubectl(cluster, line).json["items"]]
