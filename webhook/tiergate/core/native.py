"""What Kubernetes' own LimitRanger will say of an object, for LimitRange objects that a namespace has beside its tier.

Source: kubernetes ``plugin/pkg/admission/limitranger/admission.go``. Copied as it is, with its 64-bit projections
(L-40); ``exact`` is the comparison of releases that have kubernetes#141348. A projection depends on how a server holds
a quantity, and of that the canonical text is all we see: amounts beyond 2^63 may project otherwise there (Q-21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import msgspec

from tiergate.core.claim import Claim
from tiergate.core.podspec import Container, Pod
from tiergate.core.projection import MAX_MILLI_VALUE, milli_value, value
from tiergate.core.quantity import NANO, ZERO, Quantity
from tiergate.core.resources import EMPTY, ResourceList
from tiergate.core.tier import CLAIM, CONTAINER, POD, LimitRangeItem, effective
from tiergate.core.usage import limit_range_totals


class LimitRange(msgspec.Struct, frozen=True):
    """A LimitRange object of a namespace, as written.

    ``managed`` says that the object is ours; ``labelled`` is the tier that its label names, "" where another manager's
    label claims the object.
    """

    name: str
    items: tuple[LimitRangeItem, ...]
    namespace: str = ""
    resource_version: str = ""
    managed: bool = False
    labelled: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """One sentence of LimitRanger (L-26): of which object, about what in the pod or claim."""

    limit_range: str
    pointer: str
    message: str


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


def refusals(subject: Pod | Claim, ranges: tuple[LimitRange, ...], *, exact: bool = False) -> tuple[Refusal, ...]:
    """Return every sentence with which some LimitRange would refuse the object (L-20).

    The server stops at the first object that refuses (L-7); here all are asked, as their order is not defined.
    """
    judge = _Judge(exact)
    return tuple(
        Refusal(one.name, pointer, message)
        for one in ranges
        for item in one.items
        for pointer, message in judge.sentences(subject, item)
    )


class _Judge:
    """LimitRanger's constraints, by projections or exactly."""

    def __init__(self, exact: bool) -> None:  # noqa: FBT001  # the one thing there is to say
        self._amounts = _nanos if exact else _projections
        self._ratio = _exact_ratio if exact else _float_ratio

    def sentences(self, subject: Pod | Claim, item: LimitRangeItem) -> Iterator[tuple[str, str]]:
        """Yield (pointer, sentence) of each constraint of the item that the object breaks."""
        if isinstance(subject, Claim):
            if item.type == CLAIM:
                yield from self._claim(subject, item)
        elif item.type == CONTAINER:
            for one in subject.every_container():
                for message in self._constraints(item, one.requests, one.limits):
                    yield f"{one.pointer}/resources", message
        elif item.type == POD:
            for message in self._constraints(item, *limit_range_totals(subject)):
                yield "/spec", message

    def _claim(self, claim: Claim, item: LimitRangeItem) -> Iterator[tuple[str, str]]:
        """Judge the request alone; a ratio is not enforced (L-24)."""
        requests = EMPTY if claim.storage is None else {"storage": claim.storage}
        for name, bound in sorted(item.min.items()):
            yield from _at_storage(self._min(item.type, name, bound, requests, EMPTY))
        for name, bound in sorted(item.max.items()):
            yield from _at_storage(self._max_request(item.type, name, bound, requests))

    def _constraints(self, item: LimitRangeItem, requests: ResourceList, limits: ResourceList) -> Iterator[str]:
        kind = item.type
        for name, bound in sorted(item.min.items()):
            yield from self._min(kind, name, bound, requests, limits)
        for name, bound in sorted(item.max.items()):
            yield from self._max(kind, name, bound, requests, limits)
        for name, bound in sorted(item.max_limit_request_ratio.items()):
            yield from self._max_ratio(kind, name, bound, requests, limits)

    def _min(
        self, kind: str, name: str, bound: Quantity, requests: ResourceList, limits: ResourceList
    ) -> Iterator[str]:
        """L-21: one sentence at most."""
        request, limit = requests.get(name), limits.get(name)
        asked, limited, least = self._amounts(request, limit, bound)
        start = f"minimum {name} usage per {kind} is {bound}"
        if request is None:
            yield f"{start}.  No request is specified"
        elif asked < least:
            yield f"{start}, but request is {request}"
        elif limit is not None and limited < least:
            yield f"{start}, but limit is {limit}"

    def _max(
        self, kind: str, name: str, bound: Quantity, requests: ResourceList, limits: ResourceList
    ) -> Iterator[str]:
        """L-22: one sentence at most."""
        request, limit = requests.get(name), limits.get(name)
        asked, limited, most = self._amounts(request, limit, bound)
        start = f"maximum {name} usage per {kind} is {bound}"
        if limit is None:
            yield f"{start}.  No limit is specified"
        elif limited > most:
            yield f"{start}, but limit is {limit}"
        elif request is not None and asked > most:
            yield f"{start}, but request is {request}"

    def _max_request(self, kind: str, name: str, bound: Quantity, requests: ResourceList) -> Iterator[str]:
        """L-24: the ``max`` of a claim."""
        request = requests.get(name)
        asked, _, most = self._amounts(request, None, bound)
        start = f"maximum {name} usage per {kind} is {bound}"
        if request is None:
            yield f"{start}.  No request is specified"
        elif asked > most:
            yield f"{start}, but request is {request}"

    def _max_ratio(
        self, kind: str, name: str, bound: Quantity, requests: ResourceList, limits: ResourceList
    ) -> Iterator[str]:
        """L-23."""
        asked, limited, _ = self._amounts(requests.get(name), limits.get(name), bound)
        start = f"{name} max limit to request ratio per {kind} is {bound}"
        if not asked:
            yield f"{start}, but no request is specified or request is 0"
        elif not limited:
            yield f"{start}, but no limit is specified or limit is 0"
        elif (shown := self._ratio(asked, limited, bound)) is not None:
            yield f"{start}, but provided ratio is {shown}"


