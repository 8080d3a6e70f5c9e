"""JSON request bodies: light ones always, small ones within a budget of bytes, large ones few at a time, none slow.

A body counts until its answer is written. Whoever stops sending makes room for whoever goes on: where a budget is full,
the body that has been arriving for longest is given up, so that unfinished bodies never refuse a whole one.
"""

import asyncio
import io
from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, Final

from tiergate.metrics.recorder import ErrorReason
from tiergate.process.answers import CLOSE, CONTENT_LENGTH, CONTENT_TYPE, JSON, MAX_DISCARDED_BYTES, RETRY_AFTER, Header
from tiergate.process.memory import give_back
from tiergate.process.service import Message, Receive
from tiergate.process.slots import Slots

MAX_BODY_BYTES: Final = 40 * 2**20
"""Bytes of one review: up to six times the object in it, and twice that with oldObject."""
LIGHT_BYTES: Final = 2**16
"""A body up to here is taken whatever else is held: the number of connections bounds these."""
SMALL_BYTES: Final = 2**20
"""A body up to here is small; nearly every review is a hundred times smaller."""
MAX_SMALL_IN_FLIGHT: Final = 32 * 2**20
"""Bytes of all small bodies above the light ones that are being read or answered; half of it for one peer address."""
SMALL_SECONDS: Final = 10.0
"""Seconds for one whole small body."""
PACE_SECONDS: Final = 1.0
PACE_BYTES: Final = 8 * 2**20
"""A large body must bring as many further bytes (or its end) in so many seconds; the API server sends all in one."""
HURRIED_SECONDS: Final = 0.4
"""The same while another address waits for a slot. The longest body is whole before the other has waited too long."""
GARBAGE_BYTES: Final = 32 * 2**20
"""Bytes of answered bodies after which cyclic garbage is looked for, should an answer have left any."""


QUIET_SECONDS: Final = 5.0
"""After a body that is not light, what fewer bytes left is looked for, too: the last ones would keep it."""


class Refused(Exception):
    """A body that is refused: the HTTP status, the reason label of the counter, and a line for the client."""

    status: ClassVar[int]
    reason: ClassVar[ErrorReason]
    text: ClassVar[bytes]
    headers: tuple[Header, ...] = ()


class WrongType(Refused):
    """The content type is not JSON."""

    status, reason, text = 415, "content-type", b"content type must be application/json\n"


class TooLarge(Refused):
    """The body exceeds the limit."""

    status, reason, text = 413, "too-large", b"the body is too large\n"

    def __init__(self, declared: int = 0) -> None:
        """Announce the end of the connection if the declared length is more than the server discards."""
        super().__init__(declared)
        self.headers = (CLOSE,) if declared > MAX_DISCARDED_BYTES else ()


class Overloaded(Refused):
    """The process holds as many bytes as the limit allows."""

    status, reason, text = 503, "overloaded", b"too many bytes in flight\n"
    headers = (RETRY_AFTER,)


class Truncated(Refused):
    """The body ended early or did not arrive in time."""

    status, reason, text = 400, "truncated", b"the body is not complete\n"
    headers = (CLOSE,)  # what is still to come of it would be waited for


def declared_length(headers: Iterable[Header]) -> int:
    """Return the length of a body as its headers say it, 0 where they do not."""
    return next((int(value) for name, value in headers if name == CONTENT_LENGTH), 0)


class _Arriving:
    """One body that is not whole yet."""

    def __init__(self, peer: str, limit: asyncio.Timeout) -> None:
        self.peer = peer
        self.limit = limit
        self.size = 0
        self.counted = 0  # of ``size``, what the small bodies' budget counts
        self.large = False  # and has a slot
        self.dropped = False
        self._bytes = io.BytesIO()  # its value is what was written into it, not a second copy

    def add(self, part: bytes) -> None:
        self._bytes.write(part)
        self.size += len(part)

    def whole(self) -> bytes:
        return self._bytes.getvalue()

    def drop(self) -> None:
        """Free the bytes now, and end the waiting for more."""
        self.dropped = True
        self.size = 0
        self._bytes = io.BytesIO()
        self.end_at(0)

    def end_at(self, when: float | None) -> None:
        """Set the time limit, unless it is over: its task may not have been told yet."""
        if not self.limit.expired():
            self.limit.reschedule(when)


