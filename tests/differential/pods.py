"""Random pods and claims that press on the edges of a policy."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Raw

from tests.differential.policies import (
    HUGE,
    LADDERS,
    MI,
    NOT_OVERCOMMITTED,
    PRIORITY_CLASSES,
    RESOURCE_OF,
    STORAGE_CLASSES,
    UNITS,
    Amounts,
    Item,
    Json,
    Policy,
)
from tests.differential.spelling import MILLI, fractional, spelled
from tiergate.core.quantity import MILLI_IN_NANO, Quantity

POD_LEVEL: Final = ("cpu", "memory", "hugepages-2Mi")
OVERHEADS: Final[dict[str, Amounts]] = {
    "light": {"cpu": 10},
    "heavy": {"cpu": 250, "memory": 120 * MI},
    "storing": {"ephemeral-storage": 64 * MI, "memory": 1 * MILLI},
}
"""Overhead by RuntimeClass."""


class Box(msgspec.Struct):
    """A container in numbers."""

    requests: Amounts
    limits: Amounts
    init: bool = False
    restartable: bool = False


def a_pod(random: Random, policy: Policy) -> Json:
    """Return a pod: amounts at, one unit under and one over the policy's bounds, in all legal spellings."""
    names = _names(random, policy)
    bold = random.random() < 0.4
    boxes = [_box(random, policy, names, bold=bold) for _ in range(random.choices((1, 2, 3, 9), (50, 30, 15, 5))[0])]
    if random.random() < 0.3:
        for _ in range(random.choice((1, 1, 2, 3))):
            box = _box(random, policy, names, bold=bold)
            box.init, box.restartable = True, random.random() < 0.5
            boxes.append(box)
    spec: Json = {}
    _surroundings(random, spec)
    overhead = OVERHEADS.get(spec.get("runtimeClassName", ""), {})
    if random.random() < 0.55:
        _aim(random, policy, boxes, overhead)
    if random.random() < 0.14:
        spec["resources"] = _pod_level(random, policy, boxes)
        if random.random() < 0.2:
            _held_as_decimals(random, spec)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(random),
        "spec": {"automountServiceAccountToken": False, **_containers(random, boxes), **spec},
    }


def a_claim(random: Random, policy: Policy) -> Json:
    """Return a PersistentVolumeClaim around the bounds of the policy."""
    edges = [edge for item in policy.items.values() for edge in item.bounds("storage")]
    edges += [room for name, room in rooms(policy) if RESOURCE_OF[name] == "storage"]
    size = near(random, "storage", edges)
    spec: Json = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": spelled(random, size)}}}
    if random.random() < 0.02:
        spec["resources"] = random.choice(({}, {"requests": {}}, {"requests": {"storage": None}}))
    if random.random() < 0.5:
        spec["storageClassName"] = random.choice((*STORAGE_CLASSES, "gold", ""))
    if random.random() < 0.25:
        spec["volumeAttributesClassName"] = random.choice(STORAGE_CLASSES)
    metadata: Json = {"name": "case"}
    if random.random() < 0.1:
        key = "volume.beta.kubernetes.io/storage-class"
        metadata["annotations"] = {key: random.choice((*STORAGE_CLASSES, ""))}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def _names(random: Random, policy: Policy) -> list[str]:
    """Return the resources the containers may ask for: mostly those the policy speaks of."""
    spoken = {name for item in policy.items.values() for name in LADDERS if any(True for _ in item.bounds(name))}
    spoken |= {RESOURCE_OF[name] for quota in policy.quotas for name in quota.hard}
    names = ["cpu", "memory", *sorted(spoken - {"", "storage", "cpu", "memory"})]
    if random.random() < 0.1:
        names.append(random.choice([name for name in LADDERS if name not in names and name != "storage"] or ["cpu"]))
    return list(dict.fromkeys(names))


def _box(random: Random, policy: Policy, names: Sequence[str], *, bold: bool) -> Box:
    """Return a container; one that is not bold stays within the bounds of the Container item."""
    box = Box({}, {})
    item = policy.items.get("Container")
    for name in names:
        if random.random() < (0.35 if name in ("cpu", "memory") else 0.5):
            continue
        edges = list(item.bounds(name)) if item else []
        value = near if bold or not edges else _within
        if name in NOT_OVERCOMMITTED:
            _equal_sides(random, box, name, value(random, name, edges))
        else:
            _two_sides(random, box, name, sorted(value(random, name, edges) for _ in range(2)), item)
    if any(name.startswith("hugepages-") for name in box.limits) and random.random() < 0.95:
        box.requests.setdefault("cpu", box.limits.get("cpu", LADDERS["cpu"][3]))
    return box


