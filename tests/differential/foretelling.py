"""What our own predictions say, without the API server: of native admission, and of the pod our defaults lead to."""

from __future__ import annotations

from typing import Final

import msgspec

from tests.differential.outcome import Outcome, quota_problems, range_problems, resources
from tests.differential.pods import OVERHEADS
from tests.differential.policies import Json
from tests.differential.spelling import canonical
from tiergate.core import evaluate, native, prediction, validity
from tiergate.core.claim import Claim
from tiergate.core.podlevel import completed
from tiergate.core.podspec import Pod
from tiergate.core.quantity import NANO, Quantity
from tiergate.core.quota import QuotaStatus
from tiergate.core.release import POD_LEVEL_COMPLETED_LATE
from tiergate.core.tier import Tier, with_effective_items
from tiergate.core.usage import limit_range_totals, qos_class, spec_limits, spec_requests

MOST: Final = (2**63 - 1) * NANO
NO_TIER: Final = with_effective_items(Tier(name="none"))


def surrounded(pod: Pod, document: Json) -> Pod:
    """Return the pod with the overhead that the RuntimeClass plugin gives it before every webhook."""
    fixed = OVERHEADS.get(document["spec"].get("runtimeClassName") or "", {})
    return msgspec.structs.replace(
        pod, overhead={name: Quantity.parse(canonical(milli)) for name, milli in fixed.items()}
    )


def natively(sent: Pod | Claim, *, ranges: Tier, quotas: tuple[QuotaStatus, ...], minor: int) -> Outcome:
    """Return what we foretell of native LimitRanger, API validation and quota (L-10, D-5a, D-16, R-50)."""
    objects = (native.LimitRange("policy", ranges.limits),)
    subject = sent
    if isinstance(sent, Pod):
        early = sent if minor >= POD_LEVEL_COMPLETED_LATE else completed(sent, minor=minor)
        pod = completed(native.with_native_defaults(early, objects), minor=minor)
        subject = msgspec.structs.replace(pod, qos_class=qos_class(pod, minor=minor))
        if validity.invalid(subject):
            return Outcome("invalid")
    if refusals := native.refusals(subject, objects):
        return Outcome("range", frozenset(one for each in refusals for one in range_problems(each.message)))
    broken = evaluate.validate(subject, old=None, tier=NO_TIER, quotas=quotas).violations
    if broken:
        return Outcome("quota", frozenset(one for each in broken for one in quota_problems(each)))
    return Outcome("allowed", resources=resources(subject) if isinstance(subject, Pod) else None)


def by_us(sent: Pod, tier: Tier, *, minor: int) -> tuple[Pod, bool]:
    """Return the pod we foretell after our defaults, and whether the API accepts it."""
    pod = prediction.admitted(sent, tier, minor=minor)
    return pod, not validity.invalid(pod)


def beyond_64_bits(sent: Pod, ranges: Tier) -> bool:
    """Say whether a Pod item judges a sum that the server holds as a decimal: its text does not show it (Q-21, Q-23).

    `native` says that it cannot foretell the 64-bit projections of those.
    """
    if ranges.pod is None:
        return False
    pod = native.with_native_defaults(sent, (native.LimitRange("policy", ranges.limits),))
    single = [*pod.every_container()]
    return any(
        total.nano > MOST and all(own(one).get(name) != total for one in single)
        for totals, own in zip(limit_range_totals(pod), (spec_requests, spec_limits), strict=True)
        for name, total in totals.items()
        if name in ranges.pod.min or name in ranges.pod.max or name in ranges.pod.max_limit_request_ratio
    )
