"""The ordered rules of an admission decision: what is judged, in the order it is reported, and how it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any, Final

import msgspec

from tiergate.core import limitrange, messages, quota_rules, tier_messages, workload_messages
from tiergate.core.claim import Claim
from tiergate.core.decision import Finding, RuleId
from tiergate.core.messages import Said
from tiergate.core.mode import Effect, Mode
from tiergate.core.native import Refusal
from tiergate.core.podspec import Pod
from tiergate.core.quota_rules import ObjectCase
from tiergate.core.request import Endpoint
from tiergate.core.resources import ResourceList
from tiergate.core.text import shortened
from tiergate.core.tier import LimitRangeItem, Tier, bounded_limits
from tiergate.core.workload_findings import NeverRuns

UsageCheck = Callable[[ObjectCase], Iterable[Finding]]
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
    decision itself, on what comes to its ``endpoint``; one without either is about what comes to any.

    Attributes:
        id: Its name in answers, logs and reports.
        sentence: Says what is wrong in one finding.
        summary: What is wrong where it is broken, in one sentence that fits every finding.
        pod: Its check of a pod, bound to a tier.
        claim: Its check of a claim, bound to a tier.
        usage: Its check of either beside what the namespace uses.
        endpoint: Where it is found by the decision itself.
        effect: What it does at most: "warn" for a rule that never refuses.
        about_pods: It is about pods that are still to come, and only mode Enforce keeps them from running.
    """

    id: RuleId
    sentence: Sentence
    summary: str
    pod: Bind | None = None
    claim: Bind | None = None
    usage: UsageCheck | None = None
    endpoint: Endpoint | None = None
    effect: Effect = "deny"
    about_pods: bool = False


class Checks(msgspec.Struct, frozen=True):
    """The checks with the bounds of a tier, each once, in the order of RULES.

    Those of ``container`` come first, and refuse nothing of containers whose values are in ``ranges``.
    """

    ranges: limitrange.Range
    container: tuple[PodCheck, ...]
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


def _never_runs(finding: Finding, namespace: str) -> Said:
    """Say what keeps the pods of a workload from running: for a rule of ours its own sentence."""
    found = finding.workload
    assert isinstance(found, NeverRuns)  # noqa: S101  # what the rule finds
    cause = found.cause
    if isinstance(cause, Finding):
        why = _BY_ID[cause.rule].sentence(cause, namespace)
    elif isinstance(cause, Refusal):
        why = workload_messages.native(cause, found.unwritten)
    else:
        why = workload_messages.not_valid(cause, defaulted=found.defaulted)
    return workload_messages.never_runs(found, why)


_CONTAINER_MIN: Final = _container(limitrange.container_min, lambda item: item.min)
_CONTAINER_MAX: Final = _container(limitrange.container_max, lambda item: item.max)
_CONTAINER_RATIO: Final = _container(limitrange.container_ratio, lambda item: item.max_limit_request_ratio)
_OF_RANGES: Final = (_CONTAINER_MIN, _CONTAINER_MAX, _zero)
_POD_MIN: Final = _pod(limitrange.pod_min, lambda item: item.min)
_POD_MAX: Final = _pod(limitrange.pod_max, lambda item: item.max)
_POD_RATIO: Final = _pod(limitrange.pod_ratio, lambda item: item.max_limit_request_ratio)

