"""The rules on quotas: one that is not in force, a value that one demands, a bound that a request would break.

Source: kubernetes apiserver ``plugin/resourcequota/controller.go`` (CheckRequest), with every problem reported instead
of the first (R-23, R-50).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from tiergate.core.claim import STORAGE_POINTER, Claim
from tiergate.core.decision import Finding
from tiergate.core.desired import desired_quotas
from tiergate.core.jsonpatch import escape
from tiergate.core.lowering import Lowerings, side_and_name
from tiergate.core.memo import Memo, is_short
from tiergate.core.podspec import Container, Pod
from tiergate.core.quantity import NANO, ZERO
from tiergate.core.quota import (
    Demanded,
    Measured,
    QuotaStatus,
    charge,
    left_of,
    matches,
    pertinent,
    quota_label,
    scopes_of,
)
from tiergate.core.resources import increase
from tiergate.core.tier import LimitRangeItem, Tier

FEW: Final = 16
"""Containers times quotas, for which one look is quicker than sums."""
_PODS: Final = frozenset({"pods", "count/pods"})
_SIDE_AND_NAME: Final = Memo(side_and_name, is_short)


class ObjectCase(msgspec.Struct, frozen=True):
    """All a rule may look at.

    ``old`` is the stored object of an UPDATE: then only what grew is judged. ``now`` is the time in seconds since the
    epoch, needed for pods being deleted, ``minor`` the server's release.
    """

    subject: Measured
    old: Measured | None
    tier: Tier
    quotas: tuple[QuotaStatus, ...]
    now: float
    minor: int


def pending(case: ObjectCase) -> list[Finding]:
    """Return the tier's quotas that native quota does not enforce yet in the namespace, then the others it refuses for.

    ``detail`` names the foreign ResourceQuota that has the name of ours: then waiting does not help.
    """
    subject, tier, quotas, minor = case.subject, case.tier, case.quotas, case.minor
    found: list[Finding] = []
    for desired in desired_quotas(tier):
        names = pertinent(subject, desired, minor=minor)
        if names and not _in_force(desired.name, names, quotas):
            waits = ", ".join(sorted({desired.sources[name] for name in names}))
            foreign = any(quota.name == desired.name and not quota.managed for quota in quotas)
            found.append(Finding("quota-pending", "", quota=waits, detail=desired.name if foreign else ""))
    for quota in quotas:
        if quota.managed:
            continue
        if without := [name for name in pertinent(subject, quota, minor=minor) if name not in quota.used]:
            label = quota_label(quota, without[0], tier, quotas)  # native quota refuses too
            found.append(Finding("quota-pending", "", quota=label, resource=", ".join(without)))
    return found


def _in_force(name: str, names: tuple[str, ...], quotas: tuple[QuotaStatus, ...]) -> bool:
    for quota in quotas:  # quicker than a generator, and every object comes by here
        if quota.managed and quota.name == name:
            return quota.counted.issuperset(names)
    return False


def has_required(pod: Pod, quotas: tuple[QuotaStatus, ...]) -> bool:
    """Say whether every container has what any quota demands, so that `required` finds nothing."""
    for demanded in {quota.demanded_of for quota in quotas}:  # noqa: SIM110  # quicker so
        if _lacking(pod, demanded):
            return False
    return True


def required(case: ObjectCase) -> Iterable[Finding]:
    """Return the containers without a value that a pertinent quota demands (R-23).

    Any pod-level value silences native quota altogether, which then neither asks for other resources nor counts them.
    Of a new pod a tier's own quota demands these all the same (ADR 10).
    """
    subject = case.subject
    return () if isinstance(subject, Claim) or has_required(subject, case.quotas) else _required(subject, case)


def _required(subject: Pod, case: ObjectCase) -> Iterator[Finding]:
    quotas = case.quotas
    lacking_of: dict[Demanded, list[Container]] = {}  # few quotas demand something else than the others
    for quota in quotas:
        if (lacking := lacking_of.get(quota.demanded_of)) is None:
            lacking = lacking_of[quota.demanded_of] = _lacking(subject, quota.demanded_of)
        if not lacking or (subject.pod_level and (case.old is not None or not quota.managed)):
            continue
        demanded = _not_at_pod_level(quota.demanded, subject)
        if demanded and matches(subject, quota, minor=case.minor):  # a quota that demands anything measures pods
            for container in lacking:
                for name, side, resource in demanded:
                    if resource not in (container.limits if side == "limits" else container.requests):
                        label = quota_label(quota, name, case.tier, quotas)
                        yield _missing(container, side, resource, label, native=not quota.managed)


def _lacking(pod: Pod, demanded: Demanded) -> list[Container]:
    asked, limited = demanded
    lacking: list[Container] = []
    for container in pod.every_container():  # quicker than comparing sets, and every pod comes by here
        requests, limits = container.requests, container.limits
        for name in asked:
            if name not in requests:
                lacking.append(container)
                break
        else:
            for name in limited:
                if name not in limits:
                    lacking.append(container)
                    break
    return lacking


def _not_at_pod_level(demanded: tuple[tuple[str, str, str], ...], pod: Pod) -> tuple[tuple[str, str, str], ...]:
    if not pod.pod_level:
        return demanded
    written = {"requests": pod.requests, "limits": pod.limits}
    return tuple(one for one in demanded if one[2] not in written[one[1]])


def _missing(container: Container, side: str, resource: str, quota: str, *, native: bool) -> Finding:
    return Finding(
        "quota-required",
        f"{container.pointer}/resources/{side}/{escape(resource)}",
        container=container.name,
        init=container.init,
        resource=f"{side}.{resource}",
        quota=quota,
        native=native,
    )


def exceeded(case: ObjectCase, ranges: Sequence[LimitRangeItem] = ()) -> Iterable[Finding]:
    """Return each bound that the request's increase would break (R-50.3 to R-50.6).

    What would pass keeps the tier's ranges, or those that are given.
    """
    if case.old is None and isinstance(case.subject, Pod) and _fits(case.subject, case.quotas, minor=case.minor):
        return ()
    return _exceeded(case, ranges or case.tier.limits)


def _exceeded(case: ObjectCase, ranges: Sequence[LimitRangeItem]) -> Iterator[Finding]:
    subject, old, tier, quotas, minor = case.subject, case.old, case.tier, case.quotas, case.minor
    usage = charge(subject, now=case.now, minor=minor)
    grown = increase(usage, charge(old, now=None, minor=minor)) if old is not None else usage
    lowerings = None  # nearly every object passes
    for quota in quotas:
        delta = grown if old is not None and matches(old, quota, minor=minor) else usage
        for name, left in left_of(subject, quota, minor=minor):
            asked = delta.get(name)
            if asked is not None and asked.nano > left and asked.nano:
                hard, used = quota.hard[name], quota.used.get(name, ZERO)
                most = usage[name] - min(used + asked - hard, asked)  # what was there already is not judged
                lowerings = lowerings or Lowerings(subject, ranges)
                lower = lowerings.to(name, most)
                yield Finding(
                    "quota-exceeded",
                    _pointer(subject, name),
                    container=_only_container(subject),
                    resource=name,
                    actual=asked,
                    bound=hard,
                    used=used,
                    fits=lower.most,
                    lowered=lower.values,
                    quota=quota_label(quota, name, tier, quotas),
                    native=not quota.managed,
                    scopes=scopes_of(quota),
                )


def _fits(pod: Pod, quotas: tuple[QuotaStatus, ...], *, minor: int) -> bool:
    """Say whether one look shows that a new pod exceeds nothing, as nearly always; False proves nothing.

    The sums are those of `charge`, in nano-units, of a pod for which nothing but its app containers counts. One that is
    over is charged less.
    """
    containers = pod.containers
    if len(containers) * len(quotas) > FEW or pod.init_containers or pod.requests or pod.limits or pod.overhead:
        return False
    if pod.statuses or pod.resize_infeasible:
        return False
    for quota in quotas:
        for name, left in left_of(pod, quota, minor=minor):
            side, resource = _SIDE_AND_NAME[name]
            asked = 0
            for container in containers:
                amount = (container.limits if side == "limits" else container.requests).get(resource)
                if amount is not None:
                    asked += amount.nano
            if name in _PODS:
                asked += NANO
            if asked > left and asked:
                return False
    return True


def _pointer(subject: Measured, name: str) -> str:
    if isinstance(subject, Claim):
        return f"{subject.pointer}{STORAGE_POINTER}" if name.endswith("requests.storage") else subject.pointer
    return subject.pointer if name in ("pods", "count/pods") else f"{subject.pointer}/spec"


def _only_container(subject: Measured) -> str:
    """Return the container that alone makes the pod's charge, or "" when there are several."""
    if isinstance(subject, Claim) or subject.pod_level or subject.overhead or subject.init_containers:
        return ""
    return subject.containers[0].name if len(subject.containers) == 1 else ""
