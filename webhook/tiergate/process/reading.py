"""What reads the bytes of a connection for the protocol of HTTP, when it is its turn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiergate.process.deliveries import Deliveries
    from tiergate.process.held import HeldAnswer

READ_BYTES: Final = 2**18
"""As much as uvloop decrypts in one turn."""
SPARE_BYTES: Final = 256
"""Which uvloop asks for beyond what has arrived."""
EMPTY_BYTES: Final = 2**15
"""Bytes of a connection after its handshake that may bring no HTTP: frames of records, and one that is not whole."""
PLAIN_BYTES: Final = 2**14
"""What is read of a connection without TLS at a time: it is kept here while it waits for its turn."""


class Served(asyncio.Protocol):
    """The protocol of a connection behind its handshake."""

    transport: asyncio.Transport
    held: HeldAnswer
    on_lost: Callable[[], None]
    on_review: Callable[[], None]
    """To be called when a review was answered, at least the first time."""

    def waiting_since(self) -> float | None:
        """Return since when the client keeps us waiting; None while it does not."""
        raise NotImplementedError

    def is_bulky(self) -> bool:
        """Say whether much of the present request has come, and more will."""
        raise NotImplementedError

    def is_paused(self) -> bool:
        """Say whether the protocol itself wants no bytes now."""
        raise NotImplementedError

    def working_since(self) -> float:
        """Return since when we are at work for a client that does not."""
        raise NotImplementedError


class Reading(asyncio.BufferedProtocol):
    """Reads for a protocol into a buffer that all connections share: it is empty again before the next one reads.

    A plain protocol is handed new bytes, for which uvloop takes 256 KiB from the system and gives them back each time.
    A connection that keeps us busy with TLS that carries no HTTP, as updates of keys do, is ended. One whose address
    brings much in this pass of the loop waits for a later one: of TLS nothing is decrypted until then.
    """

    transport: asyncio.Transport

    def __init__(
        self,
        protocol: Served,
        buffer: memoryview,
        deliveries: Deliveries,
        opened: Callable[[], None],
        *,
        peer: str,
        encrypted: bool,
    ) -> None:
        """Stand before a protocol, for an address; ``opened`` is called when it has its transport."""
        self._buffer = buffer if encrypted else buffer[:PLAIN_BYTES]
        self._protocol = protocol
        self._deliveries = deliveries
        self._opened = opened
        self._peer = peer
        self._encrypted = encrypted
        self._arrived = 0
        self._read = 0
        self._waits = False
        self._has_turn = False
        self._kept = b""
        self.connection_lost = protocol.connection_lost  # type: ignore[method-assign]
        self.eof_received = protocol.eof_received  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Note what to pause. What is not decrypted while it is paused stays in the system, not in uvloop."""
        self.transport = transport
        if self._encrypted:
            transport.set_read_buffer_limits(1, 0)  # type: ignore[attr-defined]  # uvloop's, as asyncio's own
        self._protocol.connection_made(transport)
        self._opened()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go; of TLS ``sizehint`` says how many have arrived that are not decrypted yet."""
        if not self._encrypted:
            return self._buffer
        if not self._may_go_on():
            return self._buffer[:0]
        if self._arrived > 2 * self._read + EMPTY_BYTES:
            self._protocol.transport.abort()
            return self._buffer[:0]
        self._arrived += max(sizehint - SPARE_BYTES, 0)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what was read; without TLS, when it is its turn."""
        self._read += nbytes
        data = bytes(self._buffer[:nbytes])
        if self._encrypted or self._may_go_on():
            self._protocol.data_received(data)
        else:
            self._kept += data

    def _may_go_on(self) -> bool:
        """Say whether it is this connection's turn; else let it wait for that."""
        if self._has_turn:
            self._has_turn = False
            if not self._is_late():
                return True
        elif not self._waits:
            bulky = self._protocol.is_bulky()
            if self._deliveries.take(self._peer, bulky=bulky):
                return True
            self._waits = True
            self._deliveries.wait(self._peer, self._go_on, bulky=bulky)
        self.transport.pause_reading()
        return False

    def _is_late(self) -> bool:
        self._waits = self._deliveries.is_late(self._peer, self._go_on, bulky=self._protocol.is_bulky())
        return self._waits

    def _go_on(self) -> None:
        """Read what has been waiting; the protocol may have wanted no more meanwhile, and then says itself when."""
        self._waits = False
        if self.transport.is_closing():
            return
        if self._kept:
            if self._is_late():
                return
            kept, self._kept = self._kept, b""
            self._protocol.data_received(kept)
        else:
            self._has_turn = True
        if not self._protocol.is_paused() and not self.transport.is_closing():
            self.transport.resume_reading()
