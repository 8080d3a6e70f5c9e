"""A random series of what happens to pods and claims in a namespace, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tests.controlplane.api import Object
from tests.controlplane.cluster import RawApi

PRIORITY: Final = "usage-high"
RUNTIME: Final = "usage-heavy"
STORAGE: Final = "usage-gold"
FINALIZER: Final = "example.com/held"
WIDGET: Final = "example.com/widget"
CPU: Final = ("1m", "0.1", "250m", "1", "1500m", "2")
MEMORY: Final = ("1M", "64Mi", "100e3", "1Gi", "1.5Gi", "2Gi")
SIZES: Final = ("1", "1Gi", "1500m", "0.1Mi", "5G")
GONE: Final = frozenset({404, 409, 422, 403})
"""What an attempt may be answered with: the object is gone or changed, or the API's own rules forbid the change."""


@dataclass
class Series:
    """Things happen to the objects of a namespace, through raw requests to the API server."""

    raw_api: RawApi
    namespace: str
    chance: random.Random
    made: int = 0
    happened: dict[str, int] = field(default_factory=dict)

    def go_on(self, count: int) -> None:
        """Let so many things happen; `happened` counts those that the server took."""
        for _ in range(count):
            happening = self.chance.choices(list(HAPPENINGS), weights=list(HAPPENINGS.values()))[0]
            self._count(happening.__name__, taken=happening(self))

    def _count(self, name: str, *, taken: bool) -> None:
        self.happened[name] = self.happened.get(name, 0) + taken

    def create_pod(self) -> bool:
        self.made += 1
        pod = a_random_pod(f"pod-{self.made}", self.chance)
        return self._send("POST", "pods", pod)

    def create_claim(self) -> bool:
        self.made += 1
        claim = a_random_claim(f"claim-{self.made}", self.chance)
        return self._send("POST", "persistentvolumeclaims", claim)

    def resize(self) -> bool:
        """Change requests and limits of one container of a running pod."""
        return self._change("pods", "/resize", self._resized)

    def _resized(self, pod: Object) -> None:
        container = self.chance.choice(pod["spec"]["containers"])
        resources = container.setdefault("resources", {})
        for side in ("requests", "limits"):
            for name, choices in (("cpu", CPU), ("memory", MEMORY)):
                if name in resources.get(side, {}):
                    resources[side][name] = choices[-1] if side == "limits" else self.chance.choice(choices)

    def end(self) -> bool:
        """Have a pod succeed or fail."""
        phase = self.chance.choice(("Succeeded", "Failed"))
        return self._change("pods", "/status", lambda pod: pod["status"].update(phase=phase))

    def report_resources(self) -> bool:
        """Have a kubelet report other resources than the spec's, as during a resize (R-32, R-33)."""
        return self._change("pods", "/status", self._reported)

    def _reported(self, pod: Object) -> None:
        status = pod["status"]
        for container in status.get("containerStatuses", []) + status.get("initContainerStatuses", []):
            if self.chance.random() < 0.7:
                container["resources"] = {
                    "requests": {"cpu": self.chance.choice(CPU), "memory": self.chance.choice(MEMORY)},
                    "limits": {"cpu": self.chance.choice(CPU)},
                }
            if self.chance.random() < 0.5:
                container["allocatedResources"] = {"cpu": self.chance.choice(CPU)}
        if self.chance.random() < 0.3:
            infeasible = {"type": "PodResizePending", "status": "True", "reason": "Infeasible"}
            status.setdefault("conditions", []).append(infeasible)

    def delete_pod(self) -> bool:
        """Delete a pod; one with a finalizer stays, and its grace runs out."""
        return self._delete("pods")

    def delete_claim(self) -> bool:
        return self._delete("persistentvolumeclaims")

    def report_claim(self) -> bool:
        """Have a driver report an expansion and an attributes class (R-41, R-43)."""
        return self._change("persistentvolumeclaims", "/status", self._expanded)

    def _expanded(self, claim: Object) -> None:
        claim["status"]["allocatedResources"] = {"storage": self.chance.choice(("3Gi", "10Gi"))}
        claim["status"]["currentVolumeAttributesClassName"] = self.chance.choice(("silver", "bronze"))

    def _delete(self, kind: str) -> bool:
        name = self._pick(kind)
        return name is not None and self._send("DELETE", f"{kind}/{name['metadata']['name']}", None)

    def _change(self, kind: str, subresource: str, change: Callable[[Object], None]) -> bool:
        found = self._pick(kind)
        if found is None:
            return False
        change(found)
        return self._send("PUT", f"{kind}/{found['metadata']['name']}{subresource}", found)

    def _pick(self, kind: str) -> Object | None:
        _, listed = self.raw_api.call("GET", f"/api/v1/namespaces/{self.namespace}/{kind}")
        items = sorted(listed["items"], key=lambda one: str(one["metadata"]["name"]))
        return self.chance.choice(items) if items else None

    def _send(self, method: str, rest: str, body: Object | None) -> bool:
        code, answer = self.raw_api.call(method, f"/api/v1/namespaces/{self.namespace}/{rest}", body)
        assert code < 400 or code in GONE, answer
        return code < 400


