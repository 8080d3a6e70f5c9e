"""One review: read it, gather facts, decide, gather what the decision asks for, answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, Protocol

import msgspec

from tiergate.admission.request import AdmissionRequest, read, read_quickly
from tiergate.admission.response import respond
from tiergate.admission.review import BadReview
from tiergate.cluster.errors import ApiError, BodyTooLarge, Unreachable
from tiergate.core.decide import decide
from tiergate.core.decision import Decision
from tiergate.core.facts import Facts
from tiergate.core.request import Endpoint, Unreadable
from tiergate.core.text import shortened
from tiergate.server.endpoints.namespaces import LabelFacts
from tiergate.server.endpoints.objects import ObjectFacts
from tiergate.server.endpoints.reading import Deadline, Gatherer, OutOfTimeError, Permissions, State, UnreadError
from tiergate.server.endpoints.tiers import TierFacts
from tiergate.server.endpoints.workloads import WorkloadFacts
from tiergate.server.large_reviews import LargeReviews
from tiergate.server.loop_pass import LoopPass
from tiergate.server.turns import Origin, Turns, origin_of

TIMEOUT: Final = 5.0
"""Seconds that the API server waits where it does not say: the chart's default."""

LIGHT: Final = 16 * 2**10
"""Bytes of a review that is answered in the pass of the loop in which it came, if there is time left (ADR 21)."""
TWO_LIGHT: Final = 2 * LIGHT
"""The same if the fast decoder can read it: an update holds two light objects."""
LARGE: Final = 64 * 2**10
"""Bytes above which a review is read by another process; up to here only where the fast decoder cannot read it."""
READ_FAILURES: Final = (ApiError, Unreachable, BodyTooLarge, OutOfTimeError, msgspec.MsgspecError, RecursionError)
"""What a live read can end in: no answer, none in time, or one that cannot be what was asked for."""
UNKNOWN_TIER: Final = "(unknown)"
"""The label of every tier that the caches do not know: anybody who reaches the port can make up names."""

Outcome = Literal[
    "allowed", "patched", "denied", "warned", "audited", "exempt", "malformed", "ungoverned", "bad-request", "error"
]


class Record(msgspec.Struct):
    """What the log line of one review says; never the object itself.

    ``tier_label`` is the tier as a label of metrics: only what the caches know may become one. ``held`` is for how many
    seconds the review held the event loop.
    """

    endpoint: Endpoint
    uid: str = ""
    kind: str = ""
    operation: str = ""
    namespace: str = ""
    name: str = ""
    tier: str = ""
    tier_label: str = ""
    outcome: Outcome = "allowed"
    rules: tuple[str, ...] = ()
    dry_run: bool = False
    detail: str = ""
    held: float = 0.0


