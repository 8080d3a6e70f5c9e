"""Status of tiers: what `kubectl get tiers` shows, and the conditions people wait for."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

import msgspec

from tiergate.cluster.paths import TIERS
from tiergate.cluster.sender import Sender
from tiergate.controller import limitranges
from tiergate.controller.events import Recorder
from tiergate.controller.facts import Facts, TierRecord
from tiergate.controller.queue import Budget
from tiergate.controller.quotas import compare
from tiergate.controller.tier_status import Condition, TierStatus, write_patch
from tiergate.core.desired import UNSCOPED_NAME, native_limits, native_quotas
from tiergate.core.mode import Mode
from tiergate.core.native import LimitRange
from tiergate.core.quantity import ZERO
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import EMPTY, ResourceList, total
from tiergate.core.tier import Tier

READY: Final = "Ready"
ENFORCING: Final = "Enforcing"
LONGEST_MESSAGE: Final = 32768
"""Of a metav1.Condition."""
NAMED: Final = 5
"""Namespaces named in a message; more are counted."""
SUMMARY_INTERVAL: Final = 1.0
"""Seconds between two writes of one tier that change nothing but numbers."""
WRITE_BURST: Final = 20

MERGE_PATCH: Final = "application/merge-patch+json"


class Verdict(msgspec.Struct, frozen=True):
    """Whether something holds, a reason for programs and a message for people."""

    holds: bool
    reason: str
    message: str


class NamespaceState(msgspec.Struct, frozen=True):
    """How far one namespace of a tier is.

    Attributes:
        name: Of the namespace.
        waiting: ResourceQuotas that should be in force and are not.
        foreign: Names we need and somebody else's ResourceQuotas have.
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
    limits: limitranges.Comparison = limitranges.Comparison()


def observe(
    name: str, tier: Tier, quotas: Sequence[QuotaStatus], *, error: str, limit_ranges: Sequence[LimitRange] = ()
) -> NamespaceState:
    """Return how far a namespace is with a tier's quotas and its LimitRange."""
    comparison = compare(native_quotas(tier), quotas, tier=tier.name)
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
        limits=limitranges.compare(native_limits(tier), limit_ranges, tier=tier.name),
    )


def compute(
    record: TierRecord, *, good: Tier | None, states: Sequence[NamespaceState], enforcing: Verdict | None, now: str
) -> TierStatus:
    """Return the status a tier should have.

    Args:
        record: The Tier as it stands, with its present status.
        good: The version in force: its latest one, or an earlier one if that is invalid; None if there is none.
        states: Of its namespaces.
        enforcing: Whether the webhooks are registered and trusted; None while that is not known: what was said before
            stays, so that a restart of the controller does not look like an outage.
        now: Time of day in RFC 3339, for conditions that change.
    """
    mode: Mode = "Enforce" if good is None else good.mode
    verdicts = {READY: judge_ready(record, good=good, states=states)}
    if enforcing is not None:
        verdicts[ENFORCING] = judge_enforcing(enforcing, mode)
    ours = tuple(_condition(kind, verdict, record, now=now) for kind, verdict in verdicts.items())
    others = tuple(one for one in record.status.conditions if one.type not in verdicts)
    return TierStatus(
        observed_generation=record.generation,
        mode=mode,
        namespaces=len(states),
        summary={} if good is None else summarize(good, states),
        conditions=ours + others,
    )


def _condition(kind: str, verdict: Verdict, record: TierRecord, *, now: str) -> Condition:
    """Return the condition; its time moves only when its status does."""
    status: Final = "True" if verdict.holds else "False"
    before = record.status.condition(kind)
    unchanged = before is not None and before.status == status and before.last_transition_time
    return Condition(
        type=kind,
        status=status,
        reason=verdict.reason,
        message=_shortened(verdict.message),
        last_transition_time=before.last_transition_time if before is not None and unchanged else now,
        observed_generation=record.generation,
    )