def _equal_sides(random: Random, box: Box, name: str, value: int) -> None:
    box.limits[name] = value
    if random.random() < 0.4:
        box.requests[name] = value
    elif random.random() < 0.03:
        box.requests[name] = value + UNITS[name]
    elif random.random() < 0.03:
        box.requests[name] = box.limits.pop(name)


def _two_sides(random: Random, box: Box, name: str, values: Sequence[int], item: Item | None) -> None:
    small, large = values
    ratio = item.ratio.get(name) if item else None
    if ratio and random.random() < 0.5:
        large = max(small, small * ratio // MILLI + random.choice((-1, 0, 0, 1)) * UNITS[name])
    if random.random() < 0.02:
        small, large = large, small
    shape = random.choice(("request", "limit", "both", "both", "equal"))
    if shape != "limit":
        box.requests[name] = small
    if shape != "request":
        box.limits[name] = small if shape == "equal" else large


def _within(random: Random, name: str, edges: Sequence[int]) -> int:
    """Return an amount that keeps the bounds: an edge, or any between."""
    if random.random() < 0.6:
        return random.choice(edges)
    return min(max(random.choice(LADDERS[name]), min(edges)), max(edges))


def near(random: Random, name: str, edges: Sequence[int]) -> int:
    """Return an amount: an edge, one unit beside it, or any."""
    chance = random.random()
    if chance < 0.02:
        return 0
    if chance < 0.023 and name not in NOT_OVERCOMMITTED:
        return random.choice(HUGE)
    unit = UNITS[name] if name == "cpu" or random.random() < 0.8 or name in NOT_OVERCOMMITTED else 1
    base = random.choice(edges) if edges and chance < 0.6 else random.choice(LADDERS[name])
    return max(0, base + random.choice((-1, 0, 0, 1)) * unit)


def _surroundings(random: Random, spec: Json) -> None:
    if random.random() < 0.2:
        spec["priorityClassName"] = random.choice(PRIORITY_CLASSES)
    if random.random() < 0.2:
        spec["activeDeadlineSeconds"] = random.choice((1, 600))
    if random.random() < 0.1:
        spec["runtimeClassName"] = random.choice(list(OVERHEADS))
    if random.random() < 0.1:
        spec["affinity"] = _affinity(random)
    if random.random() < 0.02:
        spec["affinity"] = spec["initContainers"] = None


def _affinity(random: Random) -> Json:
    """Return an affinity whose term may look into other namespaces."""
    outside: Json = random.choice(({}, {"namespaces": ["x"]}, {"namespaceSelector": {}}, {"namespaces": []}))
    term: Json = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}, **outside}
    kind = random.choice(("podAffinity", "podAntiAffinity"))
    if random.random() < 0.5:
        return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    return {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]}}


def _metadata(random: Random) -> Json:
    chance = random.random()
    if chance < 0.05:
        return {"name": "case", "annotations": random.choice((None, {}, {"tiergate.io/defaults": "mine"}))}
    return {"name": "case"} if chance < 0.95 else {"generateName": "case-"}


def _containers(random: Random, boxes: Sequence[Box]) -> Json:
    spec: Json = {"containers": []}
    for index, box in enumerate(boxes):
        container: Json = {"name": f"c{index}", "image": "x"}
        if box.requests or box.limits or random.random() < 0.5:
            container["resources"] = _resources(random, box)
        if box.init:
            if box.restartable:
                container["restartPolicy"] = "Always"
            spec.setdefault("initContainers", []).append(container)
        else:
            spec["containers"].append(container)
    return spec


def _resources(random: Random, box: Box) -> Any:  # noqa: ANN401  # JSON
    if not box.requests and not box.limits and random.random() < 0.2:
        return random.choice((None, {"requests": None}, {"limits": {}}))
    lists = {"requests": box.requests, "limits": box.limits}
    return {
        field: {name: None if random.random() < 0.01 else spelled(random, milli) for name, milli in amounts.items()}
        for field, amounts in lists.items()
        if amounts or random.random() < 0.1
    }


def rooms(policy: Policy) -> list[tuple[str, int]]:
    """Return what is left of every known quota bound."""
    return [
        (name, hard - quota.used[name])
        for quota in policy.quotas
        for name, hard in quota.hard.items()
        if name in quota.used and hard >= quota.used[name]
    ]


