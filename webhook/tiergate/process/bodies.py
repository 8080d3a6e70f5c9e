"""JSON request bodies with two bounds: how large one may be, and how many bytes of them the process holds at once."""

import asyncio
from collections.abc import Iterable
from typing import ClassVar, Final

from tiergate.process.answers import AFTERMATH, CLOSE, CONTENT_LENGTH, CONTENT_TYPE, JSON, Header
from tiergate.process.service import Message, Receive

LIMIT: Final = 40 * 2**20
"""Bytes of one review: it can be six times the object it carries, and twice that with oldObject."""
IN_FLIGHT: Final = 160 * 2**20
"""Bytes of all bodies that are being read or judged in this process."""
SECONDS: Final = 30.0
"""The API server never waits longer for a webhook, so neither do we for a body."""


class Refused(Exception):
    """A body that will not be judged: the HTTP status, a word for the counter, and a line for the client."""

    status: ClassVar[int]
    reason: ClassVar[str]
    text: ClassVar[bytes]
    headers: tuple[Header, ...] = ()


class WrongType(Refused):
    """It does not say that it is JSON."""

    status, reason, text = 415, "content-type", b"content type must be application/json\n"


class TooLarge(Refused):
    """It exceeds the limit."""

    status, reason, text = 413, "too-large", b"the body is too large\n"

    def __init__(self, declared: int = 0) -> None:
        """Announce the end of the connection where the declared length is more than anybody would read to its end."""
        super().__init__(declared)
        self.headers = (CLOSE,) if declared > AFTERMATH else ()


class Overloaded(Refused):
    """The process holds as many bytes as it may."""

    status, reason, text = 503, "overloaded", b"too many bytes in flight\n"


class Truncated(Refused):
    """It ended before its end, or did not arrive in time."""

    status, reason, text = 400, "truncated", b"the body is not complete\n"


class Bodies:
    """Read bodies and account for them; ``held`` is the number of bytes now in use."""

    def __init__(self, *, limit: int = LIMIT, in_flight: int = IN_FLIGHT, seconds: float = SECONDS) -> None:
        """Set both bounds in bytes, and how long one body may take."""
        self._limit = limit
        self._in_flight = in_flight
        self._seconds = seconds
        self.held = 0

    async def read(self, headers: Iterable[Header], receive: Receive) -> bytes:
        """Return the whole body; the caller gives it back with ``release`` once it is done with it.

        Raises:
            Refused: One of its kinds; what is left of the body is unread.
        """
        self._admit(headers)
        message = await receive()
        if message["type"] == "http.request" and not message["more_body"]:  # one segment: nearly every review
            body: bytes = message["body"]
            self._take(len(body), len(body))
            return body
        return await self._collect(message, receive)

    def release(self, body: bytes) -> None:
        """Give back the bytes of a body that ``read`` returned."""
        self.held -= len(body)

    def _admit(self, headers: Iterable[Header]) -> None:
        """Judge what the headers say, before anything is read."""
        json = False
        for name, value in headers:
            if name == CONTENT_TYPE:
                json = value == JSON or value.partition(b";")[0].strip().lower() == JSON
            elif name == CONTENT_LENGTH and int(value) > self._limit:  # the server refuses what is no number
                raise TooLarge(int(value))
        if not json:
            raise WrongType

    async def _collect(self, message: Message, receive: Receive) -> bytes:
        parts: list[bytes] = []
        total = 0
        try:
            async with asyncio.timeout(self._seconds):
                while message["type"] == "http.request":
                    part: bytes = message["body"]
                    self._take(len(part), total + len(part))
                    total += len(part)
                    parts.append(part)
                    if not message["more_body"]:
                        total = 0  # the caller's from here on
                        return b"".join(parts)
                    message = await receive()
        except TimeoutError as error:
            raise Truncated from error
        finally:
            self.held -= total
        raise Truncated

    def _take(self, size: int, total: int) -> None:
        if total > self._limit:
            raise TooLarge
        if self.held + size > self._in_flight:
            raise Overloaded
        self.held += size
