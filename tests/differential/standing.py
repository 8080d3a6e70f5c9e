"""Random objects that stand before their policy does, the states they are in, and updates that press on edges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, Final

import msgspec

from tests.builders import SERVER
from tests.differential.case import Standing
from tests.differential.ours import add_native_defaults, ask, governed
from tests.differential.pods import a_pod, near, rooms
from tests.differential.policies import (
    LADDERS,
    NOT_OVERCOMMITTED,
    RESOURCE_OF,
    STORAGE_CLASSES,
    UNITS,
    Json,
    Policy,
)
from tests.differential.spelling import MILLI, canonical, spelled
from tiergate.core.podspec import Pod
from tiergate.core.projection import is_countable
from tiergate.core.quantity import MILLI_IN_NANO, Quantity
from tiergate.core.usage import limit_range_totals, pod_charge

CLASS_ANNOTATION: Final = "volume.beta.kubernetes.io/storage-class"
CLAIM_KINDS: Final[dict[str, Json]] = {
    "gold": {"spec": {"storageClassName": "gold"}},
    "silver": {"spec": {"storageClassName": "silver", "volumeAttributesClassName": "silver"}},
    "noted": {"metadata": {"annotations": {CLASS_ANNOTATION: "gold"}}},
}
"""What never changes of a standing claim, by its name."""
RESIZABLE: Final = ("cpu", "memory")
CREATED: Final = "2026-01-01T00:00:00Z"


def a_standing_pod(random: Random, policy: Policy) -> Json:
    """Return a pod to be created before the policy is there; no scheduler cares for it, so its status is ours."""
    pod = a_pod(random, policy.focused(random))
    pod["metadata"].pop("generateName", None)
    pod["spec"]["schedulerName"] = "nobody"
    if random.random() < 0.7:  # else the policy is newer than the pod
        add_native_defaults(pod, governed(policy).objects)
    return pod


def a_pod_status(random: Random, stored: Json) -> Json:
    """Return a status: not started, resized as asked, or on the way from other resources (R-32 to R-35)."""
    chance = random.random()
    if chance < 0.3:
        return {}
    status: Json = {"phase": "Running"}
    if chance < 0.33:
        status["phase"] = random.choice(("Succeeded", "Failed"))
    busy = random.random() < 0.5
    for field, kind in (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")):
        if field in stored["spec"]:
            status[kind] = [_container_status(random, one, busy=busy) for one in stored["spec"][field]]
    if busy and random.random() < 0.25:
        reason = random.choice(("Infeasible", "Infeasible", "Deferred"))
        status["conditions"] = [{"type": "PodResizePending", "status": "True", "reason": reason}]
    return status


def _container_status(random: Random, container: Json, *, busy: bool) -> Json:
    state: Json = {"running": {"startedAt": CREATED}}
    resources = container.get("resources") or {}
    status: Json = {"name": container["name"], "image": "x", "imageID": "", "ready": True, "restartCount": 0}
    reported = {side: _moved(random, amounts, busy=busy) for side, amounts in resources.items()}
    if random.random() < 0.97:
        status["resources"] = reported
    if random.random() < 0.8:
        status["allocatedResources"] = _moved(random, resources.get("requests", {}), busy=busy)
    return {**status, "state": state, "started": True}


def _moved(random: Random, amounts: Json, *, busy: bool) -> Json:
    """Return amounts around the given ones; some names only once in a while."""
    if not busy:
        return dict(amounts)
    return {
        name: _beside(random, name, _milli(text)) if name in RESIZABLE else text
        for name, text in amounts.items()
        if random.random() < 0.95
    }


def _beside(random: Random, name: str, milli: int) -> str:
    unit = UNITS[name]
    changed = random.choice((milli, milli // 2, 2 * milli, milli + unit, milli - unit))
    return canonical(max(0, changed // unit * unit))


def a_resize(random: Random, policy: Policy, stored: Json) -> Json:
    """Return an update of a standing pod's resize subresource."""
    changes: dict[str, Any] = {}
    places = _places(stored)
    chance = random.random()
    if chance > 0.08:  # or nothing is changed at all
        for pointer, resources in random.sample(places, min(len(places), random.choice((1, 1, 1, 2, 9)))):
            changes[pointer] = _resized(random, policy, resources)
    if chance > 0.55:
        _aim(random, policy, stored, changes)
    written = {pointer: _written(random, amounts) for pointer, amounts in changes.items()}
    return {"kind": "Pod", "verb": random.choice(("PUT", "PATCH")), "changes": written}


