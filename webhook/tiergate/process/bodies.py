"""JSON request bodies with two limits: the size of one body, and the bytes of all bodies in the process."""

import asyncio
from collections.abc import Iterable
from typing import ClassVar, Final

from tiergate.process.answers import CLOSE, CONTENT_LENGTH, CONTENT_TYPE, JSON, MAX_DISCARDED_BYTES, Header
from tiergate.process.service import Message, Receive

MAX_BODY_BYTES: Final = 40 * 2**20
"""Bytes of one review: up to six times the object in it, and twice that with oldObject."""
MAX_BYTES_IN_FLIGHT: Final = 160 * 2**20
"""Bytes of all bodies that are being read or answered in this process."""
READ_TIMEOUT: Final = 30.0
"""Seconds for one whole body; the API server never waits longer for a webhook."""


class Refused(Exception):
    """A body that is refused: the HTTP status, the reason label of the counter, and a line for the client."""

    status: ClassVar[int]
    reason: ClassVar[str]
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


class Truncated(Refused):
    """The body ended early or did not arrive in time."""

    status, reason, text = 400, "truncated", b"the body is not complete\n"


class Bodies:
    """Reads bodies and counts their bytes; ``held`` is the number of bytes in use now."""

    def __init__(
        self, *, limit: int = MAX_BODY_BYTES, in_flight: int = MAX_BYTES_IN_FLIGHT, seconds: float = READ_TIMEOUT
    ) -> None:
        """Set both limits in bytes, and the time for one body in seconds."""
        self._limit = limit
        self._in_flight = in_flight
        self._seconds = seconds
        self.held = 0

    async def read(self, headers: Iterable[Header], receive: Receive) -> bytes:
        """Return the whole body; the caller must call ``release`` when it is done with it.

        Raises:
            Refused: One of its subclasses; the rest of the body is unread.
        """
        self._check_headers(headers)
        message = await receive()
        if message["type"] == "http.request" and not message["more_body"]:  # one segment: nearly every review
            body: bytes = message["body"]
            self._account(len(body), len(body))
            return body
        return await self._collect(message, receive)

    def release(self, body: bytes) -> None:
        """Subtract the bytes of a body that ``read`` returned."""
        self.held -= len(body)

    def _check_headers(self, headers: Iterable[Header]) -> None:
        """Check the headers before anything is read."""
        json = False
        for name, value in headers:
            if name == CONTENT_TYPE:
                json = value == JSON or value.partition(b";")[0].strip().lower() == JSON
            elif name == CONTENT_LENGTH and int(value) > self._limit:  # the server refuses anything but a number
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
                    self._account(len(part), total + len(part))
                    total += len(part)
                    parts.append(part)
                    if not message["more_body"]:
                        total = 0  # the caller releases them
                        return b"".join(parts)
                    message = await receive()
        except TimeoutError as error:
            raise Truncated from error
        finally:
            self.held -= total
        raise Truncated

    def _account(self, size: int, total: int) -> None:
        if total > self._limit:
            raise TooLarge
        if self.held + size > self._in_flight:
            raise Overloaded
        self.held += size
