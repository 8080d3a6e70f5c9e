"""The endpoints that the API server calls: transport in, transport out, one log line and one count for each review."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from tiergate.core.text import shortened
from tiergate.process.answers import ANSWERED, CLOSE, HOLD, JSON, TEXT, method_not_allowed, not_found, refuse, respond
from tiergate.process.bodies import Bodies, Refused, declared_length
from tiergate.server.admission import TIMEOUT, AdmissionFailed, Answer, Record
from tiergate.server.endpoints.reading import OutOfTimeError, UnreadError
from tiergate.server.large_reviews import CannotReadError
from tiergate.server.log_allowance import LogAllowance
from tiergate.server.pacing import Pacing
from tiergate.wire.kinds import ENDPOINTS, NOUNS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tiergate.core.request import Endpoint
    from tiergate.metrics.recorder import Recorder
    from tiergate.process.answers import Header
    from tiergate.process.service import Receive, Scope, Send

LONGEST: Final = 253
"""Characters of a client's text in a log line: the longest name an object can have."""
OK: Final = 200
STDOUT: Final = 1
FAULT: Final = b"internal error\n"
EXPECTED: Final[tuple[tuple[type[Exception], bytes], ...]] = (
    (UnreadError, b"what the verdict needs could not be read from the API server: try again\n"),
    (OutOfTimeError, b"there was no time for a verdict: try again\n"),
    (CannotReadError, b"too many large reviews at once: try again\n"),
)
"""What load and the API server's absence do to a review, and what is said of it: no fault of ours, so no traceback.

The API server shows the text to whoever asked.
"""

logger = logging.getLogger(__name__)


class Reviewer(Protocol):
    """Turns the bytes of one review into the bytes of its answer."""

    async def answer(self, endpoint: Endpoint, body: bytes, *, timeout: float, peer: str) -> Answer:  # noqa: ASYNC109
        """Answer one review; any exception becomes a 500, so that failurePolicy decides."""


class _Line(msgspec.Struct, rename="camel"):
    time: datetime
    level: str
    message: str
    endpoint: str
    uid: str
    kind: str
    operation: str
    namespace: str
    name: str
    tier: str
    outcome: str
    rules: tuple[str, ...]
    dry_run: bool
    detail: str
    status: int
    milliseconds: float


_TIMEOUTS: Final = {b"timeout=%ds" % seconds: float(seconds) for seconds in range(1, 31)}
"""The API server's query, and the seconds that it waits: a webhook configuration allows 1 to 30."""
_encode: Final = msgspec.json.Encoder().encode


def write_out(lines: bytes) -> None:
    """Write lines to standard output, all of them."""
    while lines:
        lines = lines[os.write(STDOUT, lines) :]


