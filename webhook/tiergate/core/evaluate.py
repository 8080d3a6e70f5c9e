"""The decision: default, then check. A pure function of (object, tier, usage)."""

from __future__ import annotations

import msgspec

from tiergate.core import limitrange
from tiergate.core.claim import Claim
from tiergate.core.decision import ALLOW, Decision, Violation
from tiergate.core.podspec import Pod
from tiergate.core.prediction import admitted
from tiergate.core.quota import QuotaStatus
from tiergate.core.rules import Case, judges
from tiergate.core.tier import Tier


def mutate(pod: Pod, tier: Tier) -> Decision:
    """Return the defaults as a patch; nothing is refused here, the validating pass sees the result.

    In mode Audit they are only named.
    """
    _, additions = limitrange.with_defaults(pod, tier)
    if tier.mode == "Audit":
        return Decision(mode="Audit", defaults=limitrange.described(additions)) if additions else ALLOW
    operations = limitrange.patch(pod, additions)
    return Decision(patch=operations) if operations else ALLOW


def validate(  # noqa: PLR0913, RUF100  # what a decision is a function of
    subject: Pod | Claim,
    *,
    old: Pod | Claim | None,
    tier: Tier,
    quotas: tuple[QuotaStatus, ...],
    now: float,
    minor: int,
) -> Decision:
    """Return every broken rule of a pod or claim, in the order of RULES.

    ``old`` is the stored object of an UPDATE, ``quotas`` every ResourceQuota of the namespace. ``now`` is the time in
    seconds since the epoch, for a pod stuck in its deletion (R-21). ``minor`` is the release of the server, whose quota
    counts pods being resized in its own way (R-32, R-33).
    """
    case = Case(subject, old, tier, quotas, now, minor)
    violations: list[Violation] = []
    for judge in judges(tier):
        violations.extend(judge(case))
    return Decision(tuple(violations)) if violations else ALLOW


def report(  # noqa: PLR0913, RUF100  # as validate
    subject: Pod | Claim,
    *,
    old: Pod | Claim | None,
    tier: Tier,
    quotas: tuple[QuotaStatus, ...],
    unchecked: bool,
    now: float,
    minor: int,
) -> Decision:
    """Return what a tier in mode Warn or Audit tells of: what it would refuse in mode Enforce.

    ``quotas`` are those that would be in the namespace, their usage computed from its objects; ``unchecked`` says that
    the tier's own are not among them. In Audit the defaults are not set, so a new pod is judged as if they were: its
    pod-level resources and its QoS class, which decides which quotas count it, follow from them.
    """
    judged = subject
    if tier.mode == "Audit" and old is None and isinstance(subject, Pod):
        judged = admitted(msgspec.structs.replace(subject, qos_class=""), tier, minor=minor)
    found = validate(judged, old=old, tier=tier, quotas=quotas, now=now, minor=minor).violations
    # A quota that is not in force yet is no violation, and the tier's own never are in force in these modes.
    broken = tuple(one for one in found if one.rule != "quota-pending")
    return Decision(broken, mode=tier.mode, unchecked=unchecked) if broken or unchecked else ALLOW


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
    if not tier.exempt_users and not tier.exempt_groups:  # nearly every tier: no look at each group
        return ""
    if user in tier.exempt_users:
        return f"user {user}"
    return next((f"group {group}" for group in groups if group in tier.exempt_groups), "")