def _aim(random: Random, policy: Policy, boxes: Sequence[Box], overhead: Amounts) -> None:
    """Change one container so that a total meets a bound of a quota or of the Pod item, or misses it by one unit."""
    targets = [
        ("limits" if name.startswith("limits.") else "requests", RESOURCE_OF[name], room, overhead)
        for name, room in rooms(policy)
        if RESOURCE_OF[name] not in ("", "storage")
    ]
    if pod_item := policy.items.get("Pod"):
        for bounds in (pod_item.min, pod_item.max):
            targets += [(side, name, bound, {}) for name, bound in bounds.items() for side in ("requests", "limits")]
    if not targets:
        return
    side, name, bound, extra = random.choice(targets)
    item = policy.items.get("Container")
    box = random.choice(boxes)
    amounts: Amounts = getattr(box, side)
    before = amounts.pop(name, None)
    rest = total(boxes, name, side, item) - (effective(box, name, side, item) or 0)
    wanted = bound - extra.get(name, 0) - rest + random.choice((-1, 0, 0, 1)) * UNITS[name]
    if wanted >= 0:
        amounts[name] = wanted
        if name in NOT_OVERCOMMITTED:
            box.limits[name] = wanted
            box.requests.pop(name, None)
        elif box.requests.get(name, 0) > box.limits.get(name, wanted) and random.random() < 0.97:
            box.requests[name] = box.limits[name] = wanted
    elif before is not None:
        amounts[name] = before


def effective(box: Box, name: str, side: str, item: Item | None) -> int | None:
    """Return what a container will have once limits are copied and defaults are added (D-3, L-10)."""
    if side == "limits":
        return box.limits.get(name, _default(name, side, item))
    return box.requests.get(name, box.limits.get(name, _default(name, side, item)))


def _default(name: str, side: str, item: Item | None) -> int | None:
    if item is None:
        return None
    default = {**item.max, **item.default}
    amounts = default if side == "limits" else {**item.min, **default, **item.default_request}
    return amounts.get(name)


def total(boxes: Sequence[Box], name: str, side: str, item: Item | None) -> int:
    """Return what the containers need at once (L-30)."""
    running = sum(effective(box, name, side, item) or 0 for box in boxes if not box.init)
    sidecars = peak = 0
    for box in boxes:
        if box.init:
            amount = effective(box, name, side, item) or 0
            if box.restartable:
                running += amount
                sidecars += amount
                peak = max(peak, sidecars)
            else:
                peak = max(peak, sidecars + amount)
    return max(running, peak)


def _pod_level(random: Random, policy: Policy, boxes: Sequence[Box]) -> Any:  # noqa: ANN401  # JSON
    """Return pod-level resources around the sums of the containers, which they may not undercut (D-8)."""
    if random.random() < 0.06:
        return random.choice(({}, None, {"limits": {}}, {"requests": None}))
    requests: Amounts = {}
    limits: Amounts = {}
    item = policy.items.get("Container") if random.random() < 0.5 else None
    for name in random.sample(POD_LEVEL, random.choice((1, 1, 2, 3))):
        asked, limited = total(boxes, name, "requests", item), total(boxes, name, "limits", item)
        request = _around(random, name, asked, policy)
        limit = max(_around(random, name, max(asked, limited), policy), request if random.random() < 0.9 else 0)
        if name in NOT_OVERCOMMITTED:
            request = limit
        side = random.choice(("limits", "both") if name in NOT_OVERCOMMITTED else ("requests", "limits", "both"))
        if side != "limits":
            requests[name] = request
        if side != "requests":
            limits[name] = limit
    return _resources(random, Box(requests, limits))


def _held_as_decimals(random: Random, spec: Json) -> None:
    """Write the pod-level memory in fractions, which quota adds overhead to in its own way."""
    spec["runtimeClassName"] = random.choice(("heavy", "storing"))
    for amounts in (spec["resources"] or {}).values():
        for name in amounts or ():
            if name == "memory" and isinstance(amounts[name], str | Raw):
                text = amounts[name] if isinstance(amounts[name], str) else bytes(amounts[name]).decode()
                amounts[name] = fractional(Quantity.parse(text).nano // MILLI_IN_NANO)


def _around(random: Random, name: str, sum_: int, policy: Policy) -> int:
    edges = [edge for item in policy.items.values() for edge in item.bounds(name)]
    edges += [room for quota_name, room in rooms(policy) if RESOURCE_OF[quota_name] == name]
    choices = [
        sum_,
        sum_,
        sum_ + UNITS[name],
        max(0, sum_ - UNITS[name]),
        2 * sum_,
        sum_ + random.choice(LADDERS[name]),
    ]
    return random.choice(choices + edges[:2])