HAPPENINGS: Final[dict[Callable[[Series], bool], int]] = {
    Series.create_pod: 8,
    Series.create_claim: 3,
    Series.resize: 4,
    Series.report_resources: 4,
    Series.end: 2,
    Series.delete_pod: 2,
    Series.delete_claim: 1,
    Series.report_claim: 1,
}


def a_random_pod(name: str, chance: random.Random) -> Object:
    """Return a valid pod with any of init containers, scopes, overhead and pod-level values; one in five BestEffort."""
    asks = chance.random() < 0.8
    spec: dict[str, Any] = {
        "terminationGracePeriodSeconds": chance.choice((0, 1, 30)),
        "containers": [_container(f"c{number}", chance, asks=asks) for number in range(chance.randint(1, 3))],
    }
    if asks and chance.random() < 0.4:
        init = _container("first", chance)
        if chance.random() < 0.5:
            init["restartPolicy"] = "Always"
        spec["initContainers"] = [init, _container("second", chance)]
    if asks and chance.random() < 0.2:
        spec["resources"] = {"requests": {"cpu": "50"}, "limits": {"memory": "50Gi"}}
    if chance.random() < 0.3:
        spec["activeDeadlineSeconds"] = chance.choice((100_000, 200_000))
    if chance.random() < 0.3:
        spec["priorityClassName"] = PRIORITY
    if chance.random() < 0.3:
        spec["runtimeClassName"] = RUNTIME
    if chance.random() < 0.2:
        term = {"topologyKey": "kubernetes.io/hostname", "namespaceSelector": {}}
        weighted = [{"weight": 1, "podAffinityTerm": term}]
        spec["affinity"] = {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": weighted}}
    metadata = {"name": name, "finalizers": [FINALIZER] if chance.random() < 0.3 else []}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _container(name: str, chance: random.Random, *, asks: bool = True) -> Object:
    """Return a container with requests at most its limits; one in four has neither, and none that does not ask."""
    container: dict[str, Any] = {"name": name, "image": "registry.example/main:1.0"}
    if not asks or chance.random() < 0.25:
        return container
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    for resource, choices in (("cpu", CPU), ("memory", MEMORY), ("ephemeral-storage", MEMORY)):
        low, high = sorted((chance.randrange(len(choices)), chance.randrange(len(choices))))
        if chance.random() < 0.6:
            requests[resource] = choices[low]
        if chance.random() < 0.4:
            limits[resource] = choices[high]
    if chance.random() < 0.2:
        requests[WIDGET] = limits[WIDGET] = "2"
    if chance.random() < 0.2 and {"cpu", "memory"} & {*requests, *limits}:
        requests["hugepages-2Mi"] = limits["hugepages-2Mi"] = "4Mi"
    container["resources"] = {"requests": requests, "limits": limits}
    return container


def a_random_claim(name: str, chance: random.Random) -> Object:
    """Return a claim, with or without classes; its class in the old annotation wins (R-42)."""
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": chance.choice(SIZES)}},
    }
    if chance.random() < 0.5:
        spec["storageClassName"] = STORAGE
    if chance.random() < 0.4:
        spec["volumeAttributesClassName"] = "silver"
    annotations = {"volume.beta.kubernetes.io/storage-class": STORAGE} if chance.random() < 0.3 else {}
    metadata = {"name": name, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
