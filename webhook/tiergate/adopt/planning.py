"""Namespaces with their own LimitRanges and ResourceQuotas as tiers: pure, and the same for the same cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from tiergate.adopt import quotas as of_quotas
from tiergate.adopt.naming import names
from tiergate.adopt.ranges import merged
from tiergate.adopt.sound import MAX_QUOTAS, sound
from tiergate.adopt.values import AdoptionPlan, Member, NativeBounds, NewTier, Remark, Skipped
from tiergate.core.desired import quotas_of
from tiergate.core.lowering import side_and_name
from tiergate.core.mode import Mode
from tiergate.core.quantity import Quantity
from tiergate.core.resources import ResourceList
from tiergate.core.tier import CONTAINER, Tier, TierQuota, amounts_by_field, effective, with_effective_items

BoundsKey: TypeAlias = tuple[object, ...]
NOTHING_LEFT: Final = "nothing of its bounds can be in a Tier"


def plan(
    natives: Iterable[NativeBounds],
    *,
    mode: Mode,
    wanted: Mapping[str, str] | None = None,
    existing: Mapping[str, Tier | None] | None = None,
) -> AdoptionPlan:
    """Return one tier for each group of namespaces whose effective bounds are the same.

    ``existing`` are the tiers that there are, None for one that cannot be read. Namespaces with the bounds of one join
    it; one with exemptions is never taken.

    Raises:
        naming.BadName: A name of ``wanted`` cannot be given.
    """
    groups: dict[BoundsKey, list[tuple[Tier, Member]]] = {}
    skipped: list[Skipped] = []
    for native in sorted(natives, key=lambda one: one.namespace):
        tier, remarks = adopted(native, mode)
        if tier.limits or tier.quotas:
            groups.setdefault(bounds_of(tier), []).append((tier, Member(native, remarks)))
        else:
            skipped.append(Skipped(native.namespace, NOTHING_LEFT, remarks))
    there = existing or {}
    known = {bounds_of(tier): name for name, tier in sorted(there.items()) if tier is not None and not _exempts(tier)}
    same = [known.get(key, "") for key in groups]
    every = list(groups.values())
    found = names([[member.native for _, member in group] for group in every], wanted or {}, there, same)
    made = (_tier_of(name, group, there.get(name)) for name, group in zip(found, every, strict=True))
    return AdoptionPlan(tuple(sorted(made, key=lambda one: one.tier.name)), tuple(skipped))


def adopted(native: NativeBounds, mode: Mode) -> tuple[Tier, tuple[Remark, ...]]:
    """Return the bounds of one namespace as a Tier without a name, and what differs; both may be empty."""
    quotas, of_merged = of_quotas.adopted(native.quotas)
    if len(quotas) > MAX_QUOTAS:
        quotas = of_quotas.by_scopes(Tier("", quotas=quotas))
    most = _rooms(quotas)
    items, of_ranges = merged(native.ranges, lambda field, name: most.get((field, name)))
    tier, left_out = sound(Tier("", limits=items, quotas=quotas, mode=mode))
    remarks = (*of_ranges, *of_merged, *left_out, *of_quotas.remarks_on(tier))
    return with_effective_items(tier), remarks


def _rooms(quotas: Sequence[TierQuota]) -> dict[tuple[str, str], Quantity]:
    """Return by field of defaults and resource how much the quotas of every pod leave to a single one."""
    found: dict[tuple[str, str], Quantity] = {}
    for quota in quotas:
        for name, hard in quota.hard.items() if not quota.scopes and not quota.scope_selector else ():
            side, resource = side_and_name(name)
            key = ("default" if side == "limits" else "defaultRequest", resource)
            found[key] = min(hard, found.get(key, hard))
    return found


def bounds_of(tier: Tier) -> BoundsKey:
    """Return what two tiers have in common that bound the same, whatever their quotas are called."""
    full = (effective(item) if item.type == CONTAINER else item for item in tier.limits)
    items = tuple(sorted((item.type, *(_amounts(one) for _, one in amounts_by_field(item))) for item in full))
    return items, tuple((one.name, _amounts(one.hard)) for one in quotas_of(tier))


def _amounts(amounts: ResourceList) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((name, amount.nano) for name, amount in amounts.items()))


def _exempts(tier: Tier) -> bool:
    return bool(tier.exempt_users or tier.exempt_groups)


def _tier_of(name: str, group: Sequence[tuple[Tier, Member]], existing: Tier | None) -> NewTier:
    """Return the tier of a group; its quotas keep the names of their objects where all namespaces agree on them."""
    members = tuple(member for _, member in group)
    if existing is not None:
        return NewTier(existing, members, exists=True)
    first = group[0][0]
    agree = all(tier.quotas == first.quotas for tier, _ in group[1:])
    quotas = first.quotas if agree else of_quotas.by_scopes(first)
    return NewTier(msgspec.structs.replace(first, name=name, quotas=quotas), members)
