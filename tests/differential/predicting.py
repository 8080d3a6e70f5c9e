"""What our own predictions say, without the API server: of native admission, and of the pod our defaults lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, permutations
from typing import Final

import msgspec

from tests.builders import validated
from tests.differential import overheads
from tests.differential.ours import Governed
from tests.differential.outcome import Outcome, quota_problems, range_problems, resources
from tests.differential.pods import OVERHEADS
from tests.differential.policies import Json
from tests.differential.spelling import canonical
from tests.differential.sums import forms
from tiergate.core import native, prediction, validity
from tiergate.core.claim import Claim
from tiergate.core.native import LimitRange, with_native_defaults
from tiergate.core.podlevel import completed
from tiergate.core.podspec import Pod
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus
from tiergate.core.release import POD_LEVEL_COMPLETED_LATE
from tiergate.core.tier import Tier, with_effective_items
from tiergate.core.usage import qos_class

Subject = Pod | Claim
Objects = tuple[LimitRange, ...]

BEYOND: Final = "unpredicted-sum-beyond-64-bits"
NO_TIER: Final = with_effective_items(Tier(name="none"))


def surrounded(pod: Pod, document: Json) -> Pod:
    """Return the pod with the overhead that the RuntimeClass plugin gives it before every webhook."""
    fixed = OVERHEADS.get(document["spec"].get("runtimeClassName") or "", {})
    return msgspec.structs.replace(
        pod, overhead={name: Quantity.parse(canonical(milli)) for name, milli in fixed.items()}
    )


def natively(sent: Subject, objects: Objects, *, quotas: tuple[QuotaStatus, ...], minor: int) -> Outcome:
    """Return what we predict of LimitRanger, which takes the objects in this order, of API validation and quota."""
    return next(possible(sent, objects, quotas=quotas, minor=minor))


def possible(sent: Subject, objects: Objects, *, quotas: tuple[QuotaStatus, ...], minor: int) -> Iterator[Outcome]:
    """Yield the ends a create can have, the objects taken in any order in either pass (L-7); first the written order.

    Rules L-10, D-5a, D-16 and R-50.
    """
    for order in permutations(objects):
        subject = _defaulted(sent, order, minor=minor)
        if isinstance(subject, Pod) and validity.invalid(subject):
            yield Outcome("invalid")
        else:
            yield from _admitted(subject, None, order, quotas=quotas, minor=minor)


def updated(new: Subject, old: Subject, governed: Governed, *, minor: int) -> Outcome:
    """Return what we predict of an update: every value is judged again (L-27, L-28), only growth is charged (R-50)."""
    return next(_admitted(new, old, governed.objects, quotas=governed.quotas, minor=minor))


def _defaulted(sent: Subject, objects: Objects, *, minor: int) -> Subject:
    if isinstance(sent, Claim):
        return sent
    early = sent if minor >= POD_LEVEL_COMPLETED_LATE else completed(sent, minor=minor)
    pod = completed(with_native_defaults(early, objects), minor=minor)
    return msgspec.structs.replace(pod, qos_class=qos_class(pod, minor=minor))


def _admitted(
    subject: Subject, old: Subject | None, objects: Objects, *, quotas: tuple[QuotaStatus, ...], minor: int
) -> Iterator[Outcome]:
    """Yield the ends in LimitRanger's validating pass, one for each object that refuses, or else the one in quota."""
    refused = False
    for one in objects:
        if refusals := tuple(native.refusals(subject, (one,))):
            refused = True
            yield Outcome(
                "range", frozenset(said for each in refusals for said in range_problems(native.sentence(each)))
            )
    if refused:
        return
    broken = validated(subject, old=old, tier=NO_TIER, quotas=quotas, minor=minor).findings
    if broken:
        yield Outcome("quota", frozenset(one for each in broken for one in quota_problems(each)))
    else:
        yield Outcome("allowed", resources=resources(subject) if isinstance(subject, Pod) else None)


def by_us(sent: Pod, tier: Tier, *, minor: int) -> tuple[Pod, bool]:
    """Return the pod we predict after our defaults, and whether the API accepts it."""
    pod = prediction.admitted(sent, tier, minor=minor)
    return msgspec.structs.replace(pod, qos_class=qos_class(pod, minor=minor)), not validity.invalid(pod)


def beyond(sent: Subject, objects: Objects, decimals: frozenset[str], agrees: Callable[[], bool]) -> tuple[str, ...]:
    """Return why a native verdict is another one than predicted: one of the two reasons there are, or nothing.

    ``agrees`` predicts it anew: `native` knows no more of a sum, and quota of a pod-level value, than its text.
    """
    if not isinstance(sent, Pod):
        return ()
    items = tuple(item for one in objects for item in one.items)
    sums = ((BEYOND, form) for form in forms(with_native_defaults(sent, objects), items))
    again = ((overheads.AGAIN, form) for form in overheads.forms(sent, decimals))
    for reason, form in chain(sums, again):
        with form():
            if agrees():
                return (reason,)
    return ()
