"""A cluster in memory whose API server refuses what a list of rights does not allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from tests.check.running import TIERS
from tests.fake_api import FakeApi, Object, Place
from tiergate.cluster.errors import ApiError, Unreachable

HARD: Final = {"requests.cpu": "2", "limits.cpu": "4", "pods": "20", "requests.storage": "10Gi"}
OURS: Final = {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "dev"}
SECRET: Final = "s3cret-in-an-environment-variable"


class FakeCluster(FakeApi):
    """Refuses paths that begin with one of ``forbidden``; answers nothing once it is ``away``."""

    def __init__(self) -> None:
        """Begin with a tier and two namespaces, of which it governs one."""
        super().__init__(counts=False)
        self.minor = "36+"
        self.forbidden: set[str] = set()
        self.away = False
        self.asked: list[str] = []
        self.put("/apis/tiergate.io/v1alpha1/tiers/dev", yaml.safe_load(TIERS))
        self.put("/api/v1/namespaces/dev", {"metadata": {"labels": {"tiergate.io/tier": "dev", "team": "x"}}})
        self.put("/api/v1/namespaces/free", {"metadata": {}})
        self.put("/api/v1/nodes/n1", {"metadata": {"labels": {"node-role.kubernetes.io/x": ""}}, "status": {"x": 1}})
        self.quota({})

    def quota(self, used: Mapping[str, str], *, namespace: str = "dev") -> None:
        """Set what native quota says is used."""
        status = {"hard": HARD, "used": {name: used.get(name, "0") for name in HARD}}
        labels = {**OURS, "other": "x"}
        self.put(
            f"/api/v1/namespaces/{namespace}/resourcequotas/tier",
            {"metadata": {"labels": labels, "uid": "u"}, "spec": {"hard": HARD}, "status": status},
        )

    def deployment(self, name: str, *, replicas: int, cpu: str = "100m", namespace: str = "dev") -> None:
        """Store a Deployment with more in it than anybody needs."""
        container = {
            "name": "agent",
            "image": "registry.example/x",
            "env": [{"name": "TOKEN", "value": SECRET}],
            "resources": {"requests": {"cpu": cpu}, "limits": {"cpu": "500m"}},
        }
        self.put(
            f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}",
            {
                "metadata": {"annotations": {"note": SECRET}},
                "spec": {"replicas": replicas, "template": {"metadata": {}, "spec": {"containers": [container]}}},
                "status": {"replicas": replicas, "observedGeneration": 1, "updatedReplicas": replicas},
            },
        )

    def pod(
        self, name: str, *, cpu: str = "100m", owner: tuple[str, str] | None = None, namespace: str = "dev"
    ) -> None:
        """Store a running pod; of a ReplicaSet it has the hash of ``agent-HASH``."""
        metadata: Object = {}
        if owner is not None:
            metadata["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]
            metadata["labels"] = {"pod-template-hash": owner[1].rpartition("-")[2]}
        container = {"name": "agent", "resources": {"requests": {"cpu": cpu}, "limits": {"cpu": cpu}}}
        self.put(
            f"/api/v1/namespaces/{namespace}/pods/{name}",
            {"metadata": metadata, "spec": {"containers": [container]}, "status": {"phase": "Running"}},
        )

    async def request(self, method: str, path: str, **named: Any) -> bytes:  # noqa: ANN401 - as its base has them
        """Answer one request."""
        self.asked.append(f"{method} {path}")
        if self.away:
            raise Unreachable("no answer in time")
        if any(path == one or path.startswith(f"{one}/") for one in self.forbidden):
            raise ApiError(403, "Forbidden", f"you may not read {path}")
        return await super().request(method, path, **named)

    def _read(self, place: Place, query: Mapping[str, str]) -> Object:
        found = super()._read(place, query)
        if place.namespace and not place.name:
            found["items"] = [one for one in found["items"] if one["metadata"]["namespace"] == place.namespace]
        return found

    async def close(self) -> None:
        """Do nothing: there is no connection."""
