"""The status a tier should have, as a function of what was observed in its namespaces."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from tiergate.cluster.tier_record import TierInForce, TierRecord
from tiergate.controller.namespace_objects import LIMIT_RANGE_NAME, Comparison
from tiergate.controller.observations import Observation
from tiergate.core.desired import UNSCOPED_NAME, native_quotas
from tiergate.core.mode import Mode
from tiergate.core.quantity import ZERO
from tiergate.core.resources import EMPTY, STANDARD, ResourceList, total
from tiergate.core.tier import LABEL, Tier
from tiergate.wire.tier_status import BY_MODE, ENFORCING, READY, Condition, ConditionReason, KeptSpec, TierStatus

LONGEST_MESSAGE: Final = 32768
"""Of a metav1.Condition."""
LONGEST_SPEC_KEPT: Final = 2**18
"""Characters: an object of 1.5 MB is the most that etcd takes, and a status that is not stored says nothing."""
NAMED: Final = 5
"""Namespaces named in a message; more are counted."""


class Assessment(msgspec.Struct, frozen=True):
    """Whether something holds, a reason for programs and a message for people."""

    holds: bool
    reason: ConditionReason
    message: str


class NamespaceState(msgspec.Struct, frozen=True):
    """How far one namespace of a tier is.

    Attributes:
        name: Of the namespace.
        waiting: ResourceQuotas that should be in force and are not.
        foreign: Names that we need and that foreign ResourceQuotas have.
        leftover: ResourceQuotas of ours that the tier does not ask for (any more); while they are there they refuse.
        error: Why the last write failed, or "".
        inexact: Several ResourceQuotas share the counting, so native quota is no hard bound under parallel creates.
        hard: Of our unscoped ResourceQuota, as in force.
        used: Of the same.
        limits: The LimitRanges of the namespace against the one that the tier asks for.
    """

    name: str
    waiting: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    leftover: tuple[str, ...] = ()
    error: str = ""
    inexact: bool = False
    hard: ResourceList = EMPTY
    used: ResourceList = EMPTY
    limits: Comparison = Comparison()


def namespace_state(name: str, observation: Observation, *, error: str) -> NamespaceState:
    """Return how far a namespace is with a tier's quotas and its LimitRange."""
    quotas, comparison = observation.existing_quotas, observation.quotas
    ours = next((one for one in quotas if one.managed and one.name == UNSCOPED_NAME), None)
    return NamespaceState(
        name=name,
        waiting=comparison.waiting,
        foreign=comparison.foreign,
        leftover=comparison.leftover,
        error=error,
        inexact=len(quotas) > 1,
        hard=EMPTY if ours is None else ours.hard,
        used=EMPTY if ours is None else ours.used,
        limits=observation.limits,
    )


def compute(
    record: TierRecord,
    *,
    good: TierInForce | None,
    states: Sequence[NamespaceState],
    enforcing: Assessment | None,
    unasked: Sequence[str] = (),
    now: str,
) -> TierStatus:
    """Return the status a tier should have.

    Args:
        record: The Tier as it stands, with its present status.
        good: The version in force: its latest one, or an earlier one if that is invalid; None if there is none.
        states: Of its namespaces.
        enforcing: Whether the webhooks are registered and trusted; None while that is not known: what was said before
            stays, so that a restart of the controller does not look like an outage.
        unasked: Those of its namespaces that the webhooks are not asked about.
        now: Time of day in RFC 3339, for conditions that change.
    """
    mode: Mode = "Enforce" if good is None else good.tier.mode
    assessments = {READY: assess_ready(record, good=good, states=states)}
    if enforcing is not None:
        assessments[ENFORCING] = assess_enforcing(enforcing, mode, unasked)
    ours = tuple(_condition(kind, assessment, record, now=now) for kind, assessment in assessments.items())
    others = tuple(one for one in record.status.conditions if one.type not in assessments)
    return TierStatus(
        observed_generation=record.generation,
        mode=mode,
        namespaces=len(states),
        summary={} if good is None else summarize(good.tier, states),
        conditions=ours + others,
        in_force=_kept(record, good),
    )