RULES: Final[tuple[Rule, ...]] = (
    Rule("request-min", messages.too_small, pod=_CONTAINER_MIN,
        summary="A container requests less than min of the tier."),
    Rule("limit-min", messages.too_small, pod=_CONTAINER_MIN,
        summary="The limit of a container is below min of the tier."),
    Rule("limit-max", messages.too_large, pod=_CONTAINER_MAX,
        summary="The limit of a container is above max of the tier, or not set."),
    Rule("request-max", messages.too_large, pod=_CONTAINER_MAX,
        summary="A container requests more than max of the tier."),
    Rule("limit-zero", messages.zero_limit, pod=_zero,
        summary="The limit of a container is 0, which Kubernetes takes as no limit."),
    Rule("pod-limit-zero", messages.zero_pod_limit, pod=_zero,
        summary="The limit of a pod is 0, which Kubernetes takes as no limit."),
    Rule("limit-request-ratio", messages.ratio, pod=_CONTAINER_RATIO,
        summary="The limit of a container is too many times its request."),
    Rule("pod-request-min", messages.too_small, pod=_POD_MIN,
        summary="A whole pod requests less than min of the tier."),
    Rule("pod-limit-min", messages.too_small, pod=_POD_MIN,
        summary="The limit of a whole pod is below min of the tier."),
    Rule("pod-limit-max", messages.too_large, pod=_POD_MAX,
        summary="The limit of a whole pod is above max of the tier, or not set."),
    Rule("pod-request-max", messages.too_large, pod=_POD_MAX,
        summary="A whole pod requests more than max of the tier."),
    Rule("pod-limit-request-ratio", messages.ratio, pod=_POD_RATIO,
        summary="The limit of a whole pod is too many times its request."),
    Rule("claim-min", messages.too_small, claim=_claim, summary="A claim asks less storage than min of the tier."),
    Rule("claim-max", messages.too_large, claim=_claim, summary="A claim asks more storage than max of the tier."),
    Rule("quota-pending", messages.pending, usage=quota_rules.pending,
        summary="The quotas of the namespace are not in force, or their usage is not known."),
    Rule("quota-required", messages.required, usage=quota_rules.required,
        summary="A quota counts a value that is not set."),
    Rule("quota-exceeded", messages.exceeded, usage=quota_rules.exceeded,
        summary="A quota has not as much left as is asked."),
    Rule("malformed", messages.malformed, summary="A value is not what Kubernetes takes there."),
    Rule("tier-missing", messages.no_tier, summary="The namespace names a tier that does not exist."),
    Rule("tier-invalid", messages.bad_tier, endpoint="tiers", summary="The tier has faults and cannot be in force."),
    Rule("tier-in-use", messages.tier_in_use, endpoint="tiers", summary="Namespaces still name the tier."),
    Rule("namespace-protected", messages.protected, endpoint="namespaces",
        summary="Namespaces of the system cannot have a tier."),
    Rule("tier-assign", messages.not_permitted, endpoint="namespaces",
        summary="Whoever asks may not choose the tier of a namespace."),
    Rule("label-tier-missing", messages.label_names_no_tier, endpoint="namespaces", effect="warn",
        summary="The label names a tier that does not exist yet."),
    Rule("label-tier-invalid", messages.label_names_bad_tier, endpoint="namespaces", effect="warn",
        summary="The label names a tier that cannot be in force."),
    Rule("label-tier-unchecked", messages.label_not_checked, endpoint="namespaces", effect="warn",
        summary="The label names a tier that could not be read."),
    Rule("default-derived", tier_messages.derived_default, endpoint="tiers", effect="warn",
        summary="Kubernetes derives a default of the tier that is not written."),
    Rule("max-without-min", tier_messages.max_without_min, endpoint="tiers", effect="warn",
        summary="The tier has a max and no min."),
    Rule("default-pod-refused", tier_messages.default_pod_refused, endpoint="tiers", effect="warn",
        summary="The ranges of the tier refuse a pod that sets nothing."),
    Rule("devices-unbounded", tier_messages.unbounded_devices, endpoint="tiers", effect="warn",
        summary="Devices can be had past the quota of the tier."),
    Rule("exemption-broad", tier_messages.broad_exemption, endpoint="tiers", effect="warn",
        summary="The tier exempts a group that nearly everybody is in."),
    Rule("quota-unmeasured", tier_messages.unmeasured, endpoint="tiers", effect="warn",
        summary="In modes Warn and Audit this name of a quota is not counted."),
    Rule("quota-requests-above-limits", tier_messages.requests_above_limits, endpoint="tiers", effect="warn",
        summary="The quota bounds requests above limits, which no pod can reach."),
    Rule("workload-never-runs", _never_runs, endpoint="workloads", about_pods=True,
        summary="No pod of the workload can ever run in this tier."),
    Rule("workload-does-not-fit", workload_messages.does_not_fit, endpoint="workloads", about_pods=True,
        summary="Not all pods of the workload fit the quotas."),
    Rule("workload-rollout-stalls", workload_messages.stalls, endpoint="workloads", effect="warn", about_pods=True,
        summary="The rollout of the workload comes to a halt before its pods are replaced."),
    Rule("workload-unchecked", workload_messages.unchecked, endpoint="workloads", effect="warn",
        summary="Whether the pods of the workload fit was not checked."),
)  # fmt: skip

