"""Changes that keep a review what it is: another amount, another container, an update of the same object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any, Final

Json = dict[str, Any]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_CPU: Final = _words("0 1m 9m 10m 100m 0.1 99m 200m 250m 499m 500m 501m 1 1001m 2 2500m 1u")
_BYTES: Final = _words("0 1 31Mi 32Mi 64Mi 128Mi 256Mi 512Mi 536870913 1Gi 1G 2Gi 1073741825 1e9 0.5Gi")
_STORAGE: Final = _words("0 1 500m 1500m 1Gi 1073741823 2Gi 4Gi 5Gi 6Gi 8Gi 8589934593 10Gi 20Gi")
_AMOUNTS: Final = {
    "cpu": _CPU,
    "memory": _BYTES,
    "ephemeral-storage": (*_BYTES, "600Mi"),
    "storage": _STORAGE,
    "hugepages-2Mi": ("0", "2Mi", "4Mi", "6Mi", "8Mi"),
    "nvidia.com/gpu": ("0", "1", "2", "3", "4"),
    "deviceclass.resource.kubernetes.io/gpu": ("1", "2"),
    "a/b~c": ("1",),
}
_NAMES: Final = (*_AMOUNTS, "cpu", "cpu", "cpu", "memory", "memory")
_LISTS: Final = frozenset({"limits", "requests", "overhead", "allocatedResources"})
_FIELDS: Final[dict[str, tuple[object, ...]]] = {
    "priorityClassName": ("", "high", "low", "middle"),
    "activeDeadlineSeconds": (None, 0, 60, -1),
    "storageClassName": ("", "gold", "silver"),
    "volumeAttributesClassName": ("", "gold", "silver"),
    "restartPolicy": ("Always", "Never"),
    "resources": (None, {}),
}
_STATUSES: Final[dict[str, tuple[object, ...]]] = {
    "phase": ("Running", "Pending", "Failed", "Succeeded"),
    "qosClass": ("", "BestEffort", "Burstable"),
    "conditions": ([], [{"type": "PodResizePending", "reason": "Infeasible"}]),
}


class Author:
    """Somebody who writes other pods and claims, all of them well formed."""

    def __init__(self, rng: Random) -> None:
        """Take the generator."""
        self._rng = rng

    def changed(self, tree: object) -> bool:
        """Change a review's object or request in place; False for what holds no object."""
        request = tree.get("request") if isinstance(tree, dict) else None
        if not isinstance(request, dict) or not isinstance(request.get("object"), dict):
            return False
        side = request.get(self._rng.choice(("object", "object", "oldObject")))
        subject = side if isinstance(side, dict) else request["object"]
        steps: tuple[Callable[[Json, Json], None], ...] = (
            *(self._amount,) * 6,
            *(self._container,) * 3,
            self._field,
            self._status,
            self._levelled,
            self._updated,
        )
        self._rng.choice(steps)(request, subject)
        return True

    def _amount(self, _request: Json, subject: Json) -> None:
        lists = list(_resource_lists(subject))
        if not lists:
            return
        parent, key = self._rng.choice(lists)
        amounts = parent[key]
        name = self._rng.choice([*amounts, *_NAMES])
        if name in amounts and self._rng.random() < 0.15:  # noqa: PLR2004, RUF100  # now and then one goes
            del amounts[name]
        else:
            amounts[name] = self._rng.choice(_AMOUNTS.get(name, _CPU))

    def _amounts(self) -> Json:
        names = self._rng.sample(_NAMES, k=self._rng.randrange(4))
        return {name: self._rng.choice(_AMOUNTS[name]) for name in names}

    def _resources(self) -> Json:
        kept = {"limits": self._amounts(), "requests": self._amounts()}
        return {key: value for key, value in kept.items() if value or self._rng.random() < 0.5}  # noqa: PLR2004, RUF100  # half

    def _container(self, _request: Json, subject: Json) -> None:
        """Add, remove or move a container."""
        spec = subject.get("spec")
        if not isinstance(spec, dict):
            return
        here, there = self._rng.sample(("containers", "initContainers"), k=2)
        containers = spec.get(here)
        if isinstance(containers, list) and containers and self._rng.random() < 0.3:  # noqa: PLR2004, RUF100  # fewer than come
            moved = containers.pop(self._rng.randrange(len(containers)))
            if isinstance(spec.get(there), list):
                spec[there].append(moved)
            return
        fresh = {"name": f"c{self._rng.randrange(5)}", "resources": self._resources()}
        if self._rng.random() < 0.5:  # noqa: PLR2004, RUF100  # half
            fresh["restartPolicy"] = "Always"
        spec[here] = [*(containers if isinstance(containers, list) else ()), fresh]

    def _field(self, _request: Json, subject: Json) -> None:
        name = self._rng.choice(tuple(_FIELDS))
        if isinstance(subject.get("spec"), dict):
            subject["spec"][name] = deepcopy(self._rng.choice(_FIELDS[name]))

    def _levelled(self, _request: Json, subject: Json) -> None:
        """Give the pod (or the claim) resources of its own."""
        if isinstance(subject.get("spec"), dict):
            subject["spec"]["resources"] = self._resources()

    def _status(self, _request: Json, subject: Json) -> None:
        """Report a status of the object or of one of its containers."""
        status = subject["status"] = _copied(subject.get("status"))
        name = self._rng.choice((*_STATUSES, "containerStatuses", "initContainerStatuses", "allocatedResources"))
        if name in _STATUSES:
            status[name] = deepcopy(self._rng.choice(_STATUSES[name]))
        elif name == "allocatedResources":
            status[name] = {"storage": self._rng.choice(_STORAGE)}
        else:
            names = [one.get("name") for one in _containers(subject)]
            said = {"name": self._rng.choice([*names, "c0"]), "allocatedResources": self._amounts()}
            status[name] = [{**said, "resources": self._resources()}]

    def _updated(self, request: Json, subject: Json) -> None:
        """Make the request an update of the object as it is now, or a create again."""
        if request.get("operation") == "UPDATE":
            request["operation"], request["oldObject"], request["subResource"] = "CREATE", None, None
            return
        request["operation"], request["oldObject"] = "UPDATE", deepcopy(subject)
        if _containers(subject):
            request["subResource"] = "resize"
        if self._rng.random() < 0.1:  # noqa: PLR2004, RUF100  # rarely
            metadata = request["oldObject"]["metadata"] = _copied(request["oldObject"].get("metadata"))
            metadata["deletionTimestamp"] = "2026-01-02T03:04:05Z"


def _copied(value: object) -> Json:
    """Return a copy of an object; anything else becomes an empty one."""
    return dict(value) if isinstance(value, dict) else {}


def _containers(subject: Json) -> list[Json]:
    spec = subject.get("spec")
    lists = (spec.get(key) for key in ("containers", "initContainers")) if isinstance(spec, dict) else ()
    return [one for some in lists if isinstance(some, list) for one in some if isinstance(one, dict)]


def _resource_lists(tree: object) -> Iterator[tuple[Json, str]]:
    """Yield (parent, key) of each resource list, existing ones only."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in _LISTS and isinstance(value, dict):
                yield tree, key
            else:
                yield from _resource_lists(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _resource_lists(value)