Amount = int | str
"""Milli-units, to be spelled, or the text that stood there."""
Sides = dict[str, dict[str, Amount]]


def _places(stored: Json) -> list[tuple[str, Json]]:
    """Return (pointer, resources) of all that may be resized."""
    spec = stored["spec"]
    places = [
        (f"/spec/{kind}/{index}/resources", one.get("resources") or {})
        for kind in ("containers", "initContainers")
        for index, one in enumerate(spec.get(kind, ()))
    ]
    return [*places, ("/spec/resources", spec["resources"])] if "resources" in spec else places


def _resized(random: Random, policy: Policy, resources: Json) -> Sides:
    """Return other amounts of cpu and memory, mostly so that the API can accept them (A-27)."""
    sides = _kept(resources)
    item = policy.items.get("Container")
    for name in RESIZABLE:
        if random.random() < 0.4:
            continue
        edges = list(item.bounds(name)) if item else []
        edges += [room for quota_name, room in rooms(policy) if RESOURCE_OF[quota_name] == name]
        present = [side for side in ("requests", "limits") if name in sides[side]]
        small, large = sorted(near(random, name, edges) for _ in range(2))
        equal = len(present) == 2 and resources["requests"][name] == resources["limits"][name]
        if not present:
            if random.random() < 0.08:
                sides[random.choice(("requests", "limits"))][name] = small
        elif equal and random.random() < 0.8:
            sides["requests"][name] = sides["limits"][name] = large
        elif random.random() < 0.04:
            del sides[random.choice(present)][name]
        else:
            for side in present:
                sides[side][name] = small if side == "requests" else large
    if random.random() < 0.02:
        sides["limits"][random.choice(sorted(NOT_OVERCOMMITTED))] = random.choice(LADDERS["hugepages-2Mi"])
    return sides


def _kept(resources: Json) -> Sides:
    return {side: dict(resources.get(side) or {}) for side in ("requests", "limits")}


def _aim(random: Random, policy: Policy, stored: Json, changes: dict[str, Any]) -> None:
    """Change one container so that the growth meets the room of a quota or a bound of the Pod item, or misses it."""
    targets = list(_targets(policy, stored))
    if not targets:
        return
    side, name, growth = random.choice(targets)
    having = [place for place in _places(stored)[: len(stored["spec"]["containers"])] if name in place[1].get(side, {})]
    if not having:
        return
    pointer, resources = random.choice(having)
    sides = _kept(resources)
    changes.clear()
    changes[pointer] = sides
    wanted = _milli(resources[side][name]) + growth + random.choice((-1, 0, 0, 1)) * UNITS[name]
    if wanted < 0:
        return
    sides[side][name] = wanted
    other = "limits" if side == "requests" else "requests"
    if name in sides[other]:
        beside = _milli(resources[other][name])
        equal = beside == _milli(resources[side][name])
        if equal or (wanted > beside if side == "requests" else wanted < beside):
            sides[other][name] = wanted


