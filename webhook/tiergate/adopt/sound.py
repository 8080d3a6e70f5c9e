"""A Tier without what a Tier may not say: each fault in the words of the webhook, and what is left out for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from tiergate.adopt.ranges import without_resource
from tiergate.adopt.values import Remark
from tiergate.core.decision import Fault
from tiergate.core.jsonpatch import escape
from tiergate.core.resources import ResourceList, omitting
from tiergate.core.tier import LimitRangeItem, Tier, TierQuota, amounts_by_field
from tiergate.core.tier_faults import faults

MAX_AMOUNT_TEXT: Final = 32
MAX_AMOUNTS: Final = 32
MAX_QUOTAS: Final = 16
MAX_HARD: Final = 64
MAX_EXPRESSIONS: Final = 16
MAX_VALUES: Final = 64
_AMOUNT: Final = re.compile(r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?")
"""What the schema of Tier takes, which the API server asks before the webhook."""
_FIELDS: Final = {
    "default": "default",
    "defaultRequest": "default_request",
    "min": "min",
    "max": "max",
    "maxLimitRequestRatio": "max_limit_request_ratio",
}
_WITHOUT_EFFECT: Final = (
    *("never measured under this name", "no quota measures this name", "conflicting scopes", "0 means no limit"),
)
"""How the reasons begin of what bounds nothing natively, so that nothing becomes laxer without it."""


def sound(tier: Tier) -> tuple[Tier, list[Remark]]:
    """Return the tier without what keeps it from being accepted, and a remark on each fault.

    Every step leaves an amount, an item or a quota out, so there is an end.
    """
    remarks: list[Remark] = []
    while fault := next(_every_fault(tier), None):
        tier, place = _without(tier, fault)
        laxer = not fault.reason.startswith(_WITHOUT_EFFECT)
        remarks.append(Remark("left-out", f"{place.replace('/', ' ', 2)}: {fault.reason}", place, laxer))
    return tier, remarks


def _every_fault(tier: Tier) -> Iterator[Fault]:
    yield from _schema_faults(tier)
    yield from faults(tier)


def _schema_faults(tier: Tier) -> Iterator[Fault]:
    """Yield what the schema of Tier refuses; what native objects may hold and it takes in no size."""
    for index, item in enumerate(tier.limits):
        for field, amounts in amounts_by_field(item):
            yield from _amounts(f"/spec/limits/{index}/{field}", amounts, MAX_AMOUNTS)
    for index, quota in enumerate(tier.quotas):
        pointer = f"/spec/quotas/{index}"
        yield from _amounts(f"{pointer}/hard", quota.hard, MAX_HARD)
        values = max((len(one.values) for one in quota.scope_selector), default=0)
        if len(quota.scope_selector) > MAX_EXPRESSIONS or values > MAX_VALUES:
            reason = f"at most {MAX_EXPRESSIONS} expressions of {MAX_VALUES} values are supported"
            yield Fault(f"{pointer}/scopeSelector", reason)
    if len(tier.quotas) > MAX_QUOTAS:
        yield Fault(f"/spec/quotas/{MAX_QUOTAS}", f"at most {MAX_QUOTAS} quotas are supported")


def _amounts(pointer: str, amounts: ResourceList, most: int) -> Iterator[Fault]:
    for name, amount in amounts.items():
        text = str(amount) if amount.nano.bit_length() < 8 * MAX_AMOUNT_TEXT else "0" * (MAX_AMOUNT_TEXT + 1)
        if amount.nano >= 0 and (len(text) > MAX_AMOUNT_TEXT or not _AMOUNT.fullmatch(text)):
            yield Fault(f"{pointer}/{escape(name)}", "the amount is larger or finer than a Tier can say")
    for name in list(amounts)[most:]:
        yield Fault(f"{pointer}/{escape(name)}", f"at most {most} names are supported")


def _without(tier: Tier, fault: Fault) -> tuple[Tier, str]:
    """Return the tier without what a fault points at, and what that is."""
    _, _, part, at, *rest = (token.replace("~1", "/").replace("~0", "~") for token in fault.pointer.split("/"))
    index = int(at)
    if part == "limits":
        return _without_limit(tier, index, rest, fault)
    quota = tier.quotas[index]
    if rest[:1] == ["hard"]:
        smaller = msgspec.structs.replace(quota, hard=omitting(quota.hard, {rest[1]}))
        return _with_quota(tier, index, smaller if smaller.hard else None), f"quota/{quota.name}/{rest[1]}"
    return _with_quota(tier, index, None), f"quota/{quota.name}"


def _with_quota(tier: Tier, index: int, quota: TierQuota | None) -> Tier:
    quotas = (*tier.quotas[:index], *([] if quota is None else [quota]), *tier.quotas[index + 1 :])
    return msgspec.structs.replace(tier, quotas=quotas)


def _without_limit(tier: Tier, index: int, rest: list[str], fault: Fault) -> tuple[Tier, str]:
    """Leave out an amount; where it is in force all the same, as it is derived from others, these as well."""
    item = tier.limits[index]
    field, name = (*rest, "", "")[:2]
    steps: list[tuple[str, LimitRangeItem]] = []
    if name:
        steps = [(field, _omitted(item, field, name)), ("*", without_resource(item, name))]
    for where, smaller in steps:
        left = _with_item(tier, index, smaller)
        if smaller != item and fault not in tuple(_every_fault(left)):
            return left, f"{item.type}/{where}/{name}"
    return _with_item(tier, index, None), item.type


def _omitted(item: LimitRangeItem, field: str, name: str) -> LimitRangeItem:
    amounts = dict(amounts_by_field(item))[field]
    return msgspec.structs.replace(item, **{_FIELDS[field]: omitting(amounts, {name})})


def _with_item(tier: Tier, index: int, item: LimitRangeItem | None) -> Tier:
    """Replace an item, or leave it out; also one that says nothing any more."""
    kept = [] if item is None or not any(amounts for _, amounts in amounts_by_field(item)) else [item]
    return msgspec.structs.replace(tier, limits=(*tier.limits[:index], *kept, *tier.limits[index + 1 :]))
