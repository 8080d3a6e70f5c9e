"""The ordered rules of an admission decision: what is judged, in the order it is reported."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from tiergate.core import limitrange, quota
from tiergate.core.claim import Claim
from tiergate.core.decision import Violation
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.release import NEWEST
from tiergate.core.tier import Tier


class Case(msgspec.Struct, frozen=True):
    """All a rule may look at.

    ``old`` is the stored object of an UPDATE: then only what grew is judged. ``now`` is the time in seconds since the
    epoch, needed for pods being deleted, ``minor`` the server's release.
    """

    subject: Pod | Claim
    old: Pod | Claim | None
    tier: Tier
    quotas: tuple[QuotaStatus, ...]
    now: float | None = None
    minor: int = NEWEST


Rule = Callable[[Case], Iterable[Violation]]
PodRule = Callable[[Pod, Pod | None, Tier], Iterator[Violation]]


def _pod(rule: PodRule) -> Rule:
    def judge(case: Case) -> Iterable[Violation]:
        pod, old = case.subject, case.old if isinstance(case.old, Pod) else None
        if not isinstance(pod, Pod) or (old is not None and old.deleted_at is not None):  # L-4
            return ()
        return rule(pod, old, case.tier)

    return judge


def _claim_range(case: Case) -> Iterator[Violation]:
    claim, item = case.subject, case.tier.claim
    if isinstance(claim, Claim) and item is not None:
        unchanged = isinstance(case.old, Claim) and case.old.storage == claim.storage
        if not unchanged:
            yield from limitrange.claim_range(claim.storage, item)


def _quota_pending(case: Case) -> Iterable[Violation]:
    return quota.pending(case.subject, case.tier, case.quotas)


def _quota_unknown(case: Case) -> Iterable[Violation]:
    return quota.unknown(case.subject, case.quotas)


def _quota_required(case: Case) -> Iterable[Violation]:
    return quota.required(case.subject, case.tier, case.quotas)


def _quota_exceeded(case: Case) -> Iterable[Violation]:
    return quota.exceeded(case.subject, case.old, case.tier, case.quotas, now=case.now, minor=case.minor)


RULES: Final[tuple[Rule, ...]] = (
    _pod(limitrange.container_min),
    _pod(limitrange.container_max),
    _pod(limitrange.container_zero),
    _pod(limitrange.container_ratio),
    _pod(limitrange.pod_min),
    _pod(limitrange.pod_max),
    _pod(limitrange.pod_ratio),
    _claim_range,
    _quota_pending,
    _quota_unknown,
    _quota_required,
    _quota_exceeded,
)