def _shortened(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else f"{message[: LONGEST_MESSAGE - 1]}…"


def judge_ready(record: TierRecord, *, good: Tier | None, states: Sequence[NamespaceState]) -> Verdict:
    """Say whether the tier is valid and in force in all of its namespaces; what people must mend comes first."""
    if (obstacle := _to_mend(record, good, states)) is not None:
        return obstacle
    if good is not None and good.mode != "Enforce":
        return _judge_reporting(good.mode, states)
    return _judge_enforced(states)


def _to_mend(record: TierRecord, good: Tier | None, states: Sequence[NamespaceState]) -> Verdict | None:
    """Return what does not get better by itself, None where there is nothing of that."""
    if record.faults:
        return Verdict(holds=False, reason="Invalid", message=_invalid(record, good))
    if foreign := [one for one in states if one.foreign]:
        objects = _quoted(name for one in foreign for name in one.foreign)
        message = (
            f"ResourceQuota {objects} in {_named(foreign)} is not ours and is never taken over: rename or delete it"
        )
        return Verdict(holds=False, reason="ForeignResourceQuota", message=message)
    if claimed := [one for one in states if one.limits.foreign]:
        message = (
            f'LimitRange "{limitranges.NAME}" in {_named(claimed)} is not ours and is never taken over: '
            "rename or delete it"
        )
        return Verdict(holds=False, reason="ForeignLimitRange", message=message)
    if failed := [one for one in states if one.error]:
        return Verdict(
            holds=False,
            reason="WriteFailed",
            message="; ".join(f"namespace {one.name}: {one.error}" for one in failed[:NAMED]),
        )
    return None


def _judge_enforced(states: Sequence[NamespaceState]) -> Verdict:
    """Say whether all namespaces have what a tier that refuses keeps in them."""
    if waiting := [one for one in states if one.waiting]:
        objects = _quoted(name for one in waiting for name in one.waiting)
        done = len(states) - len(waiting)
        message = (
            f"ResourceQuota {objects} is not in force yet in {_named(waiting)} ({done} of {len(states)} are ready)"
        )
        return Verdict(holds=False, reason="QuotaPending", message=message)
    if behind := [one for one in states if one.limits.actions]:
        message = f'LimitRange "{limitranges.NAME}" is not as the tier says yet in {_named(behind)}'
        return Verdict(holds=False, reason="LimitRangePending", message=message)
    return Verdict(holds=True, reason="QuotasInForce", message=_in_force(states))


def _judge_reporting(mode: Mode, states: Sequence[NamespaceState]) -> Verdict:
    """Say whether a tier that refuses nothing has nothing left in its namespaces that would."""
    if leftover := [one for one in states if one.leftover]:
        objects = _quoted(name for one in leftover for name in one.leftover)
        message = f"mode {mode}, but ResourceQuota {objects} still refuses in {_named(leftover)}: it is being removed"
        return Verdict(holds=False, reason="QuotaRemoval", message=message)
    if leftover := [one for one in states if one.limits.leftover]:
        objects = _quoted(name for one in leftover for name in one.limits.leftover)
        message = f"mode {mode}, but LimitRange {objects} still refuses in {_named(leftover)}: it is being removed"
        return Verdict(holds=False, reason="LimitRangeRemoval", message=message)
    return Verdict(holds=True, reason=f"Mode{mode}", message=f"{_TOLD[mode]}; no ResourceQuota is kept for this tier")


def judge_enforcing(enforcing: Verdict, mode: Mode) -> Verdict:
    """Say whether the tier refuses what breaks it: the webhooks are registered, and the mode is Enforce."""
    if mode == "Enforce" or not enforcing.holds:
        return enforcing
    return Verdict(holds=False, reason=f"Mode{mode}", message=_TOLD[mode])


_TOLD: Final[Mapping[Mode, str]] = {
    "Enforce": "what breaks this tier is refused",
    "Warn": "what breaks this tier is warned of and not refused",
    "Audit": "what breaks this tier is noted in the audit log and not refused",
}


def _invalid(record: TierRecord, good: Tier | None) -> str:
    faults = "; ".join(f"{fault.pointer}: {fault.reason}" if fault.pointer else fault.reason for fault in record.faults)
    if good is None:
        return f"{faults}. Pods of its namespaces are refused"
    return f"{faults}. Generation {good.generation} stays in force"


def _in_force(states: Sequence[NamespaceState]) -> str:
    if not states:
        return "no namespace carries the label of this tier"
    message = f"ResourceQuotas are in force in {_named(states)}"
    if inexact := [one for one in states if one.inexact]:
        message += (
            f"; several share {_named(inexact)}, where native quota alone is no exact bound under parallel creates"
        )
    return message


def _named(states: Sequence[NamespaceState]) -> str:
    names = ", ".join(one.name for one in states[:NAMED])
    more = f" and {len(states) - NAMED} more" if len(states) > NAMED else ""
    return f"namespace{'s' if len(states) > 1 else ''} {names}{more}"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(set(names)))


