"""What Kubernetes' own LimitRanger will say of an object, for LimitRange objects that a namespace has beside its tier.

Source: kubernetes ``plugin/pkg/admission/limitranger/admission.go``. Copied as it is, with its 64-bit projections
(L-40); ``exact`` is the comparison of releases that have kubernetes#141348. A projection depends on how a server holds
a quantity, and of that the canonical text is all we see: amounts beyond 2^63 may project otherwise there (Q-21).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from tiergate.core.claim import STORAGE_POINTER, Claim
from tiergate.core.podspec import Container, Pod
from tiergate.core.projection import MAX_MILLI_VALUE, milli_value, value
from tiergate.core.quantity import MILLI_IN_NANO, NANO, ZERO, Quantity
from tiergate.core.resources import EMPTY, ResourceList
from tiergate.core.tier import CLAIM, CONTAINER, POD, LimitRangeItem, effective
from tiergate.core.usage import limit_range_totals


class LimitRange(msgspec.Struct, frozen=True):
    """A LimitRange object of a namespace, as written.

    ``managed`` and ``labelled`` are as of a `QuotaStatus`.
    """

    name: str
    items: tuple[LimitRangeItem, ...]
    namespace: str = ""
    resource_version: str = ""
    managed: bool = False
    labelled: str = ""

    @property
    def size(self) -> int:
        """How many items and names it holds."""
        return sum(one.size for one in self.items)


NativeRule = Literal["native-min", "native-max", "native-ratio"]
Side = Literal["request", "limit"]


class Refusal(msgspec.Struct, frozen=True):
    """One constraint of a LimitRange object that a pod or claim breaks.

    ``kind`` is the item's type. ``pointer`` is what was target: the resources of a container, the spec of a pod, the
    storage request of a claim. ``side`` is the side that breaks the ``bound``: it is ``missing`` (for a ratio also 0),
    or below a minimum or above a maximum. ``actual`` is that amount. Of a ratio ``actual`` is the request and ``limit``
    the limit, and ``ratio`` is what LimitRanger prints, "" where a side is missing.
    """

    limit_range: str
    rule: NativeRule
    kind: str
    pointer: str
    resource: str
    side: Side
    missing: bool
    bound: Quantity
    actual: Quantity | None = None
    limit: Quantity | None = None
    ratio: str = ""


def sentence(refusal: Refusal) -> str:
    """Return what LimitRanger itself says (L-26)."""
    name, kind, side, bound = refusal.resource, refusal.kind, refusal.side, refusal.bound
    if refusal.rule == "native-ratio":
        start = f"{name} max limit to request ratio per {kind} is {bound}"
        if refusal.missing:
            return f"{start}, but no {side} is specified or {side} is 0"
        return f"{start}, but provided ratio is {refusal.ratio}"
    start = f"{'minimum' if refusal.rule == 'native-min' else 'maximum'} {name} usage per {kind} is {bound}"
    return f"{start}.  No {side} is specified" if refusal.missing else f"{start}, but {side} is {refusal.actual}"


class Ambiguity(msgspec.Struct, frozen=True):
    """A default on which several LimitRanges differ: which one a container gets is not defined (L-7)."""

    field: str
    resource: str
    sources: tuple[tuple[str, Quantity], ...]


def with_native_defaults(pod: Pod, ranges: tuple[LimitRange, ...]) -> Pod:
    """Return the pod after LimitRanger's mutation, the objects in the given order (L-7, L-10).

    Nothing is copied from limits to requests afterwards, and no pod-level value suppresses anything (L-10, L-11).
    """
    items = [effective(item) for one in ranges for item in one.items if item.type == CONTAINER]

    def filled(container: Container) -> Container:
        limits, requests = dict(container.limits), dict(container.requests)
        for item in items:
            limits = {**item.default, **limits}
            requests = {**item.default_request, **requests}
        return msgspec.structs.replace(container, limits=limits, requests=requests)

    containers, init_containers = map(filled, pod.containers), map(filled, pod.init_containers)
    return msgspec.structs.replace(pod, containers=tuple(containers), init_containers=tuple(init_containers))


def ambiguities(ranges: tuple[LimitRange, ...]) -> tuple[Ambiguity, ...]:
    """Return the defaults that depend on the order in which the server visits the objects (L-7), sorted."""
    sources: dict[tuple[str, str], list[tuple[str, Quantity]]] = {}
    for one in ranges:
        for item in one.items:
            if item.type == CONTAINER:
                full = effective(item)
                for field, resources in (("default", full.default), ("defaultRequest", full.default_request)):
                    for name, quantity in resources.items():
                        sources.setdefault((field, name), []).append((one.name, quantity))
    return tuple(
        Ambiguity(field, name, tuple(found))
        for (field, name), found in sorted(sources.items())
        if len({quantity for _, quantity in found}) > 1
    )


def is_defined(pod: Pod, ranges: tuple[LimitRange, ...]) -> bool:
    """Say whether the pod is the same in whichever order the server visits the objects (L-7).

    A default on which they differ is of no matter to containers that all have a value of their own.
    """
    return all(
        one.resource in (container.limits if one.field == "default" else container.requests)
        for one in ambiguities(ranges)
        for container in pod.every_container()
    )


def refusals(subject: Pod | Claim, ranges: tuple[LimitRange, ...]) -> Iterator[Refusal]:
    """Yield every constraint with which some LimitRange would refuse the object (L-20).

    The server stops at the first object that refuses (L-7); here all are asked, as their order is not defined.
    """
    targets = _targets(subject)
    for one in ranges:
        for item in one.items:
            for target in targets.get(item.type, ()):
                for found in _broken(target, item):
                    yield msgspec.structs.replace(found, limit_range=one.name)


class _Target(msgspec.Struct, frozen=True):
    """What one item judges: a container, the totals of a pod, or a claim."""

    kind: str
    pointer: str
    requests: ResourceList
    limits: ResourceList

    def refusal(self, rule: NativeRule, name: str, bound: Quantity, *, side: Side, missing: bool = False) -> Refusal:
        actual = (self.requests if side == "request" else self.limits).get(name)
        return Refusal("", rule, self.kind, self.pointer, name, side, missing, bound, actual)


def _targets(subject: Pod | Claim) -> dict[str, list[_Target]]:
    """Return all of an object that an item judges, by the item's type."""
    if isinstance(subject, Claim):
        requests = EMPTY if subject.storage is None else {"storage": subject.storage}
        return {CLAIM: [_Target(CLAIM, f"{subject.pointer}{STORAGE_POINTER}", requests, EMPTY)]}
    containers = [
        _Target(CONTAINER, f"{one.pointer}/resources", one.requests, one.limits) for one in subject.every_container()
    ]
    return {CONTAINER: containers, POD: [_Target(POD, f"{subject.pointer}/spec", *limit_range_totals(subject))]}


