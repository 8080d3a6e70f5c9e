"""The replicas of the webhook, as the harness's kubelet runs them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from tests.controlplane.cluster import NAMESPACE, Cluster


@dataclass(frozen=True)
class Replica:
    """One running webhook pod. `pid` is its process on this machine."""

    name: str
    address: str
    port: int
    pid: int
    restarts: int
    ready: bool

    def certificate(self) -> str:
        """Return the certificate that it serves now, as PEM text."""
        return ssl.get_server_certificate((self.address, self.port), timeout=5)


def replicas(cluster: Cluster) -> tuple[Replica, ...]:
    """Return the webhook pods that run."""
    line = f"get pods -n {NAMESPACE} -l app.kubernetes.io/component=webhook -o json"
    found = []
    for pod in cluster.kubectl(line).json["items"]:
        if "deletionTimestamp" in pod["metadata"]:
            continue
        (status,) = pod["status"].get("containerStatuses", ({},))
        if "running" not in status.get("state", {}):
            continue
        found.append(
            Replica(
                name=pod["metadata"]["name"],
                address=pod["status"]["podIP"],
                port=pod["spec"]["containers"][0]["ports"][0]["containerPort"],
                pid=int(status["containerID"].removeprefix("process://")),
                restarts=status["restartCount"],
                ready=status["ready"],
            )
        )
    return tuple(found)
