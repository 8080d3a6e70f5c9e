"""What writes to a connection: an answer in one piece, and the end of a connection that reads nothing more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LINGER_SECONDS: Final = 1.0
"""For the last answer of a connection to arrive, if its client does not end it before."""


class Corked:
    """A transport that writes the head and the body of an answer as one: two are two TLS records and two packets.

    Everything that is written in one turn of the event loop goes out at its end.

    A TLS connection is never closed but aborted, after a while if anything was written lately. uvloop's closing would
    wait for the client to close, too, for half a minute, and decrypt whatever comes meanwhile, in no turn with others.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        *,
        clock: Callable[[], float] | None = None,
        call_later: Callable[[float, Callable[[], None]], Any] | None = None,
    ) -> None:
        """Stand before a transport; the clock in monotonic seconds and what calls later are the loop's."""
        self._transport = transport
        self._encrypted = transport.get_extra_info("ssl_object") is not None
        self._parts: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._clock = clock or self._loop.time
        self._call_later = call_later or self._loop.call_later
        self._written = float("-inf")
        self._closing = False
        self._end: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        """Forward everything else to the transport."""
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Say whether the last answer was written, or the connection has ended."""
        return self._closing or self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Keep bytes until the end of this turn; behind the last answer none are written."""
        if self._closing:
            return
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Send what is kept, then end the connection."""
        if self._closing:
            return
        self._flush()
        if not self._encrypted:
            self._transport.close()
        elif self._clock() - self._written < LINGER_SECONDS:
            self._closing = True
            self._end = self._call_later(LINGER_SECONDS, self._end_when_written)
        else:
            self._transport.abort()

    def lost(self) -> None:
        """Take notice that the connection has ended."""
        self._closing = True
        if self._end is not None:
            self._end.cancel()

    def _end_when_written(self) -> None:
        if self._transport.get_write_buffer_size():  # an answer that nobody reads is ended elsewhere
            self._end = self._call_later(LINGER_SECONDS, self._end_when_written)
        else:
            self._transport.abort()

    def _flush(self) -> None:
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            if not self._transport.is_closing():  # uvloop raises on a closed transport
                self._written = self._clock()
                self._transport.write(data)
