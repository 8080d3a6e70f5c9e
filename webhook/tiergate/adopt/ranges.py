"""LimitRanges of a namespace as the items of a Tier: the tightest bounds, and one default where several objects differ.

Every LimitRange refuses by itself, so the tightest bound is in force. Defaults are set in no defined order (L-7): the
smallest one that a container may have is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from tiergate.adopt.values import Remark
from tiergate.core.native import LimitRange, ambiguities
from tiergate.core.quantity import NANO, ZERO, Quantity
from tiergate.core.resources import EMPTY, ResourceList, needs_limit
from tiergate.core.tier import CLAIM, CONTAINER, POD, LimitRangeItem, effective

TYPES: Final = (CONTAINER, POD, CLAIM)
_FIELDS: Final = ("default", "defaultRequest")
Source = tuple[str, LimitRangeItem]
"""The name of a LimitRange, and an item of it with its derived defaults."""
_BOUNDS: Final[tuple[tuple[str, Callable[[LimitRangeItem], ResourceList], bool], ...]] = (
    ("min", lambda item: item.min, True),
    ("max", lambda item: item.max, False),
    ("maxLimitRequestRatio", lambda item: item.max_limit_request_ratio, False),
)
"""Each with whether the largest amount is the tightest."""


def merged(
    ranges: Sequence[LimitRange], most: Callable[[str, str], Quantity | None]
) -> tuple[tuple[LimitRangeItem, ...], list[Remark]]:
    """Return the items, in the order of TYPES, and what they change.

    ``most`` says of a field of defaults and a resource how much a quota of every pod leaves to a single one.
    """
    remarks = [
        Remark("left-out", f"LimitRange {one.name}: items of type {item.type} have no effect", item.type)
        for one in ranges
        for item in one.items
        if item.type not in TYPES
    ]
    items = []
    for kind in TYPES:
        sources = [(one.name, item) for one in ranges for item in one.items if item.type == kind]
        if sources:
            item = _bounds(kind, sources, remarks)
            items.append(_with_defaults(item, sources, ranges, most, remarks) if kind == CONTAINER else item)
            if kind != CONTAINER:
                remarks += _without_effect(kind, sources)
    return tuple(items), remarks


def _bounds(kind: str, sources: Sequence[Source], remarks: list[Remark]) -> LimitRangeItem:
    found: list[ResourceList] = []
    for field, of, largest in _BOUNDS:
        amounts: dict[str, Quantity] = {}
        for resource in sorted({name for _, item in sources for name in of(item)}):
            each = [(name, of(item)[resource]) for name, item in sources if resource in of(item)]
            amounts[resource] = (max if largest else min)(amount for _, amount in each)
            if len({amount for _, amount in each}) > 1:
                said = f"{kind} {field} {resource}: {amounts[resource]}, of {_listed(each)}"
                remarks.append(Remark("merged", said, f"{kind}/{field}/{resource}"))
        found.append(amounts)
    low, high, ratio = found
    return LimitRangeItem(kind, min=low, max=high, max_limit_request_ratio=ratio)


def _listed(each: Iterable[tuple[str, Quantity]]) -> str:
    return ", ".join(f"{amount} (LimitRange {name})" for name, amount in each)


def _without_effect(kind: str, sources: Sequence[Source]) -> Iterable[Remark]:
    for name, item in sources:
        if item.default or item.default_request:
            yield Remark("left-out", f"LimitRange {name}: defaults of items of type {kind} have no effect", kind)


def _with_defaults(
    item: LimitRangeItem,
    sources: Sequence[Source],
    ranges: Sequence[LimitRange],
    most: Callable[[str, str], Quantity | None],
    remarks: list[Remark],
) -> LimitRangeItem:
    full = [(name, effective(one)) for name, one in sources]
    limits = _offered((one.default for _, one in full), prefer_some=True)
    requests = _offered(one.default_request for _, one in full)
    default = {
        name: _chosen(
            each,
            item.min.get(name),
            _least(item.max.get(name), *(most(field, name) for field in _FIELDS[: 2 if needs_limit(name) else 1])),
        )
        for name, each in limits.items()
    }
    default_request = {
        name: default[name]
        if name in default and needs_limit(name)
        else _chosen(
            _within_ratio(each, default.get(name), item.max_limit_request_ratio.get(name)) or each,
            item.min.get(name),
            _least(default.get(name), item.max.get(name), most("defaultRequest", name)),
        )
        for name, each in requests.items()
    }
    remarks += _ambiguous(ranges, {"default": default, "defaultRequest": default_request})
    for field, chosen, offered in (("default", default, limits), ("defaultRequest", default_request, requests)):
        remarks += _moved(field, chosen, offered)
    return msgspec.structs.replace(item, default=default, default_request=default_request)


def _offered(lists: Iterable[ResourceList], *, prefer_some: bool = False) -> dict[str, list[Quantity]]:
    """Return the amounts that the objects offer for each resource; ``prefer_some``: 0 only where nothing else is."""
    found: dict[str, list[Quantity]] = {}
    for amounts in lists:
        for name, amount in amounts.items():
            found.setdefault(name, []).append(amount)
    if prefer_some:
        found = {name: [one for one in each if one] or each for name, each in found.items()}
    return dict(sorted(found.items()))


def _least(*amounts: Quantity | None) -> Quantity | None:
    return min((one for one in amounts if one is not None), default=None)


def _chosen(offered: Sequence[Quantity], low: Quantity | None, high: Quantity | None) -> Quantity:
    """Return the smallest amount on offer that is within the bounds, else the nearest one that is.

    Where nothing is within the bounds, as they contradict each other or leave nothing, the smallest stays: it is a
    fault of the tier.
    """
    least, smallest = low or ZERO, min(offered)
    if high is not None and (high < least or not high):
        return smallest
    within = [one for one in offered if least <= one and (high is None or one <= high)]
    if within:
        return min(within)
    raised = max(smallest, least)
    return raised if high is None else min(raised, high)


def _within_ratio(offered: Sequence[Quantity], limit: Quantity | None, ratio: Quantity | None) -> list[Quantity]:
    """Return the requests that keep the ratio beside the default limit: natively no other one is admitted."""
    if limit is None or ratio is None:
        return []
    return [one for one in offered if limit.nano * NANO <= ratio.nano * one.nano]


def _ambiguous(ranges: Sequence[LimitRange], chosen: Mapping[str, ResourceList]) -> Iterable[Remark]:
    for one in ambiguities(tuple(ranges)):
        taken = chosen[one.field].get(one.resource)
        said = f"Container {one.field} {one.resource}: {taken}, of {_listed(one.sources)}"
        yield Remark("ambiguous", said, f"Container/{one.field}/{one.resource}")


def _moved(field: str, chosen: ResourceList, offered: Mapping[str, Sequence[Quantity]]) -> Iterable[Remark]:
    for name, amount in chosen.items():
        if amount not in offered.get(name, ()):
            shown = ", ".join(sorted({str(one) for one in offered.get(name, ())}))
            said = f"Container {field} {name}: {amount} instead of {shown}"
            yield Remark("moved", said, f"Container/{field}/{name}", laxer=True)


def without_resource(item: LimitRangeItem, name: str) -> LimitRangeItem:
    """Return an item that says nothing of a resource."""
    return LimitRangeItem(
        item.type,
        *(
            {key: amount for key, amount in amounts.items() if key != name} if name in amounts else amounts or EMPTY
            for amounts in (item.default, item.default_request, item.min, item.max, item.max_limit_request_ratio)
        ),
    )
