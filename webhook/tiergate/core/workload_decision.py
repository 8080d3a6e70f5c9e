"""The decision on a workload, or on its ``scale``: what the verdict needs to know, and what its findings do."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.core import without_tier
from tiergate.core.decision import UNGOVERNED, Decision, FactName, Finding
from tiergate.core.exemption import exemption
from tiergate.core.facts import Facts, InvalidTier, MissingTier, quotas_by_usage
from tiergate.core.quota import QuotaStatus
from tiergate.core.request import Request, Unreadable, WorkloadChange
from tiergate.core.tier import Tier, is_protected
from tiergate.core.workload import Scale, Workload
from tiergate.core.workload_case import WorkloadCase
from tiergate.core.workload_kind import BY_RESOURCE
from tiergate.core.workload_verdict import verdict

_VOLUMES: Final = "ephemeral-volume-controller"
"""The account that makes the claims of generic ephemeral volumes."""
_NAMESPACE: Final = "kube-system"
_MANAGER: Final = "system:kube-controller-manager"
_GROUPS: Final = ("system:serviceaccounts", f"system:serviceaccounts:{_NAMESPACE}", "system:authenticated")


def decide(request: Request, facts: Facts) -> Decision:
    """Return the decision. Where a fact cannot be read, what is known without it is said and the object passes."""
    if is_protected(request.namespace, release_namespace=facts.release_namespace):
        return UNGOVERNED
    tier = facts.tier
    if "tier" in facts.unread:
        return _unchecked("the tier of the namespace", tier if isinstance(tier, Tier) else None, request)
    if "tier" not in facts.fresh and (not facts.trusted or not isinstance(tier, Tier)):
        return Decision(governed=False, needs_fresh="tier", optional=True)
    if not isinstance(tier, Tier):
        return UNGOVERNED if tier is None else _without_tier(request, tier)
    if who := exemption(tier, user=request.user, groups=request.groups):
        return Decision(tier=tier.name, mode=tier.mode, exempt=who)
    if _is_left_alone(request, tier):
        return Decision(tier=tier.name, mode=tier.mode)
    if isinstance(request.subject, Unreadable):
        faults = request.subject.faults
        found = tuple([Finding("malformed", one.pointer, detail=one.reason, effect="warn") for one in faults])
        return Decision(found, tier=tier.name, mode=tier.mode)
    missing = _missing(request, facts)
    if missing is not None:
        return Decision(tier=tier.name, mode=tier.mode, needs_fresh=missing, optional=True)
    if "workload" in facts.unread:
        return _unchecked("the workload", tier, request)
    pair = _workloads(request, facts)
    return Decision(tier=tier.name, mode=tier.mode) if pair is None else _judged(request, facts, tier, *pair)


def _without_tier(request: Request, tier: MissingTier | InvalidTier) -> Decision:
    """Allow the workload, whose pods are refused, and say so where it asks for any."""
    change = request.subject
    if not isinstance(change, WorkloadChange) or change.workload is None:
        return Decision(tier=tier.name)
    return Decision(without_tier.warned(change.workload, change.old, tier), tier=tier.name)


def _unchecked(what: str, tier: Tier | None, request: Request) -> Decision:
    """Allow what cannot be judged without something that could not be read, and say so where a verdict was due."""
    found: tuple[Finding, ...] = (
        Finding("workload-unchecked", "/spec", detail=f"{what} could not be read", effect="warn"),
    )
    if tier is None:
        return Decision(found)
    if exemption(tier, user=request.user, groups=request.groups) or _is_left_alone(request, tier):
        found = ()
    return Decision(found, tier=tier.name, mode=tier.mode)


def _is_left_alone(request: Request, tier: Tier) -> bool:
    """Say whether nothing can be said whatever is known: then nothing is read for it."""
    if tier.workloads == "Ignore":
        return True
    subject = request.subject
    if isinstance(subject, WorkloadChange) and subject.workload is not None and subject.workload.owned:
        return True
    if not tier.exempt_users and not tier.exempt_groups:  # nearly every tier
        return False
    kind = BY_RESOURCE.get(request.resource.partition("/")[0])
    return kind is not None and _makes_unjudged(tier, kind.pods_made_by)


def _makes_unjudged(tier: Tier, account: str) -> bool:
    """Say whether the tier exempts who makes the pods, or their claims: then nothing of ours keeps them from it."""
    accounts = (f"system:serviceaccount:{_NAMESPACE}:{account}", _MANAGER)
    return any(exemption(tier, user=user, groups=_GROUPS) for user in accounts)


def _missing(request: Request, facts: Facts) -> FactName | None:
    """Return what a verdict has to wait for: the workload of a ``scale``, the nodes of a DaemonSet."""
    subject = request.subject
    if isinstance(subject, Scale) and facts.scaled is None and subject.replicas > subject.before:
        return None if facts.asked("workload") else "workload"
    if facts.around.nodes is None and isinstance(subject, WorkloadChange):
        wanted = subject.workload is not None and subject.workload.kind == "DaemonSet"
        return "nodes" if wanted and not facts.asked("nodes") else None
    return None


def _workloads(request: Request, facts: Facts) -> tuple[Workload, Workload | None] | None:
    """Return the workload as asked for and as stored."""
    subject, scaled = request.subject, facts.scaled
    if isinstance(subject, WorkloadChange):
        return None if subject.workload is None else (subject.workload, subject.old)
    if not isinstance(subject, Scale) or scaled is None:
        return None
    stored = msgspec.structs.replace(scaled, replicas=subject.before)
    return msgspec.structs.replace(scaled, replicas=subject.replicas), stored


def _without_unjudged_claims(tier: Tier, workload: Workload) -> Workload:
    """Return the workload as far as the tier judges it."""
    if not workload.claims or not (tier.exempt_users or tier.exempt_groups) or not _makes_unjudged(tier, _VOLUMES):
        return workload
    return msgspec.structs.replace(workload, claims=())


def _judged(request: Request, facts: Facts, tier: Tier, workload: Workload, old: Workload | None) -> Decision:
    case = WorkloadCase(
        workload=_without_unjudged_claims(tier, workload),
        old=None if old is None else _without_unjudged_claims(tier, old),
        tier=tier,
        quotas=_quotas(facts, tier),
        around=facts.around,
        minor=facts.server.minor,
        scaled=isinstance(request.subject, Scale),
    )
    decision = Decision(verdict(case), tier=tier.name, mode=tier.mode)
    if not decision.findings:  # as nearly always
        return decision
    if not tier.is_native or facts.asked("quotas") or not any(map(_rests_on_quotas, decision.findings)):
        return decision
    # Nobody is refused, and no number is said, because a cache was late (ADR 2).
    return msgspec.structs.replace(decision, needs_fresh="quotas", optional=True)


def _quotas(facts: Facts, tier: Tier) -> tuple[QuotaStatus, ...] | None:
    """Return the quotas that count the pods, None where their usage is not known or too old."""
    if "quotas" in facts.unread:
        return None
    if tier.is_native:
        return facts.quotas if facts.trusted or "quotas" in facts.fresh else None
    if facts.usage is None:
        return None
    return quotas_by_usage(facts)


def _rests_on_quotas(finding: Finding) -> bool:
    return bool(finding.quota) or (finding.rule == "workload-unchecked" and not finding.detail)