def _broken(target: _Target, item: LimitRangeItem) -> Iterator[Refusal]:
    claim = target.kind == CLAIM
    for name, bound in sorted(item.min.items()):
        yield from _min(target, name, bound)
    for name, bound in sorted(item.max.items()):
        yield from (_max_request if claim else _max)(target, name, bound)
    for name, bound in sorted(item.max_limit_request_ratio.items()):
        if not claim:  # L-24: not enforced
            yield from _ratio(target, name, bound)


def _min(target: _Target, name: str, bound: Quantity) -> Iterator[Refusal]:
    """L-21: one refusal at most."""
    request, limit = target.requests.get(name), target.limits.get(name)
    asked, limited, least = _projections(request, limit, bound)
    if request is None:
        yield target.refusal("native-min", name, bound, side="request", missing=True)
    elif asked < least:
        yield target.refusal("native-min", name, bound, side="request")
    elif limit is not None and limited < least:
        yield target.refusal("native-min", name, bound, side="limit")


def _max(target: _Target, name: str, bound: Quantity) -> Iterator[Refusal]:
    """L-22: one refusal at most."""
    request, limit = target.requests.get(name), target.limits.get(name)
    asked, limited, most = _projections(request, limit, bound)
    if limit is None:
        yield target.refusal("native-max", name, bound, side="limit", missing=True)
    elif limited > most:
        yield target.refusal("native-max", name, bound, side="limit")
    elif request is not None and asked > most:
        yield target.refusal("native-max", name, bound, side="request")


def _max_request(target: _Target, name: str, bound: Quantity) -> Iterator[Refusal]:
    """L-24: the ``max`` of a claim, by its request alone."""
    request = target.requests.get(name)
    asked, _, most = _projections(request, None, bound)
    if request is None:
        yield target.refusal("native-max", name, bound, side="request", missing=True)
    elif asked > most:
        yield target.refusal("native-max", name, bound, side="request")


def _ratio(target: _Target, name: str, bound: Quantity) -> Iterator[Refusal]:
    """L-23."""
    request, limit = target.requests.get(name), target.limits.get(name)
    asked, limited, _ = _projections(request, limit, bound)
    side: Side = "limit" if asked else "request"
    missing = not asked or not limited
    shown = None if missing else _float_ratio(asked, limited, bound)
    if missing or shown is not None:
        found = target.refusal("native-ratio", name, bound, side=side, missing=missing)
        yield msgspec.structs.replace(found, actual=request, limit=limit, ratio=shown or "")


_SMALL: Final = MAX_MILLI_VALUE * NANO
"""Up to here the milli-units fit in 64 bits."""


def _projections(request: Quantity | None, limit: Quantity | None, bound: Quantity) -> tuple[int, int, int]:
    """Return all three in milli-units where each is small enough for that, else in whole units (L-40, L-42)."""
    asked, limited, enforced = (request or ZERO).nano, (limit or ZERO).nano, bound.nano
    if 0 <= asked <= _SMALL and 0 <= limited <= _SMALL and 0 <= enforced <= _SMALL:  # as nearly always
        return -(-asked // MILLI_IN_NANO), -(-limited // MILLI_IN_NANO), -(-enforced // MILLI_IN_NANO)
    together = (request or ZERO, limit or ZERO, bound)
    project = milli_value if all(value(one) <= MAX_MILLI_VALUE for one in together) else value
    asked, limited, enforced = map(project, together)
    return asked, limited, enforced


def _float_ratio(asked: int, limited: int, bound: Quantity) -> str | None:
    """Return the ratio as shown if a 64-bit float finds it above the bound (L-40, L-41)."""
    ratio = float(limited) / float(asked)
    in_milli = value(bound) <= MAX_MILLI_VALUE
    scaled, most = (ratio * 1000, milli_value(bound)) if in_milli else (ratio, value(bound))
    return f"{ratio:.6f}" if scaled > float(most) else None
