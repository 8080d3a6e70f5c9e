"""The objects of a case: a workload of each kind, its claims, and what a change makes of it."""

from __future__ import annotations

import copy
from random import Random
from typing import Any, Final, Literal

Json = dict[str, Any]
Change = Literal["created", "image", "up", "down", "bigger", "smaller"]
"""What an application changes: the template's image, the number of pods, what each asks for."""

GROUPS: Final = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "ReplicationController": "v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}
NAME: Final = "w"
LABELS: Final = {"app": NAME}
CLASS: Final = "forecast"
"""The storage class of all claims: volumes are made for them beforehand."""
CLAIM: Final = "1Gi"
NODES: Final = ("forecast-1", "forecast-2", "forecast-3")
"""Nodes that only DaemonSets of cases run on."""
TAINT: Final = {"key": "forecast", "effect": "NoSchedule"}
_Strategies = tuple[tuple[int | str, int | str], ...]
_STRATEGIES: Final[_Strategies] = ((0, 1), (1, 0), (1, 1), ("50%", 0), ("25%", "25%"), (8, 0), (2, 1))
"""maxSurge and maxUnavailable of a Deployment."""
_OF_DAEMONSETS: Final[_Strategies] = ((0, 1), (1, 0), ("50%", 0), (0, 2), (0, "100%"))


def a_workload(kind: str, pods: int, milli: int, random: Random) -> Json:
    """Return a workload of so many pods, each of which asks for so much CPU."""
    template = _template(kind, milli, limit=random.choice([0, 0, 1, 2]))
    spec: Json = {"template": template}
    match kind:
        case "Job" | "CronJob":
            template["spec"]["restartPolicy"] = "Never"
            spec |= {"parallelism": pods, "completions": pods, "backoffLimit": 100}
        case "ReplicationController":
            spec |= {"replicas": pods, "selector": LABELS}
        case "DaemonSet":
            template["spec"] |= {"nodeSelector": LABELS, "tolerations": [{**TAINT, "operator": "Exists"}]}
            spec |= {"selector": {"matchLabels": LABELS}}
            if random.random() < 0.5:
                spec["updateStrategy"] = _strategy(*random.choice(_OF_DAEMONSETS))
        case _:
            spec |= {"replicas": pods, "selector": {"matchLabels": LABELS}}
    if kind == "Deployment" and random.random() < 0.7:
        spec["strategy"] = {"type": "Recreate"} if random.random() < 0.15 else _strategy(*random.choice(_STRATEGIES))
    if kind == "StatefulSet":
        spec |= {"serviceName": NAME, "podManagementPolicy": random.choice(["OrderedReady", "Parallel"])}
    if kind == "CronJob":  # once a year, for its Job is made by hand
        spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": spec}}
    return {"apiVersion": GROUPS[kind], "kind": kind, "metadata": {"name": NAME}, "spec": spec}


def _template(kind: str, milli: int, *, limit: int) -> Json:
    resources: Json = {"requests": {"cpu": f"{milli}m"}}
    if limit:
        resources["limits"] = {"cpu": f"{milli * limit}m"}
    container = {"name": "main", "image": "registry.example/main:1", "resources": resources}
    return {
        "metadata": {"labels": {**LABELS, "kind": kind.lower()}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
    }


def _strategy(surge: int | str, unavailable: int | str) -> Json:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def template_of(workload: Json) -> Json:
    """Return the template of the pods, also of a CronJob."""
    spec = workload["spec"]
    template: Json = (spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec)["template"]
    return template


def with_kept_claims(workload: Json) -> None:
    """Give each pod of a StatefulSet a claim that stays when it goes."""
    workload["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": _claim()}]


def with_ephemeral_claims(workload: Json) -> None:
    """Give each pod a claim that comes and goes with it."""
    volume = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": _claim()}}}
    template_of(workload)["spec"]["volumes"] = [volume]


def _claim() -> Json:
    requests = {"requests": {"storage": CLAIM}}
    return {"accessModes": ["ReadWriteOnce"], "storageClassName": CLASS, "resources": requests}


def changed(workload: Json, change: Change, random: Random) -> Json:
    """Return the workload with one change."""
    after = copy.deepcopy(workload)
    container = template_of(after)["spec"]["containers"][0]
    if change == "image":
        container["image"] = "registry.example/main:2"
    elif change == "up":
        after["spec"]["replicas"] += random.randint(1, 4)
    elif change == "down":
        after["spec"]["replicas"] = random.randint(0, after["spec"]["replicas"] - 1)
    else:
        factor = random.choice([1.2, 2, 4]) if change == "bigger" else 0.5
        for amounts in container["resources"].values():
            amounts["cpu"] = f"{int(int(amounts['cpu'][:-1]) * factor)}m"
    return after
