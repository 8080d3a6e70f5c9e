"""Objects with a value in every position that is read, and ways to spoil one position at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.builders import Json, a_claim_object, a_pod_object, a_tier_object

Path = tuple[str | int, ...]


def pointer(path: Path) -> str:
    """Return the JSON pointer of a path."""
    return "".join(f"/{str(token).replace('~', '~0').replace('/', '~1')}" for token in path)


def positions(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401  # JSON
    """Yield every position of a tree but its root, with its value."""
    members: list[tuple[str | int, Any]] = []
    if isinstance(tree, dict):
        members = list(tree.items())
    elif isinstance(tree, list):
        members = list(enumerate(tree))
    for token, value in members:
        yield (*path, token), value
        yield from positions(value, (*path, token))


def _unshared(tree: Json) -> Json:
    """Return a copy in which no two positions share a value."""
    copy: Json = json.loads(json.dumps(tree))
    return copy


def spoiled(tree: Json, path: Path, value: Any) -> Json:  # noqa: ANN401  # JSON
    """Return a copy of the tree with another value at one position."""
    result = _unshared(tree)
    parent: Any = result
    for token in path[:-1]:
        parent = parent[token]
    parent[path[-1]] = value
    return result


def wrong_values(value: Any, path: Path) -> list[Any]:  # noqa: ANN401  # JSON
    """Return values of other types than the one that belongs here; quantities may be numbers too."""
    every: list[Any] = [{}, [], "text", 5, True]
    if isinstance(value, dict):
        return [one for one in every if not isinstance(one, dict)]
    if isinstance(value, list):
        return [one for one in every if not isinstance(one, list)]
    if is_quantity(path):
        return [{}, [], "text", True, False, "1e999999999", "1\0", "\ud800"]
    if isinstance(value, bool):
        return [one for one in every if not isinstance(one, bool)]
    if isinstance(value, int):
        return [*(one for one in every if one != 5), 1.5, "5", 10**20]
    return [*(one for one in every if one != "text"), "a\0b", "\udc00"]


LISTS = {
    "limits", "requests", "overhead", "allocatedResources", "hard", "used", "default", "defaultRequest", "min", "max",
    "maxLimitRequestRatio",
}  # fmt: skip


def is_quantity(path: Path) -> bool:
    """Say whether a position holds a quantity."""
    return len(path) > 1 and path[-2] in LISTS and isinstance(path[-1], str)


AFFINITY: Json = {
    "requiredDuringSchedulingIgnoredDuringExecution": [{"namespaces": ["a"], "namespaceSelector": {}}],
    "preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": {"namespaces": ["b"]}}],
}
RESOURCES: Json = {"limits": {"cpu": "1", "nvidia.com/gpu": "1"}, "requests": {"cpu": "1"}}


def a_full_pod() -> Json:
    """Return a Pod with a value in every position that is read."""
    pod = a_pod_object(
        {"name": "app", "resources": RESOURCES, "restartPolicy": "Always"},
        initContainers=[{"name": "setup", "resources": RESOURCES, "restartPolicy": "Always"}],
        resources={"limits": {"cpu": "2"}, "requests": {"cpu": "2"}},
        overhead={"cpu": "250m"},
        priorityClassName="high",
        activeDeadlineSeconds=60,
        affinity={"podAffinity": AFFINITY, "podAntiAffinity": AFFINITY},
    )
    pod["metadata"] |= {
        "generateName": "agent-",
        "resourceVersion": "1",
        "generation": 1,
        "annotations": {"tiergate.io/defaults": "tiergate set: x"},
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 30,
    }
    pod["status"] = {
        "phase": "Running",
        "qosClass": "Burstable",
        "conditions": [{"type": "PodResizePending", "reason": "Infeasible"}],
        "containerStatuses": [{"name": "app", "resources": RESOURCES, "allocatedResources": {"cpu": "1"}}],
        "initContainerStatuses": [{"name": "setup", "resources": RESOURCES, "allocatedResources": {"cpu": "1"}}],
    }
    del pod["apiVersion"], pod["kind"]
    return _unshared(pod)


def a_full_claim() -> Json:
    """Return a PersistentVolumeClaim with a value in every position that is read."""
    claim = a_claim_object(storageClassName="gold", volumeAttributesClassName="fast")
    claim["metadata"]["annotations"] = {"volume.beta.kubernetes.io/storage-class": "gold"}
    claim["status"] = {
        "allocatedResources": {"storage": "5Gi"},
        "currentVolumeAttributesClassName": "slow",
        "modifyVolumeStatus": {"targetVolumeAttributesClassName": "fast"},
    }
    del claim["apiVersion"], claim["kind"], claim["spec"]["accessModes"]
    return claim


def a_full_tier() -> Json:
    """Return a Tier with a value in every position that is read."""
    amounts = {"cpu": "1"}
    fields = ("default", "defaultRequest", "min", "max", "maxLimitRequestRatio")
    selector = {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}
    tier = a_tier_object(
        {
            "enforcement": "Enforce",
            "limits": [{"type": "Container"} | dict.fromkeys(fields, amounts)],
            "quotas": [
                {
                    "name": "compute",
                    "per": "Namespace",
                    "hard": {"pods": "1"},
                    "scopes": ["Terminating"],
                    "scopeSelector": selector,
                }
            ],
            "exemptions": {"users": ["ops"], "groups": ["sre"]},
        }
    )
    del tier["apiVersion"], tier["kind"]
    return _unshared(tier)
