"""The ordered rules of an admission decision: what is judged, in the order it is reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

import msgspec

from tiergate.core import limitrange, quota
from tiergate.core.claim import Claim
from tiergate.core.decision import Violation
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import ResourceList
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


Judge = Callable[[Case], Iterable[Violation]]
Rule = Callable[[Tier], Judge | None]
"""Gives what judges under a tier, None where the tier has no bound of this rule."""
Bounds = Callable[[LimitRangeItem], ResourceList]
PodRange = Callable[[Pod, Pod | None, ResourceList], Iterator[Violation]]

_NO_BOUNDS: Final = LimitRangeItem(type="")


def _container(judge: PodRange, bounds: Bounds) -> Rule:
    return lambda tier: _pod_range(judge, bounds(tier.container or _NO_BOUNDS))


def _pod(judge: PodRange, bounds: Bounds) -> Rule:
    return lambda tier: _pod_range(judge, bounds(tier.pod or _NO_BOUNDS))


def _pod_range(judge: PodRange, bounds: ResourceList) -> Judge | None:
    def judged(case: Case) -> Iterable[Violation]:
        pod, old = case.subject, case.old if isinstance(case.old, Pod) else None
        if not isinstance(pod, Pod) or (old is not None and old.deleted_at is not None):  # L-4
            return ()
        return judge(pod, old, bounds)

    return judged if bounds else None


def _claim(tier: Tier) -> Judge | None:
    if (item := tier.claim) is None:
        return None

    def judged(case: Case) -> Iterable[Violation]:
        claim, old = case.subject, case.old
        if not isinstance(claim, Claim) or (isinstance(old, Claim) and old.storage == claim.storage):
            return ()
        return limitrange.claim_range(claim.storage, item)

    return judged


def _always(judge: Judge) -> Rule:
    return lambda _: judge


def _quota_pending(case: Case) -> Iterable[Violation]:
    return quota.pending(case.subject, case.tier, case.quotas, minor=case.minor)


def _quota_unknown(case: Case) -> Iterable[Violation]:
    return quota.unknown(case.subject, case.quotas, minor=case.minor)


def _quota_required(case: Case) -> Iterable[Violation]:
    return quota.required(case.subject, case.tier, case.quotas, minor=case.minor)


def _quota_exceeded(case: Case) -> Iterable[Violation]:
    return quota.exceeded(case.subject, case.old, case.tier, case.quotas, now=case.now, minor=case.minor)


RULES: Final[tuple[Rule, ...]] = (
    _container(limitrange.container_min, lambda item: item.min),
    _container(limitrange.container_max, lambda item: item.max),
    _container(limitrange.container_zero, lambda item: item.max),
    _container(limitrange.container_ratio, lambda item: item.max_limit_request_ratio),
    _pod(limitrange.pod_min, lambda item: item.min),
    _pod(limitrange.pod_max, lambda item: item.max),
    _pod(limitrange.pod_ratio, lambda item: item.max_limit_request_ratio),
    _claim,
    _always(_quota_pending),
    _always(_quota_unknown),
    _always(_quota_required),
    _always(_quota_exceeded),
)


@lru_cache(maxsize=1024)
def judges(tier: Tier) -> tuple[Judge, ...]:
    """Return what judges under a tier, in the order of RULES."""
    return tuple([judge for rule in RULES if (judge := rule(tier)) is not None])