class Bodies:
    """Reads bodies and counts their bytes."""

    def __init__(self, *, in_flight: int = MAX_SMALL_IN_FLIGHT) -> None:
        """Set the limit in bytes of all small bodies together."""
        self._in_flight = in_flight
        self._held = 0
        self._small = 0
        self._of_peer = Counter[str]()
        self._slots = Slots()
        self._since_collection = 0
        self._later: asyncio.TimerHandle | None = None
        self._arriving: dict[_Arriving, None] = {}  # in the order in which they began

    @property
    def held(self) -> int:
        """Bytes in use now."""
        return self._held

    async def read(self, headers: Iterable[Header], receive: Receive, *, peer: str = "") -> bytes:
        """Return the whole body; the caller must call ``release`` when it is done with it and with its answer.

        Args:
            headers: The request's.
            receive: ASGI's.
            peer: The address it comes from.

        Raises:
            Refused: One of its subclasses; the rest of the body is unread.
        """
        declared = self._declared(headers)
        message = await receive()
        if message["type"] == "http.request" and not message["more_body"]:  # one segment: nearly every review
            body: bytes = message["body"]
            if len(body) <= SMALL_BYTES:
                if len(body) > LIGHT_BYTES:
                    self._count(peer, len(body))
                self._held += len(body)
                return body
        try:
            async with asyncio.timeout(SMALL_SECONDS) as limit:
                return await self._collect(message, receive, declared, _Arriving(peer, limit))
        except TimeoutError as error:
            raise Truncated from error

    def release(self, size: int, *, peer: str = "") -> None:
        """Subtract the bytes of a body of this size that ``read`` returned."""
        self._held -= size
        if size > SMALL_BYTES:
            self._slots.give(peer)
        elif size > LIGHT_BYTES:
            self._count(peer, -size)
        self._collect_garbage(size)

    def _collect_garbage(self, size: int) -> None:
        """Bound what a cycle could keep by bytes: the collector's own thresholds count objects, whatever their size."""
        self._since_collection += size
        if self._since_collection > GARBAGE_BYTES:
            self._give_back()
        elif size > LIGHT_BYTES and self._later is None:
            self._later = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._give_back)

    def _give_back(self) -> None:
        if self._later is not None:
            self._later.cancel()
        self._later, self._since_collection = None, 0
        give_back()

    def _declared(self, headers: Iterable[Header]) -> int:
        """Check the headers before anything is read; return the declared length, 0 where there is none."""
        json, declared = False, 0
        for name, value in headers:
            if name == CONTENT_TYPE:
                json = value == JSON or value.partition(b";")[0].strip().lower() == JSON
            elif name == CONTENT_LENGTH:
                declared = int(value)  # the server refuses anything but a number
        if declared > MAX_BODY_BYTES:
            raise TooLarge(declared)
        if not json:
            raise WrongType
        return declared

    async def _collect(self, message: Message, receive: Receive, declared: int, body: _Arriving) -> bytes:
        self._arriving[body] = None
        whole = False
        try:
            while message["type"] == "http.request":
                await self._take(body, message["body"], declared)
                if not message["more_body"]:
                    whole = True  # the caller releases it
                    return body.whole()
                message = await receive()
                if body.dropped:  # and the limit has not ended the waiting before this message came
                    raise Overloaded
            raise Truncated
        except asyncio.CancelledError:
            if body.dropped:  # by ``drop``, through the time limit
                raise Overloaded from None
            raise
        finally:
            del self._arriving[body]
            if not whole:
                self._forget(body)

    async def _take(self, body: _Arriving, part: bytes, declared: int) -> None:
        """Take a further part; a large body first waits for a slot, with its client held back."""
        total = body.size + len(part)
        if total > MAX_BODY_BYTES:
            raise TooLarge
        size = max(total, declared)
        if size > SMALL_BYTES:
            await self._take_of_large(body, len(part))
        elif size > LIGHT_BYTES:
            self._count(body.peer, total - body.counted, but=body)
            body.counted = total
        body.add(part)
        self._held += len(part)

    async def _take_of_large(self, body: _Arriving, more: int) -> None:
        if not body.large:
            body.end_at(None)  # waiting has a limit of its own
            if not await self._slots.take(body.peer):
                raise Overloaded
            body.large = True
            self._pace(body)
            if body.dropped:  # in the same moment
                raise Overloaded
            self._uncount(body)
        elif (body.size + more) // PACE_BYTES > body.size // PACE_BYTES:
            self._pace(body)

    def _pace(self, body: _Arriving) -> None:
        """Set the time for the next bytes of a body that has a slot."""
        seconds = HURRIED_SECONDS if self._slots.wanted(body.peer) else PACE_SECONDS
        body.end_at(asyncio.get_running_loop().time() + seconds)

    def _count(self, peer: str, size: int, *, but: _Arriving | None = None) -> None:
        """Count bytes of small bodies, and give up unfinished ones where they fill the budget."""
        while size > 0 and (excess := self._excess(peer, size)):
            for one in self._arriving:
                if one is not but and one.counted and (excess == "all" or one.peer == peer):
                    self._uncount(one)
                    self._held -= one.size
                    one.drop()
                    break
            else:
                raise Overloaded
        self._small += size
        self._of_peer[peer] += size
        if not self._of_peer[peer]:
            del self._of_peer[peer]

    def _excess(self, peer: str, size: int) -> str:
        """Say whose bytes are too many with so many more: the peer's, all, or nobody's."""
        if self._of_peer[peer] + size > max(self._in_flight // 2, SMALL_BYTES):
            return "peer"
        return "all" if self._small + size > self._in_flight else ""

    def _uncount(self, body: _Arriving) -> None:
        if body.counted:
            self._count(body.peer, -body.counted)
            body.counted = 0

    def _forget(self, body: _Arriving) -> None:
        self._uncount(body)
        self._held -= body.size
        if body.large:
            self._slots.give(body.peer)
