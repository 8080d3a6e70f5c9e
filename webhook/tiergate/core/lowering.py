"""How far the author of a pod or claim can lower what a quota counts of it, and which values that takes.

A quota counts the pod level, or all containers together, with the overhead (R-30, R-31), and what is lowered must still
pass the ranges (L-21, L-23) and the API server (D-8).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import msgspec

from tiergate.core.claim import Claim
from tiergate.core.podspec import Container, Pod
from tiergate.core.quantity import NANO, ZERO, Quantity
from tiergate.core.resources import EMPTY, ResourceList, raise_to
from tiergate.core.tier import CLAIM, CONTAINER, POD, LimitRangeItem
from tiergate.core.usage import aggregate, spec_limits, spec_requests

Lowered = Literal["", "together", "pod-level", "pod-level and each", "pod-level and together"]
"""Which values: that of the only container or claim, those of all of them together, or that of the pod level.

No container, or not all of them together, may be above the pod level: where they would be, they are lowered with it.
"""
Items = Sequence[LimitRangeItem]


class Lowering(msgspec.Struct, frozen=True):
    """Which values can be lowered, to how much at most in all; ``most`` 0: to nothing that would pass."""

    most: Quantity
    values: Lowered = ""


class Lowerings:
    """What can be lowered of one pod or claim, for as many bounds as there are; ``items`` are the ranges to keep.

    Tenants who may write ResourceQuotas can write many, so containers are looked at once for each resource.
    """

    def __init__(self, subject: Pod | Claim, items: Items) -> None:
        """Take a pod or claim and the ranges."""
        self._subject = subject
        self._items = items
        self._sums: dict[tuple[str, str], _Sums] = {}

    def to(self, resource: str, room: Quantity) -> Lowering:
        """Return what has to be lowered so that a quota counts no more than its room."""
        subject = self._subject
        if isinstance(subject, Claim):
            return Lowering(room if room >= self._least_of_claim else ZERO)
        side, name = side_and_name(resource)
        sums = self._sums.get((side, name))
        if sums is None:
            sums = self._sums[side, name] = self._sums_of(subject, side, name)
        most = room - subject.overhead.get(name, ZERO)
        return Lowering(most if most >= sums.least else ZERO, sums.values(most))

    def _sums_of(self, pod: Pod, side: str, name: str) -> _Sums:
        items = self._items
        least = max(_least(pod, side, name, items), _least_of_pod(pod, side, name, items))
        if not _at_pod_level(pod, side, name):
            return _Sums(least, is_alone=len(pod.every_container()) == 1)
        limits = [one.limits.get(name, ZERO) for one in pod.containers] if side == "limits" else []
        return _Sums(least, together=self._requested.get(name, ZERO), largest=max(limits, default=ZERO))

    @cached_property
    def _requested(self) -> ResourceList:
        return aggregate(self._subject, spec_requests) if isinstance(self._subject, Pod) else EMPTY

    @cached_property
    def _least_of_claim(self) -> Quantity:
        return _bounds(self._items, CLAIM, "storage")[0]


class _Sums(msgspec.Struct, frozen=True):
    """What the containers of a pod have of a resource on one side.

    Attributes:
        least: The smallest amount in all that passes.
        is_alone: There is one container.
        together: What they request together; None: the resource is not named at the pod level on this side.
        largest: The largest limit.
    """

    least: Quantity
    is_alone: bool = False
    together: Quantity | None = None
    largest: Quantity = ZERO

    def values(self, most: Quantity) -> Lowered:
        """Return which values have to be lowered to so much."""
        if self.together is None:
            return "" if self.is_alone else "together"
        if self.together > most:
            return "pod-level and together"
        return "pod-level and each" if self.largest > most else "pod-level"


def strictest(items: Items) -> tuple[LimitRangeItem, ...]:
    """Return one item of each type that asks for what all of them ask for, of a lower amount."""
    found: dict[str, tuple[dict[str, Quantity], dict[str, Quantity]]] = {}
    for item in items:
        low, ratios = found.setdefault(item.type, ({}, {}))
        raise_to(low, item.min)
        for name, ratio in item.max_limit_request_ratio.items():
            ratios[name] = min(ratio, ratios.get(name, ratio))
    return tuple(
        [LimitRangeItem(kind, min=low, max_limit_request_ratio=ratios) for kind, (low, ratios) in found.items()]
    )


def side_and_name(resource: str) -> tuple[str, str]:
    """Return the side and the resource that a quota name counts of pods: ``cpu`` are requests."""
    side, _, name = resource.partition(".")
    return (side, name) if side in ("requests", "limits") else ("requests", resource)


def _at_pod_level(pod: Pod, side: str, name: str) -> bool:
    return name in (pod.limits if side == "limits" else pod.requests)


def _least(pod: Pod, side: str, name: str, items: Items) -> Quantity:
    """Return the smallest amount with which every container passes the ranges, and its request fits the pod level."""
    low, ratios = _bounds(items, CONTAINER, name, side)
    if not low and not ratios:  # as nearly always
        return ZERO
    at_pod_level = _at_pod_level(pod, side, name)
    pick = spec_limits if side == "limits" and not at_pod_level else spec_requests

    def least(container: Container) -> ResourceList:
        limit = container.limits.get(name, ZERO)
        return {name: max([low, *(_below(limit, ratio) for ratio in ratios)])} if name in pick(container) else EMPTY

    together = aggregate(pod, least).get(name, ZERO)
    is_judged = at_pod_level and (side == "limits" or not any(name in one.requests for one in pod.every_container()))
    return max(together, low) if is_judged else together


def _least_of_pod(pod: Pod, side: str, name: str, items: Items) -> Quantity:
    """Return the smallest amount with which the pod as a whole passes the ranges."""
    low, ratios = _bounds(items, POD, name, side)
    if not ratios:
        return low
    limit = pod.limits.get(name) or aggregate(pod, spec_limits).get(name, ZERO)
    return max([low, *(_below(limit, ratio) for ratio in ratios)])


def _bounds(items: Items, kind: str, name: str, side: str = "limits") -> tuple[Quantity, list[Quantity]]:
    """Return the largest ``min`` of a resource, and the ratios that a lower request may break."""
    mine = [item for item in items if item.type == kind]
    low = max((item.min[name] for item in mine if name in item.min), default=ZERO)
    ratios = (item.max_limit_request_ratio.get(name) for item in mine if side == "requests")
    return low, [one for one in ratios if one]


def _below(limit: Quantity, ratio: Quantity) -> Quantity:
    """Return the smallest request that keeps the ratio under a limit."""
    return Quantity(-(-limit.nano * NANO // ratio.nano))