def _targets(policy: Policy, stored: Json) -> Iterable[tuple[str, str, int]]:
    """Yield (side, resource, growth of its sum in the spec that meets a bound)."""
    pod = ask("validate", msgspec.json.encode(stored), "Pod").subject
    assert isinstance(pod, Pod)
    charged, specified = pod_charge(pod, **SERVER), pod_charge(msgspec.structs.replace(pod, statuses={}), **SERVER)
    for quota_name, room in rooms(policy):
        if RESOURCE_OF[quota_name] in RESIZABLE and quota_name in charged:
            side = "limits" if quota_name.startswith("limits.") else "requests"
            pending = charged[quota_name].nano - specified[quota_name].nano if quota_name in specified else 0
            yield side, RESOURCE_OF[quota_name], room + pending // MILLI_IN_NANO
    if item := policy.items.get("Pod"):
        for side, totals in zip(("requests", "limits"), limit_range_totals(pod), strict=True):
            for bounds in (item.min, item.max):
                for name in bounds.keys() & totals.keys() & set(RESIZABLE):
                    yield side, name, bounds[name] - totals[name].nano // MILLI_IN_NANO


def _written(random: Random, sides: Sides) -> Any:  # noqa: ANN401  # JSON
    if random.random() < 0.01:
        return None
    return {
        side: {name: _spelled(random, amount) for name, amount in amounts.items()}
        for side, amounts in sides.items()
        if amounts or random.random() < 0.1
    }


def _spelled(random: Random, amount: Amount) -> Any:  # noqa: ANN401  # JSON
    if random.random() < 0.01:
        return None
    return amount if isinstance(amount, str) else spelled(random, amount)


def a_standing_claim(random: Random, policy: Policy, name: str) -> Standing:
    """Return a claim of a kind, which lives on, with its size and state for one policy."""
    size = max(2 * MILLI, _size(random, policy, []))  # the API takes no reduction to the capacity, which is 1
    while not _is_recorded(size):
        size = max(2 * MILLI, _size(random, policy, []))
    status: Json = {"capacity": {"storage": canonical(random.choice((MILLI, MILLI, size)))}}
    status["allocatedResources"] = None
    moved = random.choice((size, 2 * size, size + MILLI, max(MILLI, size - MILLI)))
    if random.random() < 0.4 and _is_recorded(moved):
        status["allocatedResources"] = {"storage": canonical(moved)}
    status["currentVolumeAttributesClassName"] = random.choice((None, None, *STORAGE_CLASSES))
    document = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"resources": {"requests": {"storage": canonical(size)}}},
    }
    return Standing(document, status)


def _is_recorded(size: int) -> bool:
    """Say whether a quota of a storage class can have the size as usage; if not, its status is never filled (R-3)."""
    return is_countable(Quantity.parse(canonical(size)))


def a_claim_update(random: Random, policy: Policy, stored: Json) -> Json:
    """Return an update of a standing claim: mostly growth, sometimes another attributes class or only a label."""
    changes: dict[str, Any] = {}
    size = _milli(stored["spec"]["resources"]["requests"]["storage"])
    allocated = stored["status"].get("allocatedResources", {}).get("storage")
    if random.random() < 0.85:
        bases = [size, *([_milli(allocated)] if allocated else [])]
        changes["/spec/resources/requests/storage"] = spelled(random, _size(random, policy, bases))
    if random.random() < 0.2:
        changes["/spec/volumeAttributesClassName"] = random.choice((*STORAGE_CLASSES, *STORAGE_CLASSES, None))
    if random.random() < 0.1:
        changes["/metadata/labels"] = {"a": "b"}
    return {"kind": "PersistentVolumeClaim", "verb": random.choice(("PUT", "PATCH")), "changes": changes}


def _size(random: Random, policy: Policy, bases: Sequence[int]) -> int:
    """Return a size around the bounds of the policy, for growth from the bases too."""
    edges = [edge for item in policy.items.values() for edge in item.bounds("storage")]
    left = [room for name, room in rooms(policy) if RESOURCE_OF[name] == "storage"]
    grown = [base + room for base in bases for room in left]
    if grown and random.random() < 0.5:
        return random.choice(grown) + random.choice((-1, 0, 0, 1)) * MILLI
    return near(random, "storage", [*edges, *left, *bases])


def _milli(text: str) -> int:
    return Quantity.parse(text).nano // MILLI_IN_NANO