class DecisionObserver(Protocol):
    """Takes notice of decisions that others than the client should learn of."""

    def note(self, request: AdmissionRequest, decision: Decision, body: bytes, *, peer: str) -> None:
        """Take notice of a decision with findings, or on a workload; it must not wait, and not raise."""


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
    """Answers reviews at every endpoint."""

    def __init__(
        self,
        state: State,
        permissions: Permissions,
        *,
        release_namespace: str,
        observers: Iterable[DecisionObserver] = (),
        clock: Callable[[], float] = time.monotonic,
        loop_pass: LoopPass | None = None,
    ) -> None:
        """Take the state, the permissions, our own namespace, observers, a monotonic clock in seconds and a pass."""
        self._observers = tuple(observers)
        self._clock = clock
        self._turns = Turns()
        self._pass = loop_pass or LoopPass()
        self._large = LargeReviews()
        self._state = state
        objects = ObjectFacts(state, release_namespace=release_namespace)
        self._gatherers: Mapping[Endpoint, Gatherer] = {
            "mutate": objects,
            "validate": objects,
            "workloads": WorkloadFacts(state, release_namespace=release_namespace),
            "namespaces": LabelFacts(state, permissions, release_namespace=release_namespace),
            "tiers": TierFacts(state, release_namespace=release_namespace),
        }

    async def answer(
        self,
        endpoint: Endpoint,
        body: bytes,
        *,
        timeout: float = TIMEOUT,  # noqa: ASYNC109
        peer: str = "",
    ) -> Answer:
        """Return the answer to a review from a peer address, for which the API server waits so many seconds.

        Raises:
            AdmissionFailed: A failure of ours.
        """
        record, deadline = Record(endpoint), Deadline(self._clock, timeout, peer)
        try:
            request, facts, decision = await self._judge(record, body, deadline)
            while decision.needs_fresh is not None:  # hardly ever
                facts, decision = await self._judge_again(request, facts, decision, record, deadline)
            with self._pass:
                answered = self._tell(record, request, decision, body, peer)
            record.held += self._pass.latest
            return answered
        except BadReview as error:
            record.uid, record.outcome, record.detail = error.uid, "bad-request", shortened(str(error))
            return Answer(400, record.detail.encode() + b"\n", record)
        except Exception as error:
            record.outcome = "error"
            if not isinstance(error, UnreadError):
                record.detail = f"{type(error).__name__}: {shortened(str(error))}"
            raise AdmissionFailed(record) from error

    async def _judge(self, record: Record, body: bytes, deadline: Deadline) -> tuple[AdmissionRequest, Facts, Decision]:
        """Read a review and decide on cached facts, in this pass of the loop if there is time left, else in turn.

        A large review is read by another process.
        """
        size, endpoint = len(body), record.endpoint
        if size <= LARGE:
            if size > TWO_LIGHT or self._pass.is_spent or self._turns.waiting:
                await self._turn(origin_of(deadline.peer, body), deadline)
            with self._pass:  # one block for reading and deciding: to look at the CPU's clock is a system call
                request = read(endpoint, body) if size <= LIGHT else read_quickly(endpoint, body)
                found = None if request is None else self._decide(request, record)
            record.held += self._pass.latest
            if found is not None:
                return found
        origin = origin_of(deadline.peer, body)
        request = await self._large.read(endpoint, body, deadline, origin)
        await self._turn(origin, deadline)
        with self._pass:
            found = self._decide(request, record)
        record.held += self._pass.latest
        return found

    async def _turn(self, origin: Origin, deadline: Deadline) -> None:
        """Wait for a turn, and for a pass of the loop with time left; raise OutOfTimeError where it came too late."""
        async with self._turns.turn(origin):
            await asyncio.sleep(0)
        deadline.left()  # nobody waits for the answer any more

    def _tell(self, record: Record, request: AdmissionRequest, decision: Decision, body: bytes, peer: str) -> Answer:
        """Say what was decided: to the log, to whoever asks, to the observers."""
        record.tier_label = self._label(decision.tier)
        _conclude(record, request, decision)
        answered = Answer(200, respond(request, decision), record)
        if decision.findings or record.endpoint == "workloads":
            for observer in self._observers:
                observer.note(request, decision, body, peer=peer)
        return answered

    def stop(self) -> None:
        """End what reads large reviews; the next one starts it again."""
        self._large.stop()

    def _label(self, tier: str) -> str:
        return tier if not tier or self._state.tier(tier) is not None else UNKNOWN_TIER

    def _decide(self, request: AdmissionRequest, record: Record) -> tuple[AdmissionRequest, Facts, Decision]:
        """Decide on cached facts."""
        _describe(record, request)
        facts = self._gatherers[request.endpoint].facts(request)
        decision = decide(request, facts)
        record.tier = decision.tier
        return request, facts, decision

    async def _judge_again(
        self, request: AdmissionRequest, before: Facts, asking: Decision, record: Record, deadline: Deadline
    ) -> tuple[Facts, Decision]:
        """Decide on the fresh fact that a decision asks for."""
        needed = asking.needs_fresh
        assert needed is not None  # noqa: S101  # as the caller found
        try:
            facts = await self._gatherers[request.endpoint].fresh(request, before, needed, deadline)
        except READ_FAILURES as error:
            record.detail = f"{type(error).__name__}: {shortened(str(error))}"
            if not asking.optional:
                if isinstance(error, OutOfTimeError):
                    raise
                raise UnreadError(record.detail) from error
            facts = msgspec.structs.replace(before, unread=before.unread | {needed})
        if facts is before:
            msg = f"nothing reads {needed} for /{request.endpoint}"
            raise AssertionError(msg)
        if self._pass.is_spent:  # many may have waited for the same read
            await self._turn(Origin((deadline.peer, False), request.namespace.encode()), deadline)
        with self._pass:
            decision = decide(request, facts)
        record.held += self._pass.latest
        record.tier = decision.tier
        return facts, decision


def _describe(record: Record, request: AdmissionRequest) -> None:
    """Note what is asked."""
    record.uid, record.kind, record.operation = request.uid, request.resource, request.operation
    record.namespace, record.name, record.dry_run = request.namespace, request.name, request.dry_run


def _conclude(record: Record, request: AdmissionRequest, decision: Decision) -> None:
    """Note what came of it. Each rule is named once: an object with many faults must not fill the log."""
    record.outcome = _outcome(request, decision)
    if decision.findings:
        behind = [finding.because for finding in decision.findings if finding.because]
        record.rules = tuple(dict.fromkeys([*(finding.rule for finding in decision.findings), *behind]))
    if isinstance(request.subject, Unreadable):
        first = request.subject.faults[0]
        record.detail = f"{shortened(first.pointer) or 'object'}: {shortened(first.reason)}"
    elif decision.unchecked:
        record.detail = "quotas not checked: usage is not known, or incomplete"


def _outcome(request: AdmissionRequest, decision: Decision) -> Outcome:
    if not decision.findings and not decision.defaults and decision.governed and not decision.exempt:
        return "patched" if decision.patch else "allowed"  # as nearly always
    if not decision.governed:
        return "ungoverned"
    if decision.exempt:
        return "exempt"
    if isinstance(request.subject, Unreadable):
        return "malformed"
    if not decision.allowed:
        return "denied"
    if not (decision.violations or decision.defaults):
        return "allowed"  # with warnings
    return "warned" if decision.effect == "warn" else "audited"