def _kept(record: TierRecord, good: TierInForce | None) -> KeptSpec | None:
    """Return what the status keeps: the version in force, while it is not the latest one."""
    if good is None or not record.faults or len(good.written.spec) > LONGEST_SPEC_KEPT:
        return None
    return good.written


def _condition(kind: str, assessment: Assessment, record: TierRecord, *, now: str) -> Condition:
    """Return the condition; its time moves only when its status does."""
    status: Final = "True" if assessment.holds else "False"
    before = record.status.condition(kind)
    unchanged = before is not None and before.status == status and before.last_transition_time
    return Condition(
        type=kind,
        status=status,
        reason=assessment.reason,
        message=_shortened(assessment.message),
        last_transition_time=before.last_transition_time if before is not None and unchanged else now,
        observed_generation=record.generation,
    )


def _shortened(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else f"{message[: LONGEST_MESSAGE - 1]}…"


def assess_ready(record: TierRecord, *, good: TierInForce | None, states: Sequence[NamespaceState]) -> Assessment:
    """Say whether the tier is valid and in force in all of its namespaces; what people must mend comes first."""
    if (obstacle := _to_mend(record, good, states)) is not None:
        return obstacle
    if good is not None and not good.tier.is_native:
        return _assess_reporting(good.tier.mode, states)
    return _assess_enforced(states)


def _to_mend(record: TierRecord, good: TierInForce | None, states: Sequence[NamespaceState]) -> Assessment | None:
    """Return what does not get better by itself, None where there is nothing of that."""
    if record.faults:
        return Assessment(holds=False, reason="Invalid", message=_invalid(record, good))
    if foreign := [one for one in states if one.foreign]:
        objects = _quoted(name for one in foreign for name in one.foreign)
        message = (
            f"ResourceQuota {objects} in {_named(foreign)} is not ours and is never taken over: rename or delete it"
        )
        return Assessment(holds=False, reason="ForeignResourceQuota", message=message)
    if claimed := [one for one in states if one.limits.foreign]:
        message = (
            f'LimitRange "{LIMIT_RANGE_NAME}" in {_named(claimed)} is not ours and is never taken over: '
            "rename or delete it"
        )
        return Assessment(holds=False, reason="ForeignLimitRange", message=message)
    if failed := [one for one in states if one.error]:
        return Assessment(
            holds=False,
            reason="WriteFailed",
            message="; ".join(f"namespace {one.name}: {one.error}" for one in failed[:NAMED]),
        )
    return None


def _assess_enforced(states: Sequence[NamespaceState]) -> Assessment:
    """Say whether all namespaces have what a tier that refuses keeps in them."""
    if waiting := [one for one in states if one.waiting]:
        objects = _quoted(name for one in waiting for name in one.waiting)
        done = len(states) - len(waiting)
        message = (
            f"ResourceQuota {objects} is not in force yet in {_named(waiting)} ({done} of {len(states)} are ready)"
        )
        return Assessment(holds=False, reason="QuotaPending", message=message)
    if behind := [one for one in states if one.limits.actions]:
        message = f'LimitRange "{LIMIT_RANGE_NAME}" is not as the tier says yet in {_named(behind)}'
        return Assessment(holds=False, reason="LimitRangePending", message=message)
    return Assessment(holds=True, reason="QuotasInForce", message=_in_force(states))


def _assess_reporting(mode: Mode, states: Sequence[NamespaceState]) -> Assessment:
    """Say whether a tier that refuses nothing has nothing left in its namespaces that would."""
    if leftover := [one for one in states if one.leftover]:
        objects = _quoted(name for one in leftover for name in one.leftover)
        message = f"mode {mode}, but ResourceQuota {objects} still refuses in {_named(leftover)}: it is being removed"
        return Assessment(holds=False, reason="QuotaRemoval", message=message)
    if leftover := [one for one in states if one.limits.leftover]:
        objects = _quoted(name for one in leftover for name in one.limits.leftover)
        message = f"mode {mode}, but LimitRange {objects} still refuses in {_named(leftover)}: it is being removed"
        return Assessment(holds=False, reason="LimitRangeRemoval", message=message)
    return Assessment(
        holds=True, reason=BY_MODE[mode], message=f"{_TOLD[mode]}; no ResourceQuota is kept for this tier"
    )


def assess_enforcing(enforcing: Assessment, mode: Mode, unasked: Sequence[str] = ()) -> Assessment:
    """Say whether the tier refuses what breaks it: the webhooks are asked everywhere, and the mode is Enforce."""
    if not enforcing.holds or (mode == "Enforce" and not unasked):
        return enforcing
    where = f"the namespaceSelector of the webhooks excludes {named(unasked)}" if unasked else ""
    if mode != "Enforce":
        message = f"{_TOLD[mode]}; {where}, of which nothing is reported" if unasked else _TOLD[mode]
        return Assessment(holds=False, reason=BY_MODE[mode], message=message)
    message = (
        f"{where}: ResourceQuotas hold there, but defaults are not set and ranges are not checked; correct "
        f"webhook.excludeNamespaces or labels, or remove the label {LABEL} there"
    )
    return Assessment(holds=False, reason="NamespaceExcluded", message=message)


_TOLD: Final[Mapping[Mode, str]] = {
    "Enforce": "what breaks this tier is refused",
    "Warn": "what breaks this tier is warned of and not refused",
    "Audit": "what breaks this tier is noted in the audit log and not refused",
}


def _invalid(record: TierRecord, good: TierInForce | None) -> str:
    faults = "; ".join(f"{fault.pointer}: {fault.reason}" if fault.pointer else fault.reason for fault in record.faults)
    if good is None:
        return f"{faults}. Pods of its namespaces are refused"
    return f"{faults}. Generation {good.generation} stays in force{'' if _kept(record, good) else _NOT_KEPT}"


_NOT_KEPT: Final = (
    " where it was seen, but is too long to be kept in the status: replicas of the webhook that started since refuse "
    "pods of its namespaces"
)


def _in_force(states: Sequence[NamespaceState]) -> str:
    if not states:
        return "no namespace carries the label of this tier"
    message = f"ResourceQuotas are in force in {_named(states)}"
    if inexact := [one for one in states if one.inexact]:
        message += (
            f"; several share {_named(inexact)}, where native quota alone is not an exact bound under parallel creates"
        )
    return message


def named(namespaces: Sequence[str]) -> str:
    """Return names for a message, few of many."""
    more = f" and {len(namespaces) - NAMED} more" if len(namespaces) > NAMED else ""
    return f"namespace{'s' if len(namespaces) > 1 else ''} {', '.join(namespaces[:NAMED])}{more}"


def _named(states: Sequence[NamespaceState]) -> str:
    return named([one.name for one in states])


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(set(names)))


def summarize(tier: Tier, states: Sequence[NamespaceState]) -> dict[str, str]:
    """Return "used/hard" of the tier's unscoped quota by resource name, summed over namespaces.

    A short name is another one for requests (R-20): of both the smaller bound is shown, where columns look for it.
    """
    names = sorted(name for one in native_quotas(tier) if one.name == UNSCOPED_NAME for name in one.hard)
    hard, used = total(one.hard for one in states), total(one.used for one in states)
    shown: dict[str, str] = {}
    for name in (name for name in names if name in hard):
        full = f"requests.{name}" if name in STANDARD else name
        if full not in shown or hard[name] < hard[shown[full]]:
            shown[full] = name
    return {full: f"{used.get(name, ZERO)}/{hard[name]}" for full, name in sorted(shown.items())}


def shows_more_than_numbers(one: TierStatus, other: TierStatus) -> bool:
    """Say whether two statuses differ in something people wait for, and not only in usage."""
    return msgspec.structs.replace(one, summary={}) != msgspec.structs.replace(other, summary={})
