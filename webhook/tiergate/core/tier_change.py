"""What may be written as a Tier: all faults at once; a tier in use cannot be deleted."""

from __future__ import annotations

from collections.abc import Iterator

from tiergate.core.decision import Decision, Finding
from tiergate.core.facts import Facts
from tiergate.core.request import Request, TierChange
from tiergate.core.tally import unmeasured
from tiergate.core.tier import CONTAINER, LimitRangeItem, Tier, derived_defaults
from tiergate.core.tier_faults import faults


def decide(request: Request, change: TierChange, facts: Facts) -> Decision:
    """Decide on a Tier that is written or deleted; a spec that does not change is not judged again."""
    tier, name = change.tier, request.name
    if change.spec_unchanged:
        return Decision(tier=name)
    if tier is None and not name:  # a collection's delete of an object that cannot be read
        return Decision((Finding("malformed", "/request/oldObject", detail="the name cannot be read"),))
    if tier is None:
        in_use = Finding("tier-in-use", "", tier=name, namespaces=facts.members)
        return Decision((in_use,) if facts.members else (), tier=name)
    denied = tuple(Finding("tier-invalid", fault.pointer, detail=fault.reason) for fault in faults(tier))
    return Decision(denied or tuple(_warnings(tier)), tier=name)


def _warnings(tier: Tier) -> Iterator[Finding]:
    """Yield what is legal and rarely meant: derived defaults, a ``max`` without a ``min``, names nobody measures."""
    for item in tier.limits:
        if item.type == CONTAINER:
            yield from _derived(tier, item)
        for name in sorted(item.max.keys() - item.min.keys()):
            yield Finding("max-without-min", "", tier=tier.name, resource=name, detail=item.type, effect="warn")
    if tier.mode != "Enforce" and (names := unmeasured(tier)):
        detail = ", ".join(names)
        yield Finding("quota-unmeasured", "", tier=tier.name, resource=tier.mode, detail=detail, effect="warn")


def _derived(tier: Tier, item: LimitRangeItem) -> Iterator[Finding]:
    for field, name, quantity in derived_defaults(item):
        yield Finding("default-derived", "", tier=tier.name, resource=f"{field}.{name}", bound=quantity, effect="warn")
