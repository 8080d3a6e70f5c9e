"""The one coroutine between the two pure halves: take facts, evaluate, re-read live before a refusal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal, Protocol

import msgspec

from tiergate.admission import answer, guard, question
from tiergate.admission.answer import Cause
from tiergate.admission.question import Question
from tiergate.admission.review import BadReview, Envelope, Unreadable, UserInfo
from tiergate.core import evaluate
from tiergate.core.decision import Decision, Fault
from tiergate.core.podspec import Pod
from tiergate.core.quota import Judged, QuotaStatus
from tiergate.core.tier import Tier, faults, is_protected
from tiergate.wire import Malformed, shortened
from tiergate.wire.namespace import Namespace

LIVE_TIMEOUT: Final = 2.0
"""Seconds for one live read: the API server waits 5 for the whole answer."""
PENDING_WAIT: Final = 2.0
"""Seconds a pod waits for a quota of its tier to come into force in a young namespace."""
MAX_NAMED: Final = 10
"""How many namespaces a refusal lists by name."""

_REPORTED: Final[Mapping[str, Outcome]] = {"Warn": "warned", "Audit": "audited"}
Door = Literal["mutate", "validate", "namespaces", "tiers"]
Outcome = Literal[
    "allowed", "patched", "denied", "warned", "audited", "exempt", "malformed", "ungoverned", "bad-request", "error"
]
Decide = Callable[[Question, Tier], Awaitable[Decision]]


class Facts(Protocol):
    """What is known of the cluster: from caches, or (``..._now``, which may wait and raise) live."""

    def minor(self) -> int:
        """Return the minor number of the API server's release: some rules differ between releases."""

    def stale(self) -> bool:
        """Whether the caches have lost touch, so that no verdict may rest on them."""

    def namespace(self, name: str) -> Namespace | None: ...  # noqa: D102  # the class says it
    async def namespace_now(self, name: str, *, timeout: float) -> Namespace | None: ...  # noqa: D102, ASYNC109
    def tier(self, name: str) -> Tier | None: ...  # noqa: D102
    async def tier_now(self, name: str, *, timeout: float) -> Tier | None:  # noqa: ASYNC109
        """Read a tier live; raise Malformed where there is one that may not be in force."""

    def quotas(self, namespace: str) -> tuple[QuotaStatus, ...]: ...  # noqa: D102
    async def quotas_now(self, namespace: str, *, timeout: float) -> tuple[QuotaStatus, ...]: ...  # noqa: D102, ASYNC109
    async def quotas_changed(self, timeout: float) -> bool:  # noqa: ASYNC109  # the bound is the point
        """Wait until any quota changed, or so many seconds; return whether one did."""

    def usage(self, namespace: str, tier: Tier, kind: type[Judged]) -> tuple[QuotaStatus, ...] | None:
        """Return the quotas of a tier in mode Warn or Audit as they would be in the namespace.

        Only the names this kind of object is measured by, used as the namespace's objects add up; None while that is
        not known.
        """

    def namespaces_of(self, tier: str) -> tuple[str, ...]:
        """Return the names of the namespaces whose label names the tier, sorted."""


class Permissions(Protocol):
    """Asks the API server what a user may do."""

    async def may_assign(self, user: UserInfo, tier: str) -> bool:
        """Say whether the user has the verb ``assign`` on ``tiers/<name>``."""


class Record(msgspec.Struct, rename="camel"):
    """What the log line of one review says; never the object itself."""

    door: str
    uid: str = ""
    kind: str = ""
    operation: str = ""
    namespace: str = ""
    name: str = ""
    tier: str = ""
    outcome: Outcome = "allowed"
    rules: tuple[str, ...] = ()
    dry_run: bool = False
    detail: str = ""


class Answer(msgspec.Struct):
    """An HTTP answer and what to log of it."""

    status: int
    body: bytes
    record: Record