def summarize(tier: Tier, states: Sequence[NamespaceState]) -> dict[str, str]:
    """Return "used/hard" of the tier's unscoped quota by resource name, summed over namespaces."""
    names = sorted(name for one in native_quotas(tier) if one.name == UNSCOPED_NAME for name in one.hard)
    hard, used = total(one.hard for one in states), total(one.used for one in states)
    return {name: f"{used.get(name, ZERO)}/{hard[name]}" for name in names if name in hard}


def shows_more_than_numbers(one: TierStatus, other: TierStatus) -> bool:
    """Say whether two statuses differ in something people wait for, and not only in usage."""
    return msgspec.structs.replace(one, summary={}) != msgspec.structs.replace(other, summary={})


class StatusWriter:
    """Keeps the status of each tier what it should be."""

    def __init__(
        self,
        client: Sender,
        facts: Facts,
        recorder: Recorder,
        *,
        enforcing: Callable[[], Verdict | None],
        errors: Mapping[str, str],
        again: Callable[[str, float], None],
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what a step needs.

        Args:
            client: Sends the writes.
            facts: What the status is computed from.
            recorder: Tells people when enforcement begins or ceases.
            enforcing: Whether the webhooks are registered and trusted; None while that is not known.
            errors: Namespaces whose quotas could not be written, and why; kept current by its owner.
            again: Has a tier looked at again after some seconds.
            now: Time of day.
            clock: Monotonic seconds.
        """
        self._client = client
        self._facts = facts
        self._recorder = recorder
        self._enforcing = enforcing
        self._errors = errors
        self._again = again
        self._now = now
        self._clock = clock
        self._numbers = Budget(burst=1, interval=SUMMARY_INTERVAL)
        self._writes = Budget(burst=WRITE_BURST, interval=SUMMARY_INTERVAL)

    async def update(self, name: str) -> None:
        """Write the status of one tier if it should be another one.

        Raises:
            ApiError, Unreachable: The write failed; the tier is to be looked at again.
        """
        if not self._facts.knows_objects():
            return
        record = self._facts.tiers.items.get(name)
        if record is None:
            self._numbers.forget(name)
            self._writes.forget(name)
            return
        status = self.compute(record)
        if status == record.status:
            return
        budget = self._writes if shows_more_than_numbers(status, record.status) else self._numbers
        if (delay := budget.wait(name, now=self._clock())) > 0:
            self._again(name, delay)
            return
        budget.spend(name, now=self._clock())
        await self._write(record, status)

    def compute(self, record: TierRecord) -> TierStatus:
        """Return the status the tier should have now."""
        good = self._facts.good.get(record.name)
        return compute(
            record,
            good=good,
            states=self._states(record.name, good),
            enforcing=self._enforcing(),
            now=f"{self._now():%Y-%m-%dT%H:%M:%SZ}",
        )

    def _states(self, tier: str, good: Tier | None) -> list[NamespaceState]:
        """Observe the namespaces of a tier; those on their way out have no quotas to wait for."""
        known = self._facts.namespaces.items
        alive = [name for name in self._facts.members(tier) if name in known and not known[name].deleting]
        if good is None:
            return [NamespaceState(name) for name in alive]
        return [
            observe(
                name,
                good,
                self._facts.quotas_in(name),
                error=self._errors.get(name, ""),
                limit_ranges=self._facts.limit_ranges_in(name),
            )
            for name in alive
        ]

    async def _write(self, record: TierRecord, status: TierStatus) -> None:
        body = write_patch(status, over=record.status, resource_version=record.resource_version)
        path = f"{TIERS}/{quote(record.name)}/status"
        await self._client.request("PATCH", path, body=body, content_type=MERGE_PATCH)
        before, after = record.status.condition(ENFORCING), status.condition(ENFORCING)
        if before is not None and after is not None and before.status != after.status:
            await self._recorder.enforcement_changed(
                record.name,
                record.uid,
                enforcing=after.status == "True",
                reason=after.reason,
                message=after.message,
            )