MAX_FINDINGS: Final = 1000
"""Of one object: as many containers as are judged, with a few each."""

_BY_ID: Final = {rule.id: rule for rule in RULES}
ABOUT_PODS: Final = frozenset(rule.id for rule in RULES if rule.about_pods)
"""Rules about pods that are still to come."""


@lru_cache(maxsize=256)
def checks(tier: Tier) -> Checks:
    """Return `checks_of` a tier that is in force; whoever only asks about a tier must not fill this memory."""
    return checks_of(tier)


def checks_of(tier: Tier) -> Checks:
    """Return the checks of a tier."""
    usage = dict.fromkeys(rule.usage for rule in RULES if rule.usage is not None)
    pod, claim = ([rule.pod for rule in RULES], [rule.claim for rule in RULES])
    item = tier.container or _NO_BOUNDS
    return Checks(
        limitrange.container_range(item.min, item.max, bounded_limits(tier)),
        _bound_to(tier, [bind for bind in pod if bind in _OF_RANGES]),
        _bound_to(tier, [bind for bind in pod if bind not in _OF_RANGES]),
        _bound_to(tier, claim),
        tuple(usage),
    )


def _bound_to(tier: Tier, binds: Iterable[Bind | None]) -> tuple[Any, ...]:
    once = [bind for bind in dict.fromkeys(binds) if bind is not None]
    return tuple([check for bind in once if (check := bind(tier)) is not None])


def broken(case: ObjectCase) -> tuple[Finding, ...]:
    """Return the findings of every rule, in the order of RULES; nobody reads more than MAX_FINDINGS."""
    findings: list[Finding] = []
    for found in _found(case):
        for finding in found:
            findings.append(finding)  # quicker than a slice, and every pod comes by here
            if len(findings) == MAX_FINDINGS:
                return tuple(findings)
    return tuple(findings)


def _found(case: ObjectCase) -> list[Iterable[Finding]]:
    subject, old, of_tier = case.subject, case.old, checks(case.tier)
    found: list[Iterable[Finding]]
    if isinstance(subject, Claim):
        stored = old if isinstance(old, Claim) else None
        found = [check(subject, stored) for check in of_tier.claim]
    else:
        before = old if isinstance(old, Pod) else None
        found = []
        if not limitrange.in_range(of_tier.ranges, subject):
            found += [check(subject, before) for check in of_tier.container]
        for of_pod in of_tier.pod:
            found.append(of_pod(subject, before))
    for of_usage in of_tier.usage:  # in Python 3.11 a comprehension is a call, and every pod comes by here
        found.append(of_usage(case))
    return found


def out_of_range(subject: Pod | Claim, of_tier: Checks) -> Iterator[Finding]:
    """Yield the findings of the rules of a new object that no usage can lift, in the order of RULES."""
    if isinstance(subject, Claim):
        for claim_check in of_tier.claim:
            yield from claim_check(subject, None)
    else:
        of_containers = () if limitrange.in_range(of_tier.ranges, subject) else of_tier.container
        for pod_check in (*of_containers, *of_tier.pod):
            yield from pod_check(subject, None)


def is_in_range(pod: Pod, tier: Tier) -> bool:
    """Say whether one look shows that `out_of_range` yields nothing, as nearly always."""
    of_tier = checks(tier)
    return not of_tier.pod and limitrange.in_range(of_tier.ranges, pod)


def rests_on_usage(finding: Finding) -> bool:
    """Say whether later usage could lift the refusal, so that it is read again before anybody is refused."""
    return _BY_ID[finding.rule].usage is not None


def sentence(finding: Finding, *, namespace: str, mode: Mode = "Enforce") -> str:
    """Return the one line that says what is wrong and what would be right."""
    return str(said(finding, namespace=namespace, mode=mode))


def said(finding: Finding, *, namespace: str, mode: Mode = "Enforce") -> Said:
    """Return what is wrong, and what would be right; of pods that run in this mode, what becomes of them in Enforce."""
    found = _BY_ID[finding.rule].sentence(finding, shortened(namespace))
    run = mode != "Enforce" and finding.rule in ABOUT_PODS and not finding.native
    return found._replace(fact=f"in mode Enforce: {found.fact}") if run else found
