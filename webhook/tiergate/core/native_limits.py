"""A Tier as the LimitRange that each of its namespaces should hold, with what LimitRanger alone would not see."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.core.quantity import Quantity
from tiergate.core.resources import unit
from tiergate.core.tier import CONTAINER, ZERO_IS_NO_LIMIT, LimitRangeItem, Tier, effective
from tiergate.core.tier_faults import item_faults

SMALLEST: Final = {name: Quantity(unit(name)) for name in ZERO_IS_NO_LIMIT}
"""The smallest amounts that bound anything."""


def native_limits(tier: Tier, *, handed_over: bool = False) -> tuple[LimitRangeItem, ...]:
    """Return the items of the LimitRange that each namespace of the tier should hold, in the order of their types.

    () means none: the default, in which the webhook alone sets defaults (hole 3 of LimitRanger stays closed), and in
    Warn and Audit, as LimitRanger refuses. While the webhook is handed over, LimitRanger stands in for it.
    """
    if not (tier.native_limit_range or handed_over) or not tier.is_native:
        return ()
    items = sorted(tier.limits, key=lambda item: item.type)
    return tuple(_without_zero(item) if handed_over and item.type == CONTAINER else item for item in items)


def _without_zero(item: LimitRangeItem) -> LimitRangeItem:
    """Return a Container item that refuses the limit 0, which is no limit at run time and passes every native max.

    A resource without a default limit is not bounded by this item, and one with a `min` needs none; a `min` derives no
    default where there is a default limit (L-1). Where the tier's own amounts leave no room for it, the item stays as
    it is: the API server would not take it, and the namespace would be left out.
    """
    for name, least in SMALLEST.items():
        if name in effective(item).default and name not in item.min:
            bounded = msgspec.structs.replace(item, min={**item.min, name: least})
            if not any(item_faults("", effective(bounded))):
                item = bounded
    return item