class Routes:
    """ASGI for everything on the main port that is not a probe or a page."""

    def __init__(
        self,
        admission: Reviewer,
        recorder: Recorder,
        *,
        bodies: Bodies | None = None,
        write: Callable[[bytes], None] = write_out,
    ) -> None:
        """Put admission behind the endpoints; ``write`` takes log lines, each with its newline."""
        self._admission = admission
        self._recorder = recorder
        self._bodies = bodies or Bodies()
        self._write = write
        self._lines: list[bytes] = []
        self._allowance = LogAllowance()
        self._pacing = Pacing()

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of request bodies held now."""
        return self._bodies.held

    def http(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Return the coroutine that answers one request."""
        endpoint = ENDPOINTS.get(scope["path"])
        if endpoint is None:
            return not_found(send)
        if scope["method"] != "POST":
            return method_not_allowed(send, b"POST")
        return self._review(endpoint, scope, receive, send)

    async def _review(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        peer: str = (scope.get("client") or ("",))[0]
        arrived = time.perf_counter()
        try:
            body = await self._bodies.read(scope["headers"], receive, peer=peer)
        except Refused as refused:
            await self._refuse(endpoint, scope, send, refused, peer)
            return
        started, size = time.perf_counter(), len(body)
        waits = _TIMEOUTS.get(scope["query_string"], TIMEOUT) - (started - arrived)
        try:
            try:
                answer = await self._admission.answer(endpoint, body, timeout=waits, peer=peer)
            except AdmissionFailed as error:
                answer = self._failed(error.record, error.__cause__)
            except Exception as error:  # noqa: BLE001 - a verdict is what we owe; without one failurePolicy decides
                answer = self._failed(Record(endpoint, outcome="error"), error)
            del body  # it is gone before the answer is written
            record, seconds = answer.record, time.perf_counter() - started
            headers: tuple[Header, ...] = ()
            whose = record.namespace if answer.status == OK else ""
            if pause := self._pacing.wait(peer, whose, size=size, held=record.held):
                self._bodies.release(size, peer=peer)  # others need the room meanwhile
                size = 0
                headers = await _held_back(scope, min(pause, waits / 2 - seconds))  # no part of how long it took
            if answer.status == OK and (note := scope.get("state", {}).get(ANSWERED)) is not None:
                note()
            kind = JSON if answer.status == OK else TEXT
            await respond(send, answer.status, answer.body, content_type=kind, headers=headers)
        finally:
            self._bodies.release(size, peer=peer)
        self._report(answer, seconds, peer)

    async def _refuse(self, endpoint: Endpoint, scope: Scope, send: Send, refused: Refused, peer: str) -> None:
        """Answer a request whose body is not read."""
        self._recorder.error(endpoint=endpoint, reason=refused.reason)
        size = declared_length(scope["headers"])  # what is unread of it is received and discarded
        headers = refused.headers
        if pause := self._pacing.wait(peer, "", size=size):  # it would be sent again at once
            headers = (*headers, *await _held_back(scope, pause))
        await refuse(send, refused.status, refused.text, headers=headers)

    def _failed(self, record: Record, error: BaseException | None) -> Answer:
        fields = {"endpoint": record.endpoint, "uid": record.uid[:LONGEST], "error": shortened(str(error))}
        text = next((text for kind, text in EXPECTED if isinstance(error, kind)), FAULT)
        traced = error if text is FAULT else None
        logger.error("review failed", exc_info=traced, extra={"fields": fields})
        self._recorder.error(endpoint=record.endpoint, reason="internal")
        return Answer(500, text, record)

    def _report(self, answer: Answer, seconds: float, peer: str) -> None:
        """Count and log one review that has been answered."""
        record, endpoint = answer.record, answer.record.endpoint
        kind = record.kind if record.kind in NOUNS else ""  # others would be a client's to choose
        tier = record.tier_label if endpoint != "namespaces" else ""  # there it is a label that is only asked for
        rule = record.rules[0] if record.rules else ""
        self._recorder.review(
            endpoint=endpoint, kind=kind, tier=tier, outcome=record.outcome, rule=rule, seconds=seconds
        )
        if not self._allowance.may_log(peer):
            return
        if self._allowance.left_out:
            left_out = self._allowance.take_left_out()
            logger.warning("reviews were not logged: too many of one address", extra={"fields": {"count": left_out}})
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._write_lines)
        self._lines.append(_encode(_line(record, answer.status, seconds)))

    def _write_lines(self) -> None:
        """Write the lines of one turn of the event loop together: under load many reviews are answered in one.

        What ends the process in an orderly way lets the turn end; what kills it loses the lines of that turn.
        """
        lines, self._lines = self._lines, []
        try:
            self._write(b"\n".join([*lines, b""]))
        except OSError:  # whoever read our standard output is gone: the answers have been sent all the same
            self._recorder.error(endpoint="", reason="log")


def _line(record: Record, status: int, seconds: float) -> _Line:
    return _Line(
        datetime.now(UTC),
        "info",
        "review",
        record.endpoint,
        record.uid[:LONGEST],
        record.kind[:LONGEST],
        record.operation[:LONGEST],
        record.namespace[:LONGEST],
        record.name[:LONGEST],
        record.tier[:LONGEST],
        record.outcome,
        record.rules,
        record.dry_run,
        record.detail,
        status,
        round(seconds * 1000, 3),
    )


async def _held_back(scope: Scope, seconds: float) -> tuple[Header, ...]:
    """Hold an answer back; return the headers that it needs where its connection has to make room with it."""
    hold = scope.get("state", {}).get(HOLD)
    if hold is None:
        await asyncio.sleep(seconds)
        return ()
    return (CLOSE,) if await hold(seconds) else ()
