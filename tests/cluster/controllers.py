"""The replicas of the controller: who leads, which process that is, and what each of them wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster

LEASE = f"lease tiergate-controller -n {NAMESPACE}"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:tiergate-controller"
POD_NAME = "authentication.kubernetes.io/pod-name"


@dataclass(frozen=True)
class Written:
    """One write of a controller as the API server received it."""

    pod: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    received: datetime


def lease(cluster: Cluster) -> Object:
    """Return the spec of the Lease."""
    spec: Object = cluster.kubectl(f"get {LEASE} -o json").json["spec"]
    return spec


def leader(cluster: Cluster) -> str:
    """Return the name of the pod that holds the Lease, "" if none does."""
    return str(lease(cluster)["holderIdentity"]).rpartition("_")[0]


def pods(cluster: Cluster) -> list[Object]:
    """Return the controller's pods that are not on their way out."""
    line = f"get pods -n {NAMESPACE} -l app.kubernetes.io/component=controller -o json"
    return [one for one in cluster.kubectl(line).json["items"] if "deletionTimestamp" not in one["metadata"]]


def ready(cluster: Cluster) -> list[str]:
    """Return the names of the controller's pods that are ready."""
    return [
        one["metadata"]["name"]
        for one in pods(cluster)
        if all(status["ready"] for status in one["status"].get("containerStatuses", [{"ready": False}]))
    ]


def process_group(cluster: Cluster, pod: str) -> int:
    """Return the process group that is the pod's container; skip where pods are no processes of this machine."""
    (found,) = [one for one in pods(cluster) if one["metadata"]["name"] == pod]
    kind, _, number = found["status"]["containerStatuses"][0]["containerID"].partition("://")
    if kind != "process":
        pytest.skip(f"the controller runs in a container ({kind}), not as a process of this machine")
    return int(number)


def written(cluster: Cluster) -> Iterator[Written]:
    """Yield what the controllers wrote, from the API server's audit log; skip where that is not ours to read."""
    if cluster.plane is None:
        pytest.skip("the audit log of a given cluster cannot be read")
    for line in (cluster.plane.folder / "audit.log").read_text().splitlines():
        event = json.loads(line)
        if event["user"]["username"] == ACCOUNT:
            yield _written(event)


def _written(event: Object) -> Written:
    where = event["objectRef"]
    return Written(
        pod=event["user"]["extra"][POD_NAME][0],
        verb=event["verb"],
        resource=where["resource"] + (f"/{where['subresource']}" if "subresource" in where else ""),
        namespace=where.get("namespace", ""),
        name=where.get("name", ""),
        code=event["responseStatus"]["code"],
        received=datetime.fromisoformat(event["requestReceivedTimestamp"]),
    )
