"""All open connections of the process: how many there may be, and which one makes room for a newcomer.

A newcomer always gets in (the next one may be the kubelet's probe, or the API server): the address with the most
connections loses the one that has been waiting for longest, in its handshake, in a request that is not whole, or idle.
A connection whose review is being answered is never closed.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from tiergate.process.memory import give_back

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

MAX_CONNECTIONS: Final = 384
"""50 KB each at rest, up to 400 KB in a body that stalls. An API server has as many as it has reviews under way."""
GARBAGE_CONNECTIONS: Final = 64
"""Ended connections after which their garbage is collected: uvicorn and uvloop leave them in cycles, with buffers."""
HANDSHAKE_SECONDS: Final = 5.0
READ_BYTES: Final = 2**16
"""Of one turn of one connection; a TLS record is a quarter of it."""
ACCEPT_PAUSE: Final = 0.1

logger = logging.getLogger(__name__)


class Served(asyncio.Protocol):
    """The protocol of a connection behind its handshake."""

    transport: asyncio.Transport
    on_lost: Callable[[], None]

    def waiting_since(self) -> float | None:
        """Return since when the server waits for this client; None while the client waits for the server."""
        raise NotImplementedError


class Reading(asyncio.BufferedProtocol):
    """Reads for a protocol into a buffer that all connections share: it is empty again before the next one reads.

    A plain protocol is handed new bytes, for which uvloop takes 256 KiB from the system and gives them back each time.
    """

    def __init__(self, protocol: Served, buffer: memoryview) -> None:
        """Stand before a protocol."""
        self._buffer = buffer
        self._received = protocol.data_received
        self.connection_made = protocol.connection_made  # type: ignore[method-assign]
        self.connection_lost = protocol.connection_lost  # type: ignore[method-assign]
        self.eof_received = protocol.eof_received  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio's signature
        """Return where the next bytes go."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what was read."""
        self._received(bytes(self._buffer[:nbytes]))


class Entry:
    """One open connection."""

    def __init__(self, peer: str, since: float) -> None:
        """Note who it is and when it came."""
        self.peer = peer
        self.opening: asyncio.Task[None] | None = None
        self.protocol: Served | None = None
        self._since = since

    def waiting_since(self) -> float | None:
        """Return since when the server waits for this client; None while the client waits for the server."""
        return self._since if self.protocol is None else self.protocol.waiting_since()

    def abort(self) -> None:
        """End it, in its handshake or behind."""
        if self.protocol is not None:
            self.protocol.transport.abort()
        elif self.opening is not None:
            self.opening.cancel()


class Connections:
    """The entries by peer address."""

    def __init__(self, most: int = MAX_CONNECTIONS) -> None:
        """Allow so many."""
        self._most = most
        self._count = 0
        self._ended = 0
        self._of_peer: dict[str, set[Entry]] = {}

    def enter(self, entry: Entry) -> bool:
        """Take in a newcomer; False if every connection is being answered."""
        if self._count >= self._most and not self._make_room():
            return False
        self._of_peer.setdefault(entry.peer, set()).add(entry)
        self._count += 1
        return True

    def leave(self, entry: Entry) -> None:
        """Forget a connection; once more does no harm."""
        entries = self._of_peer.get(entry.peer, set())
        if entry in entries:
            entries.remove(entry)
            self._count -= 1
            if not entries:
                del self._of_peer[entry.peer]
            self._ended += 1
            if self._ended % GARBAGE_CONNECTIONS == 0:
                asyncio.get_running_loop().call_soon(give_back)

    def _make_room(self) -> bool:
        for entries in sorted(self._of_peer.values(), key=len, reverse=True):
            waiting = [(since, one) for one in entries if (since := one.waiting_since()) is not None]
            if waiting:
                _, longest = min(waiting, key=lambda pair: pair[0])
                self.leave(longest)
                longest.abort()
                return True
        return False


class Acceptor:
    """Accepts connections, and knows each of them from that moment on.

    An asyncio server tells nobody of connections in their handshake, and gives them a minute.
    """

    def __init__(self, make: Callable[[], Served], context: ssl.SSLContext | None, connections: Connections) -> None:
        """Take what makes the protocol behind, the TLS context if any, and the ledger."""
        self._make = make
        self._context = context
        self._connections = connections
        self._buffer = memoryview(bytearray(READ_BYTES))

    async def accept(self, listener: socket.socket) -> None:
        """Accept for ever."""
        listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._meet(*await loop.sock_accept(listener), loop)
            except Exception as error:  # noqa: BLE001 - whatever it is (mostly: no more descriptors), the next one may get in
                logger.warning("a connection was not accepted", extra={"fields": {"error": repr(error)}})
                await asyncio.sleep(ACCEPT_PAUSE)

    def _meet(self, accepted: socket.socket, address: tuple[object, ...], loop: asyncio.AbstractEventLoop) -> None:
        entry = Entry(str(address[0]), loop.time())
        if self._connections.enter(entry):
            entry.opening = loop.create_task(self._open(accepted, entry))
        else:
            accepted.close()

    async def _open(self, accepted: socket.socket, entry: Entry) -> None:
        """Do the handshake, and hand the connection over."""
        leave = partial(self._connections.leave, entry)

        protocol = self._make()
        protocol.on_lost = leave
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Reading(protocol, self._buffer),
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._context else None,
            )
            entry.protocol = protocol  # what comes back above may be uvloop's own
        except (OSError, asyncio.CancelledError):  # the client left, speaks no TLS, is too slow, or made room
            pass
        finally:
            if entry.protocol is None:
                accepted.close()
                leave()