def _at_storage(messages: Iterator[str]) -> Iterator[tuple[str, str]]:
    for message in messages:
        yield "/spec/resources/requests/storage", message


Amounts = Callable[[Quantity | None, Quantity | None, Quantity], tuple[int, int, int]]


def _nanos(request: Quantity | None, limit: Quantity | None, bound: Quantity) -> tuple[int, int, int]:
    return (request or ZERO).nano, (limit or ZERO).nano, bound.nano


def _projections(request: Quantity | None, limit: Quantity | None, bound: Quantity) -> tuple[int, int, int]:
    """Return all three in milli-units where each is small enough for that, else in whole units (L-40, L-42)."""
    together = (request or ZERO, limit or ZERO, bound)
    project = milli_value if all(value(one) <= MAX_MILLI_VALUE for one in together) else value
    asked, limited, enforced = map(project, together)
    return asked, limited, enforced


def _exact_ratio(asked: int, limited: int, bound: Quantity) -> str | None:
    """Return the ratio as shown if it is above the bound."""
    if limited * NANO <= asked * bound.nano:
        return None
    millionths = round(Fraction(limited * 10**6, asked))
    return f"{millionths // 10**6}.{millionths % 10**6:06d}"


def _float_ratio(asked: int, limited: int, bound: Quantity) -> str | None:
    """Return the ratio as shown if a 64-bit float finds it above the bound (L-40, L-41)."""
    ratio = float(limited) / float(asked)
    in_milli = value(bound) <= MAX_MILLI_VALUE
    scaled, most = (ratio * 1000, milli_value(bound)) if in_milli else (ratio, value(bound))
    return f"{ratio:.6f}" if scaled > float(most) else None
