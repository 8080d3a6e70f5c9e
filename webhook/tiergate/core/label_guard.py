"""Who may put a namespace into a tier, or take it out: the verb ``assign`` on the old and on the new tier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tiergate.core.decision import Decision, Finding, RuleId
from tiergate.core.facts import Facts, InvalidTier
from tiergate.core.jsonpatch import escape
from tiergate.core.request import LabelChange, Request
from tiergate.core.tier import LABEL, Tier, is_protected

POINTER: Final = f"/metadata/labels/{escape(LABEL)}"


def touched(change: LabelChange) -> tuple[str, ...]:
    """Return the tiers that the user must be permitted to assign, sorted.

    An empty label names no tier; an access review without a name asks about all of them, which is what it needs.
    """
    return tuple(sorted({tier for tier in (change.before, change.after) if tier is not None}))


def decide(request: Request, change: LabelChange, facts: Facts) -> Decision:
    """Decide on a change of the label; what the new tier lacks is only warned of."""
    tier = change.after or ""
    if change.before == change.after:
        return Decision(tier=tier)
    if "permissions" not in facts.fresh:
        return Decision(tier=tier, needs_fresh="permissions")
    if denied := (*_protected(request, change, facts), *_not_permitted(request, change, facts)):
        return Decision(denied, tier=tier)
    if change.after is None or isinstance(facts.tier, Tier):
        return Decision(tier=tier)
    if "tier" in facts.unread:
        return Decision((_about(change, "label-tier-unchecked"),), tier=tier)
    if "tier" not in facts.fresh:
        return Decision(tier=tier, needs_fresh="tier", optional=True)
    if isinstance(facts.tier, InvalidTier):
        return Decision((_about(change, "label-tier-invalid", detail=facts.tier.reason),), tier=tier)
    return Decision((_about(change, "label-tier-missing"),), tier=tier)


def _protected(request: Request, change: LabelChange, facts: Facts) -> Iterator[Finding]:
    if change.after is not None and is_protected(request.namespace, release_namespace=facts.release_namespace):
        yield Finding("namespace-protected", POINTER)


def _not_permitted(request: Request, change: LabelChange, facts: Facts) -> Iterator[Finding]:
    for tier in touched(change):
        if tier not in facts.permitted:
            yield Finding("tier-assign", POINTER, tier=tier, user=request.user)


def _about(change: LabelChange, rule: RuleId, *, detail: str = "") -> Finding:
    return Finding(rule, POINTER, tier=change.after or "", detail=detail, effect="warn")
