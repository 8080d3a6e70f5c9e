"""The ordered rules of an admission decision: what is judged, in the order it is reported, and how it is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

import msgspec

from tiergate.core import limitrange, messages, quota
from tiergate.core.claim import Claim
from tiergate.core.decision import Finding, RuleId
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import ResourceList
from tiergate.core.text import shortened
from tiergate.core.tier import LimitRangeItem, Tier


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


Check = Callable[[Case], Iterable[Finding]]
Bind = Callable[[Tier], Check | None]
"""Returns the check with the bounds of a tier, None where the tier has no bound of this rule."""
Sentence = Callable[[Finding, str], str]
"""Renders a finding for the people in a namespace."""
Bounds = Callable[[LimitRangeItem], ResourceList]
PodRange = Callable[[Pod, Pod | None, ResourceList], Iterator[Finding]]


class Rule(msgspec.Struct, frozen=True):
    """One rule.

    ``check`` finds what breaks it; rules that share one are reported together, container by container. A rule without
    a check is found by the decision itself. ``rests_on_usage`` says that later usage could lift the refusal.
    """

    id: RuleId
    sentence: Sentence
    check: Bind | None = None
    rests_on_usage: bool = False


_NO_BOUNDS: Final = LimitRangeItem(type="")


def _container(check: PodRange, bounds: Bounds) -> Bind:
    return lambda tier: _pod_range(check, bounds(tier.container or _NO_BOUNDS))


def _pod(check: PodRange, bounds: Bounds) -> Bind:
    return lambda tier: _pod_range(check, bounds(tier.pod or _NO_BOUNDS))


def _pod_range(check: PodRange, bounds: ResourceList) -> Check | None:
    def checked(case: Case) -> Iterable[Finding]:
        pod, old = case.subject, case.old if isinstance(case.old, Pod) else None
        if not isinstance(pod, Pod) or (old is not None and old.deleted_at is not None):  # L-4
            return ()
        return check(pod, old, bounds)

    return checked if bounds else None


def _claim(tier: Tier) -> Check | None:
    if (item := tier.claim) is None:
        return None

    def checked(case: Case) -> Iterable[Finding]:
        claim, old = case.subject, case.old
        if not isinstance(claim, Claim) or (isinstance(old, Claim) and old.storage == claim.storage):
            return ()
        return limitrange.claim_range(claim, item)

    return checked


def _always(check: Check) -> Bind:
    return lambda _: check


def _quota_pending(case: Case) -> Iterable[Finding]:
    yield from quota.pending(case.subject, case.tier, case.quotas, minor=case.minor)
    yield from quota.unknown(case.subject, case.quotas, minor=case.minor)


def _quota_required(case: Case) -> Iterable[Finding]:
    return quota.required(case.subject, case.old, case.tier, case.quotas, minor=case.minor)


def _quota_exceeded(case: Case) -> Iterable[Finding]:
    return quota.exceeded(case.subject, case.old, case.tier, case.quotas, now=case.now, minor=case.minor)


_CONTAINER_MIN: Final = _container(limitrange.container_min, lambda item: item.min)
_CONTAINER_MAX: Final = _container(limitrange.container_max, lambda item: item.max)
_CONTAINER_ZERO: Final = _container(limitrange.container_zero, lambda item: item.max)
_POD_LEVEL_ZERO: Final = _container(limitrange.pod_level_zero, lambda item: item.default)
_CONTAINER_RATIO: Final = _container(limitrange.container_ratio, lambda item: item.max_limit_request_ratio)
_POD_MIN: Final = _pod(limitrange.pod_min, lambda item: item.min)
_POD_MAX: Final = _pod(limitrange.pod_max, lambda item: item.max)
_POD_RATIO: Final = _pod(limitrange.pod_ratio, lambda item: item.max_limit_request_ratio)

RULES: Final[tuple[Rule, ...]] = (
    Rule("request-min", messages.too_small, _CONTAINER_MIN),
    Rule("limit-min", messages.too_small, _CONTAINER_MIN),
    Rule("limit-max", messages.too_large, _CONTAINER_MAX),
    Rule("request-max", messages.too_large, _CONTAINER_MAX),
    Rule("limit-zero", messages.zero_limit, _CONTAINER_ZERO),
    Rule("pod-limit-zero", messages.zero_pod_limit, _POD_LEVEL_ZERO),
    Rule("limit-request-ratio", messages.ratio, _CONTAINER_RATIO),
    Rule("pod-request-min", messages.too_small, _POD_MIN),
    Rule("pod-limit-min", messages.too_small, _POD_MIN),
    Rule("pod-limit-max", messages.too_large, _POD_MAX),
    Rule("pod-request-max", messages.too_large, _POD_MAX),
    Rule("pod-limit-request-ratio", messages.ratio, _POD_RATIO),
    Rule("claim-min", messages.too_small, _claim),
    Rule("claim-max", messages.too_large, _claim),
    Rule("quota-pending", messages.pending, _always(_quota_pending), rests_on_usage=True),
    Rule("quota-required", messages.required, _always(_quota_required), rests_on_usage=True),
    Rule("quota-exceeded", messages.exceeded, _always(_quota_exceeded), rests_on_usage=True),
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
)

MAX_FINDINGS: Final = 2000
"""Of one object: as many containers as are judged, with a few each."""

_BY_ID: Final = {rule.id: rule for rule in RULES}


@lru_cache(maxsize=256)
def checks(tier: Tier) -> tuple[Check, ...]:
    """Return the checks with the bounds of a tier, each once, in the order of RULES."""
    binds = dict.fromkeys(rule.check for rule in RULES if rule.check is not None)
    return tuple([check for bind in binds if (check := bind(tier)) is not None])


def broken(case: Case) -> tuple[Finding, ...]:
    """Return the findings of every rule, in the order of RULES; nobody reads more than MAX_FINDINGS."""
    findings: list[Finding] = []
    for check in checks(case.tier):
        for finding in check(case):
            findings.append(finding)  # quicker than a slice, and every pod comes by here
            if len(findings) == MAX_FINDINGS:
                return tuple(findings)
    return tuple(findings)


def rests_on_usage(finding: Finding) -> bool:
    """Say whether later usage could lift the refusal, so that it is read again before anybody is refused."""
    return _BY_ID[finding.rule].rests_on_usage


def sentence(finding: Finding, *, namespace: str) -> str:
    """Return the one line that says what is wrong and what would be right."""
    return _BY_ID[finding.rule].sentence(finding, shortened(namespace))
