"""One review: read it, gather facts, decide, gather what the decision asks for, answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from tiergate.admission.request import AdmissionRequest, read
from tiergate.admission.response import respond
from tiergate.admission.review import BadReview
from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.core.decide import decide
from tiergate.core.decision import Decision
from tiergate.core.request import Endpoint, Unreadable
from tiergate.core.text import shortened
from tiergate.server.endpoints.namespaces import LabelFacts
from tiergate.server.endpoints.objects import ObjectFacts
from tiergate.server.endpoints.reading import Deadline, Gatherer, OutOfTimeError, Permissions, State
from tiergate.server.endpoints.tiers import TierFacts

TIMEOUT: Final = 5.0
"""Seconds that the API server waits where it does not say: the chart's default."""

Outcome = Literal[
    "allowed", "patched", "denied", "warned", "audited", "exempt", "malformed", "ungoverned", "bad-request", "error"
]


class Record(msgspec.Struct, rename="camel"):
    """What the log line of one review says; never the object itself."""

    endpoint: str
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
    """Answers reviews at every endpoint."""

    def __init__(
        self,
        state: State,
        permissions: Permissions,
        *,
        release_namespace: str,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the state, the permissions, our own namespace, and two clocks in seconds: monotonic, since the epoch."""
        self._clock = clock
        objects = ObjectFacts(state, release_namespace=release_namespace, wall_clock=wall_clock)
        labels = LabelFacts(state, permissions, release_namespace=release_namespace, wall_clock=wall_clock)
        tiers = TierFacts(state, release_namespace=release_namespace, wall_clock=wall_clock)
        self._gatherers: Mapping[Endpoint, Gatherer] = {
            "mutate": objects,
            "validate": objects,
            "namespaces": labels,
            "tiers": tiers,
        }

    async def answer(self, endpoint: Endpoint, body: bytes, *, timeout: float = TIMEOUT) -> Answer:  # noqa: ASYNC109
        """Return the answer to a review, for which the API server waits so many seconds.

        Raises:
            AdmissionFailed: A failure of ours.
        """
        record, deadline = Record(endpoint), Deadline(self._clock, timeout)
        try:
            request = read(endpoint, body)
            _describe(record, request)
            decision = await self._decide(request, record, deadline)
            _conclude(record, request, decision)
            return Answer(200, respond(request, decision), record)
        except BadReview as error:
            record.uid, record.outcome, record.detail = error.uid, "bad-request", shortened(str(error))
            return Answer(400, record.detail.encode() + b"\n", record)
        except Exception as error:
            record.outcome, record.detail = "error", f"{type(error).__name__}: {shortened(str(error))}"
            raise AdmissionFailed(record) from error

    async def _decide(self, request: AdmissionRequest, record: Record, deadline: Deadline) -> Decision:
        """Decide on cached facts, and again on fresh ones as long as the decision asks for them."""
        gatherer = self._gatherers[request.endpoint]
        facts = gatherer.facts(request)
        while True:
            decision = decide(request, facts)
            record.tier = decision.tier
            if not decision.needs_fresh:  # as nearly always
                return decision
            before = facts
            try:
                facts = await gatherer.fresh(request, facts, decision.needs_fresh, deadline)
            except (ApiError, Unreachable, OutOfTimeError) as error:
                if not decision.optional:
                    raise
                record.detail = f"{type(error).__name__}: {shortened(str(error))}"
                return decision
            if facts is before:
                msg = f"nothing reads {', '.join(sorted(decision.needs_fresh))} for /{request.endpoint}"
                raise AssertionError(msg)


def _describe(record: Record, request: AdmissionRequest) -> None:
    """Note what is asked."""
    record.uid, record.kind, record.operation = request.uid, request.resource, request.operation
    record.namespace, record.name, record.dry_run = request.namespace, request.name, request.dry_run


def _conclude(record: Record, request: AdmissionRequest, decision: Decision) -> None:
    """Note what came of it. Each rule is named once: an object with many faults must not fill the log."""
    record.outcome = _outcome(request, decision)
    record.rules = tuple(dict.fromkeys([finding.rule for finding in decision.findings]))
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
    if decision.mode == "Enforce":
        return "allowed"  # with warnings
    return "warned" if decision.mode == "Warn" else "audited"