class AdmissionFailed(RuntimeError):
    """A failure of ours: an HTTP 500, so that failurePolicy decides. ``__cause__`` says why."""

    def __init__(self, record: Record) -> None:
        """Keep what is known of the review for the log."""
        super().__init__(f"review {record.uid} failed")
        self.record = record


class Admission:
    """Answers reviews at every door."""

    def __init__(
        self,
        facts: Facts,
        permissions: Permissions,
        *,
        release_namespace: str,
        clock: Callable[[], float],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the facts, the permissions, our own namespace, and two clocks in seconds: monotonic, since the epoch."""
        self._facts = facts
        self._permissions = permissions
        self._release_namespace = release_namespace
        self._clock = clock
        self._wall_clock = wall_clock
        self._doors: Mapping[str, Callable[[bytes, Record], Awaitable[bytes]]] = {
            "mutate": self._mutate,
            "validate": self._validate,
            "namespaces": self._namespace,
            "tiers": self._tier_object,
        }

    async def answer(self, door: Door, body: bytes) -> Answer:
        """Return the answer to a review; raise AdmissionFailed for a failure of ours."""
        record = Record(door)
        try:
            return Answer(200, await self._doors[door](body, record), record)
        except Unreadable as error:
            _envelope(record, error.request)
            record.outcome, record.detail = "malformed", str(error)
            return Answer(200, self._unreadable(door, error, record), record)
        except BadReview as error:
            record.uid, record.outcome, record.detail = error.uid, "bad-request", shortened(str(error))
            return Answer(400, record.detail.encode() + b"\n", record)
        except Exception as error:
            record.outcome, record.detail = "error", f"{type(error).__name__}: {shortened(str(error))}"
            raise AdmissionFailed(record) from error

    def _unreadable(self, door: Door, error: Unreadable, record: Record) -> bytes:
        """Deny what cannot be read, unless it is for a tier that refuses nothing: then tell of it."""
        if door in ("mutate", "validate"):
            tier = self._cached_tier(error.request.namespace or "")
            if tier is not None and tier.mode != "Enforce":
                record.tier = tier.name
                return answer.unreadable_told(error, mode=tier.mode, tier=tier.name)
        return answer.unreadable(error)

    def _mutate(self, body: bytes, record: Record) -> Awaitable[bytes]:
        return self._answered(question.ask("mutate", body), record, self._defaults)

    def _validate(self, body: bytes, record: Record) -> Awaitable[bytes]:
        return self._answered(question.ask("validate", body), record, self._judged)

    async def _answered(self, asked: Question, record: Record, decide: Decide) -> bytes:
        """Answer under the tier of the object's namespace: from the caches where they know it, otherwise live."""
        _question(record, asked)
        tier = self._cached_tier(asked.namespace)
        if tier is not None:
            record.tier = tier.name
            decision = await self._decided(asked, tier, decide)
        else:
            name = await self._tier_name(asked.namespace)
            if name is None:
                record.outcome = "ungoverned"
                return answer.answer(asked, Decision(), tier="")
            record.tier = name
            decision = await self._decided_live(asked, name, decide)
        record.outcome = _outcome(decision)
        record.rules = tuple([violation.rule for violation in decision.violations])
        if decision.unchecked:
            record.detail = "quotas not checked: usage is not known yet"
        return answer.answer(asked, decision, tier=record.tier)

    def _cached_tier(self, namespace: str) -> Tier | None:
        """Return the tier of a namespace if the caches know both and may be relied on: nearly always."""
        facts = self._facts
        if facts.stale():
            return None
        known = facts.namespace(namespace)
        return facts.tier(known.tier) if known is not None and known.tier else None

    async def _decided_live(self, asked: Question, name: str, decide: Decide) -> Decision:
        """Decide under a tier that the caches do not vouch for; refuse where there is no usable one."""
        try:
            tier = await self._tier(name) if name else None
        except Malformed as fault:
            return evaluate.unusable_tier(name, str(fault))
        return evaluate.no_such_tier(name) if tier is None else await self._decided(asked, tier, decide)

    async def _decided(self, asked: Question, tier: Tier, decide: Decide) -> Decision:
        if who := evaluate.exemption(tier, user=asked.user, groups=asked.groups):
            return evaluate.exempt(who)
        return await decide(asked, tier)

    async def _tier_name(self, namespace: str) -> str | None:
        """Return the tier label of a namespace, read live before it is taken for ungoverned."""
        known = None if self._facts.stale() else self._facts.namespace(namespace)
        if known is None or known.tier is None:
            known = await self._facts.namespace_now(namespace, timeout=LIVE_TIMEOUT)
        return known.tier if known else None

    async def _tier(self, name: str) -> Tier | None:
        """Return the version in force: the last good one, read live where there is none or it may be old."""
        known = self._facts.tier(name)
        if known and not self._facts.stale():
            return known
        try:
            return await self._facts.tier_now(name, timeout=LIVE_TIMEOUT)
        except Malformed:
            if known:
                return known  # a later version that is invalid does not put the last good one out of force
            raise

    async def _defaults(self, asked: Question, tier: Tier) -> Decision:
        assert isinstance(asked.subject, Pod)  # noqa: S101  # the mutate door takes pods alone
        return evaluate.mutate(asked.subject, tier)

    async def _judged(self, asked: Question, tier: Tier) -> Decision:
        """Judge by cached usage; before a refusal that rests on it, read it once more live."""
        if tier.mode != "Enforce":
            return self._reported(asked, tier)

        def judge(quotas: tuple[QuotaStatus, ...]) -> Decision:
            now, minor = self._wall_clock(), self._facts.minor()
            return evaluate.validate(asked.subject, old=asked.old, tier=tier, quotas=quotas, now=now, minor=minor)

        facts, namespace = self._facts, asked.namespace
        if facts.stale():
            return judge(await facts.quotas_now(namespace, timeout=LIVE_TIMEOUT))
        decision = judge(facts.quotas(namespace))
        return decision if decision.allowed else await self._reconsidered(decision, namespace, judge)

    def _reported(self, asked: Question, tier: Tier) -> Decision:
        """Judge for a tier that refuses nothing: nobody waits for it, and no read that may fail is made."""
        used = self._facts.usage(asked.namespace, tier, type(asked.subject))
        foreign = tuple(one for one in self._facts.quotas(asked.namespace) if not one.managed)
        quotas = foreign + (used or ())
        return evaluate.report(
            asked.subject,
            old=asked.old,
            tier=tier,
            quotas=quotas,
            unchecked=used is None,
            now=self._wall_clock(),
            minor=self._facts.minor(),
        )

    async def _reconsidered(
        self, decision: Decision, namespace: str, judge: Callable[[tuple[QuotaStatus, ...]], Decision]
    ) -> Decision:
        """Return what becomes of a refusal: wait for a young quota, then read the usage it rests on live."""
        facts = self._facts
        deadline = self._clock() + PENDING_WAIT
        while decision.pending and (left := deadline - self._clock()) > 0:
            await facts.quotas_changed(left)
            decision = judge(facts.quotas(namespace))
        return judge(await facts.quotas_now(namespace, timeout=LIVE_TIMEOUT)) if decision.rests_on_usage else decision

    async def _namespace(self, body: bytes, record: Record) -> bytes:
        """Guard the tier label: the verb ``assign`` on the old and the new tier."""
        change = guard.ask_namespace(body)
        _envelope(record, change.envelope)
        record.namespace = record.name = change.namespace
        record.tier = change.after or ""
        if change.before == change.after:
            return answer.allowed(change.envelope.uid)
        causes = [*self._protected(change), *await self._not_permitted(change)]
        if causes:
            return _refused(change.envelope, causes, record, name=change.namespace)
        return answer.allowed(change.envelope.uid, await self._label_warnings(change))

    def _protected(self, change: guard.LabelChange) -> list[Cause]:
        name = change.namespace
        if change.after is None or not is_protected(name, release_namespace=self._release_namespace):
            return []
        text = f'namespace "{name}" may not join a tier: refusing its pods could lock the cluster out'
        return [Cause("namespace-protected", text, "/metadata/labels/tiergate.io~1tier")]

    async def _not_permitted(self, change: guard.LabelChange) -> list[Cause]:
        user = change.envelope.user
        # An empty label names no tier, and an access review without a name asks about all of them.
        tiers = sorted({tier for tier in (change.before, change.after) if tier is not None})
        permitted = await asyncio.gather(*(self._permissions.may_assign(user, tier) for tier in tiers))
        return [
            Cause(
                "tier-assign",
                f'user "{shortened(user.username)}" may not put namespace "{change.namespace}" into or out of tier '
                f'"{shortened(tier)}"; it takes the verb "assign" on tiers.tiergate.io/{shortened(tier)} '
                "(ClusterRole tiergate-tier-assigner)",
                "/metadata/labels/tiergate.io~1tier",
            )
            for tier, allowed in zip(tiers, permitted, strict=True)
            if not allowed
        ]

    async def _label_warnings(self, change: guard.LabelChange) -> tuple[str, ...]:
        name = change.after
        if name is None or self._facts.tier(name):
            return ()
        try:
            if name and await self._facts.tier_now(name, timeout=LIVE_TIMEOUT):
                return ()
        except Malformed as fault:
            return (f'tier "{name}" cannot be in force, pods in {change.namespace} are refused: {fault}',)
        return (f'tier "{name}" does not exist yet; until it does, pods in {change.namespace} are refused',)

    async def _tier_object(self, body: bytes, record: Record) -> bytes:
        """Judge a Tier: all faults at once; one in use cannot be deleted."""
        change = guard.ask_tier(body)
        _envelope(record, change.envelope)
        record.name = record.tier = change.name
        if change.tier is None:
            causes = self._in_use(change.name)
        elif change.spec_unchanged:
            return answer.allowed(change.envelope.uid)
        else:
            causes = [_fault_cause(one) for one in faults(change.tier)]
        if causes:
            first = f'tier "{shortened(change.name)}":'
            return _refused(change.envelope, causes, record, name=change.name, first=first)
        return answer.allowed(change.envelope.uid, guard.tier_warnings(change.tier) if change.tier else ())

    def _in_use(self, name: str) -> list[Cause]:
        namespaces = self._facts.namespaces_of(name)
        if not namespaces:
            return []
        more = f" and {len(namespaces) - MAX_NAMED} more" if len(namespaces) > MAX_NAMED else ""
        text = (
            f"in use by {', '.join(namespaces[:MAX_NAMED])}{more}; "
            "move these namespaces to another tier or remove their label tiergate.io/tier first"
        )
        return [Cause("tier-in-use", text, "")]


def _fault_cause(fault: Fault) -> Cause:
    return Cause("tier-invalid", f"{fault.pointer}: {fault.reason}", fault.pointer)


def _refused(envelope: Envelope, causes: list[Cause], record: Record, *, name: str, first: str = "") -> bytes:
    record.outcome = "denied"
    record.rules = tuple(cause.reason for cause in causes)
    return answer.denied(envelope.uid, tuple(causes), name=name, kind=envelope.what, first=first)


def _question(record: Record, asked: Question) -> None:
    record.uid, record.kind, record.operation = asked.uid, asked.kind, asked.operation
    record.namespace, record.name, record.dry_run = asked.namespace, asked.name, asked.dry_run


def _envelope(record: Record, envelope: Envelope) -> None:
    record.uid, record.kind, record.operation = envelope.uid, envelope.what, envelope.operation
    record.namespace, record.name = envelope.namespace or "", envelope.name or ""
    record.dry_run = bool(envelope.dryRun)


def _outcome(decision: Decision) -> Outcome:
    if decision.exempt:
        return "exempt"
    if decision.mode != "Enforce":
        return _REPORTED[decision.mode] if decision.violations or decision.defaults else "allowed"
    if decision.violations:
        return "denied"
    return "patched" if decision.patch else "allowed"
