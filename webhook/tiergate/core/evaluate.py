"""The decision: default, then check. A pure function of (object, tier, usage)."""

from __future__ import annotations

from tiergate.core import limitrange
from tiergate.core.claim import Claim
from tiergate.core.decision import ALLOW, Decision, Violation
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.rules import RULES, Case
from tiergate.core.tier import Tier


def mutate(pod: Pod, tier: Tier) -> Decision:
    """Return the defaults as a patch; nothing is refused here, the validating pass sees the result."""
    _, additions = limitrange.with_defaults(pod, tier)
    operations = limitrange.patch(pod, additions)
    return Decision(patch=operations) if operations else ALLOW


def validate(subject: Pod | Claim, *, old: Pod | Claim | None, tier: Tier, quotas: tuple[QuotaStatus, ...]) -> Decision:
    """Return every broken rule of a pod or claim, in the order of RULES.

    ``old`` is the stored object of an UPDATE, ``quotas`` every ResourceQuota of the namespace.
    """
    case = Case(subject, old, tier, quotas)
    violations: list[Violation] = []
    for rule in RULES:
        violations.extend(rule(case))
    return Decision(tuple(violations)) if violations else ALLOW


def no_such_tier(name: str) -> Decision:
    """Return the refusal for a namespace whose label names no tier: a typo must not open the gate."""
    return Decision((Violation("tier-missing", "", detail=name),))


def unusable_tier(name: str, reason: str) -> Decision:
    """Return the refusal for a tier that was never valid, so that no version of it can be in force."""
    return Decision((Violation("tier-invalid", "", detail=f"{name}: {reason}"),))


def exempt(who: str) -> Decision:
    """Return the answer to a request of an exempt user or group."""
    return Decision(exempt=who)


def exemption(tier: Tier, *, user: str, groups: tuple[str, ...]) -> str:
    """Return which user or group the tier exempts, or "" (as Pod Security Admission's exemptions)."""
    if user in tier.exempt_users:
        return f"user {user}"
    return next((f"group {group}" for group in groups if group in tier.exempt_groups), "")
