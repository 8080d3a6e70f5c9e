"""The decision: a pure function of a request and of facts, and the only way into the core.

Modes, exemptions, protected namespaces and what must be read live before a refusal are decided here.
"""

from __future__ import annotations

import msgspec

from tiergate.core import defaults, label_guard, tier_change, without_tier, workload_decision
from tiergate.core.authorship import with_author
from tiergate.core.claim import Claim
from tiergate.core.decision import UNGOVERNED, Decision, FactName, Finding
from tiergate.core.exemption import exemption
from tiergate.core.facts import Facts, quotas_by_usage
from tiergate.core.podspec import Pod
from tiergate.core.prediction import admitted
from tiergate.core.quota import within_tier
from tiergate.core.quota_rules import ObjectCase
from tiergate.core.request import CLUSTER_WIDE, LabelChange, Request, TierChange, Unreadable
from tiergate.core.rules import broken, rests_on_usage
from tiergate.core.tier import Tier, is_protected


def decide(request: Request, facts: Facts) -> Decision:
    """Return the decision. While it ``needs_fresh`` a fact, the caller reads it and decides again."""
    subject = request.subject
    if isinstance(subject, LabelChange):
        return label_guard.decide(request, subject, facts)
    if isinstance(subject, TierChange):
        return tier_change.decide(request, subject, facts)
    if request.endpoint == "workloads":
        return workload_decision.decide(request, facts)
    if isinstance(subject, Unreadable) and request.endpoint in CLUSTER_WIDE:
        return Decision(_malformed(subject))
    return _decide_object(request, facts)


def _decide_object(request: Request, facts: Facts) -> Decision:
    """Decide on a pod or claim, once its tier is known for certain.

    What cannot be read is denied without a live read, unless the tier refuses nothing.
    """
    if is_protected(request.namespace, release_namespace=facts.release_namespace):
        return UNGOVERNED
    subject, tier = request.subject, facts.tier
    if isinstance(subject, Unreadable) and not (facts.trusted and isinstance(tier, Tier)):
        return Decision(_malformed(subject))
    if "tier" not in facts.fresh and (not facts.trusted or not isinstance(tier, Tier)):
        return Decision(needs_fresh="tier")
    if tier is None:
        return UNGOVERNED
    if not isinstance(tier, Tier):
        return Decision((without_tier.refused(tier),), tier=tier.name)
    if who := exemption(tier, user=request.user, groups=request.groups):
        return Decision(tier=tier.name, mode=tier.mode, exempt=who)
    if isinstance(subject, Unreadable):
        return _reported(_malformed(subject), tier)
    if request.endpoint == "mutate":
        return _defaulted(request, tier)
    return _enforced(request, tier, facts) if tier.is_native else _judged_by_usage(request, tier, facts)


def _malformed(subject: Unreadable) -> tuple[Finding, ...]:
    return tuple([Finding("malformed", fault.pointer, detail=fault.reason) for fault in subject.faults])


def _defaulted(request: Request, tier: Tier) -> Decision:
    """Return the defaults as a patch. Nothing is refused here: the validating pass sees the result.

    In mode Audit they are only named.
    """
    pod = request.subject
    if not isinstance(pod, Pod):
        return Decision(tier=tier.name, mode=tier.mode)
    additions = defaults.additions_to(pod, tier)
    if tier.mode == "Audit":
        named = defaults.described(additions) if additions else ""
        return Decision(tier=tier.name, mode="Audit", defaults=named)
    return Decision(patch=defaults.patch(pod, additions), tier=tier.name, mode=tier.mode)


def _enforced(request: Request, tier: Tier, facts: Facts) -> Decision:
    """Return every broken rule, in the order of RULES, for a tier that refuses."""
    if not facts.trusted and "quotas" not in facts.fresh:
        return Decision(tier=tier.name, needs_fresh="quotas")
    subject, server = request.subject, facts.server
    assert isinstance(subject, (Pod, Claim))  # noqa: S101  # as the caller found
    quotas = within_tier(facts.quotas, tier)
    found = broken(ObjectCase(subject, request.old, tier, quotas, server.now, server.minor))
    findings = with_author(found, subject, request.old, tier)
    return Decision(findings, tier=tier.name, needs_fresh=_to_read(findings, facts, late=quotas is not facts.quotas))


def _to_read(findings: tuple[Finding, ...], facts: Facts, *, late: bool) -> FactName | None:
    """Return what to read before a refusal: nobody is refused because a cache was late (ADR 2).

    A refusal that later usage cannot lift needs no read, and nobody waits for it. Nor does an admission, but where
    native quota, which has the last word on usage, is ``late``: it does not enforce the tier's bound yet.
    """
    if not findings and not late:  # as nearly always
        return None
    if "quotas" in facts.fresh or not all(map(rests_on_usage, findings)):
        return None
    pending = any(finding.rule == "quota-pending" and not finding.detail for finding in findings)
    return "quota-change" if pending and not facts.waited else "quotas"


def _judged_by_usage(request: Request, tier: Tier, facts: Facts) -> Decision:
    """Return what mode Enforce would refuse, for a tier that refuses nothing: no live read is made for it.

    The tier has no ResourceQuota in these modes, so its quotas are judged by the usage computed from its objects, and
    those that exist are foreign, or our own that are being removed. In Audit the defaults are not set, so a new pod
    is judged as if they were: its pod-level resources and its QoS class, which decides which quotas count it, follow
    from them.
    """
    subject, old, server = request.subject, request.old, facts.server
    assert isinstance(subject, (Pod, Claim))  # noqa: S101  # as the caller found
    if tier.mode == "Audit" and old is None and isinstance(subject, Pod):
        subject = admitted(msgspec.structs.replace(subject, qos_class=""), tier, minor=server.minor)
    case = ObjectCase(subject, old, tier, quotas_by_usage(facts), server.now, server.minor)
    found = with_author(broken(case), subject, old, tier)
    # A quota that is not in force yet is no violation, and the tier's own never are in force in these modes.
    findings = tuple([finding for finding in found if finding.rule != "quota-pending"])
    return _reported(findings, tier, unchecked=facts.usage is None)


def _reported(findings: tuple[Finding, ...], tier: Tier, *, unchecked: bool = False) -> Decision:
    return Decision(findings, tier=tier.name, mode=tier.mode, unchecked=unchecked)
