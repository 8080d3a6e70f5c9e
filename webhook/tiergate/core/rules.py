"""The ordered rules of an admission decision: what is judged, in the order it is reported, and how it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any, Final

import msgspec

from tiergate.core import limitrange, messages, quota, workload_messages
from tiergate.core.claim import Claim
from tiergate.core.decision import Finding, RuleId
from tiergate.core.messages import Said
from tiergate.core.native import Refusal
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import ResourceList
from tiergate.core.text import shortened
from tiergate.core.tier import LimitRangeItem, Tier, bounded_limits
from tiergate.core.workload_findings import NeverRuns


class Case(msgspec.Struct, frozen=True):
    """All a rule may look at.

    ``old`` is the stored object of an UPDATE: then only what grew is judged. ``now`` is the time in seconds since the
    epoch, needed for pods being deleted, ``minor`` the server's release.
    """

    subject: Pod | Claim
    old: Pod | Claim | None
    tier: Tier
    quotas: tuple[QuotaStatus, ...]
    now: float
    minor: int


UsageCheck = Callable[[Case], Iterable[Finding]]
PodCheck = Callable[[Pod, Pod | None], Iterable[Finding]]
"""Takes the pod, and the stored one of an UPDATE."""
ClaimCheck = Callable[[Claim, Claim | None], Iterable[Finding]]
Bind = Callable[[Tier], PodCheck | ClaimCheck | None]
"""Returns the check with the bounds of a tier, None where the tier has no bound of this rule."""
Sentence = Callable[[Finding, str], Said]
"""Renders a finding for the people in a namespace."""
BoundsOf = Callable[[LimitRangeItem], ResourceList]
PodRange = Callable[[ResourceList, Pod, Pod | None], Iterable[Finding]]


class Rule(msgspec.Struct, frozen=True):
    """One rule, with what finds where it is broken: by a pod, by a claim, or by either and what a namespace uses.

    Rules that share a check are reported together, container by container. A rule without a check is found by the
    decision itself.
    """

    id: RuleId
    sentence: Sentence
    pod: Bind | None = None
    claim: Bind | None = None
    usage: UsageCheck | None = None


class Checks(msgspec.Struct, frozen=True):
    """The checks with the bounds of a tier, each once, in the order of RULES."""

    pod: tuple[PodCheck, ...]
    claim: tuple[ClaimCheck, ...]
    usage: tuple[UsageCheck, ...]


_NO_BOUNDS: Final = LimitRangeItem(type="")


def _container(check: PodRange, bounds: BoundsOf) -> Bind:
    return lambda tier: _bound(check, bounds(tier.container or _NO_BOUNDS))


def _pod(check: PodRange, bounds: BoundsOf) -> Bind:
    return lambda tier: _bound(check, bounds(tier.pod or _NO_BOUNDS))


def _zero(tier: Tier) -> PodCheck | None:
    bounds = bounded_limits(tier)
    return partial(limitrange.zero_limits, bounds) if bounds else None


def _bound(check: PodRange, bounds: ResourceList) -> PodCheck | None:
    return partial(check, bounds) if bounds else None


def _claim(tier: Tier) -> ClaimCheck | None:
    return None if tier.claim is None else partial(limitrange.claim_range, tier.claim)


def _quota_pending(case: Case) -> Iterable[Finding]:
    yield from quota.pending(case.subject, case.tier, case.quotas, minor=case.minor)
    yield from quota.unknown(case.subject, case.quotas, minor=case.minor)


def _quota_required(case: Case) -> Iterable[Finding]:
    return quota.required(case.subject, case.old, case.tier, case.quotas, minor=case.minor)


def _quota_exceeded(case: Case) -> Iterable[Finding]:
    return quota.exceeded(case.subject, case.old, case.tier, case.quotas, now=case.now, minor=case.minor)


def _never_runs(finding: Finding, namespace: str) -> Said:
    """Say what keeps the pods of a workload from running: for a rule of ours its own sentence."""
    found = finding.workload
    assert isinstance(found, NeverRuns)  # noqa: S101  # what the rule finds
    cause = found.cause
    if isinstance(cause, Finding):
        why = _BY_ID[cause.rule].sentence(cause, namespace)
    elif isinstance(cause, Refusal):
        why = workload_messages.native(cause)
    else:
        why = workload_messages.not_valid(cause, defaulted=found.defaulted)
    return workload_messages.never_runs(found, why)


_CONTAINER_MIN: Final = _container(limitrange.container_min, lambda item: item.min)
_CONTAINER_MAX: Final = _container(limitrange.container_max, lambda item: item.max)
_CONTAINER_RATIO: Final = _container(limitrange.container_ratio, lambda item: item.max_limit_request_ratio)
_POD_MIN: Final = _pod(limitrange.pod_min, lambda item: item.min)
_POD_MAX: Final = _pod(limitrange.pod_max, lambda item: item.max)
_POD_RATIO: Final = _pod(limitrange.pod_ratio, lambda item: item.max_limit_request_ratio)

RULES: Final[tuple[Rule, ...]] = (
    Rule("request-min", messages.too_small, _CONTAINER_MIN),
    Rule("limit-min", messages.too_small, _CONTAINER_MIN),
    Rule("limit-max", messages.too_large, _CONTAINER_MAX),
    Rule("request-max", messages.too_large, _CONTAINER_MAX),
    Rule("limit-zero", messages.zero_limit, _zero),
    Rule("pod-limit-zero", messages.zero_pod_limit, _zero),
    Rule("limit-request-ratio", messages.ratio, _CONTAINER_RATIO),
    Rule("pod-request-min", messages.too_small, _POD_MIN),
    Rule("pod-limit-min", messages.too_small, _POD_MIN),
    Rule("pod-limit-max", messages.too_large, _POD_MAX),
    Rule("pod-request-max", messages.too_large, _POD_MAX),
    Rule("pod-limit-request-ratio", messages.ratio, _POD_RATIO),
    Rule("claim-min", messages.too_small, claim=_claim),
    Rule("claim-max", messages.too_large, claim=_claim),
    Rule("quota-pending", messages.pending, usage=_quota_pending),
    Rule("quota-required", messages.required, usage=_quota_required),
    Rule("quota-exceeded", messages.exceeded, usage=_quota_exceeded),
    Rule("malformed", messages.malformed),
    Rule("tier-missing", messages.no_tier),
    Rule("tier-invalid", messages.bad_tier),
    Rule("tier-in-use", messages.tier_in_use),
    Rule("namespace-protected", messages.protected),
    Rule("tier-assign", messages.not_permitted),
    Rule("label-tier-missing", messages.label_names_no_tier),
    Rule("label-tier-invalid", messages.label_names_bad_tier),
    Rule("label-tier-unchecked", messages.label_not_checked),
    Rule("default-derived", messages.derived_default),
    Rule("max-without-min", messages.max_without_min),
    Rule("devices-unbounded", messages.unbounded_devices),
    Rule("exemption-broad", messages.broad_exemption),
    Rule("quota-unmeasured", messages.unmeasured),
    Rule("quota-requests-above-limits", messages.requests_above_limits),
    Rule("workload-never-runs", _never_runs),
    Rule("workload-does-not-fit", workload_messages.does_not_fit),
    Rule("workload-rollout-stalls", workload_messages.stalls),
    Rule("workload-unchecked", workload_messages.unchecked),
)

MAX_FINDINGS: Final = 2000
"""Of one object: as many containers as are judged, with a few each."""

_BY_ID: Final = {rule.id: rule for rule in RULES}


@lru_cache(maxsize=256)
def checks(tier: Tier) -> Checks:
    """Return the checks of a tier."""
    usage = dict.fromkeys(rule.usage for rule in RULES if rule.usage is not None)
    pod, claim = ([rule.pod for rule in RULES], [rule.claim for rule in RULES])
    return Checks(_bound_to(tier, pod), _bound_to(tier, claim), tuple(usage))


def _bound_to(tier: Tier, binds: Iterable[Bind | None]) -> tuple[Any, ...]:
    once = [bind for bind in dict.fromkeys(binds) if bind is not None]
    return tuple([check for bind in once if (check := bind(tier)) is not None])


def broken(case: Case) -> tuple[Finding, ...]:
    """Return the findings of every rule, in the order of RULES; nobody reads more than MAX_FINDINGS."""
    findings: list[Finding] = []
    for found in _found(case):
        for finding in found:
            findings.append(finding)  # quicker than a slice, and every pod comes by here
            if len(findings) == MAX_FINDINGS:
                return tuple(findings)
    return tuple(findings)


def _found(case: Case) -> list[Iterable[Finding]]:
    subject, old, of_tier = case.subject, case.old, checks(case.tier)
    found: list[Iterable[Finding]]
    if isinstance(subject, Claim):
        stored = old if isinstance(old, Claim) else None
        found = [check(subject, stored) for check in of_tier.claim]
    else:
        before = old if isinstance(old, Pod) else None
        found = [check(subject, before) for check in of_tier.pod]
    found += [check(case) for check in of_tier.usage]
    return found


def out_of_range(subject: Pod | Claim, tier: Tier) -> Iterator[Finding]:
    """Yield the findings of the rules of a new object that no usage can lift, in the order of RULES."""
    of_tier = checks(tier)
    if isinstance(subject, Claim):
        for claim_check in of_tier.claim:
            yield from claim_check(subject, None)
    else:
        for pod_check in of_tier.pod:
            yield from pod_check(subject, None)


def rests_on_usage(finding: Finding) -> bool:
    """Say whether later usage could lift the refusal, so that it is read again before anybody is refused."""
    return _BY_ID[finding.rule].usage is not None


def sentence(finding: Finding, *, namespace: str) -> str:
    """Return the one line that says what is wrong and what would be right."""
    return str(said(finding, namespace=namespace))


def said(finding: Finding, *, namespace: str) -> Said:
    """Return what is wrong, and what would be right."""
    return _BY_ID[finding.rule].sentence(finding, shortened(namespace))
