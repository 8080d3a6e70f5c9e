"""All open connections of the process: how many there may be, and which one makes room for a newcomer.

The next one may be the kubelet's probe or the API server, so it gets in unless every other one is at work. Whoever has
sent no whole request yet costs a stranger nothing: there may be few of these, and the one that came first goes first,
whatever its address. Among the others the address with most loses the one that has been idle, or slow to send, for
longest. A connection whose request is being answered is never closed here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from functools import partial
from typing import TYPE_CHECKING, Final

from tiergate.process.memory import give_back

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

MAX_CONNECTIONS: Final = 384
"""50 KB each at rest, up to 400 KB in a body that stalls. An API server has as many as it has reviews under way."""
MAX_NEWCOMERS: Final = 128
"""Connections without a whole request so far; the API server's handshakes take milliseconds."""
GARBAGE_CONNECTIONS: Final = 64
"""Ended connections after which their garbage is collected: uvicorn and uvloop leave them in cycles, with buffers."""
GARBAGE_SECONDS: Final = 1.0
"""Between two such collections, whoever comes and goes."""
HANDSHAKE_SECONDS: Final = 5.0
READ_BYTES: Final = 2**18
"""As much as uvloop decrypts in one turn."""
RECEIVE_BYTES: Final = 2**15
"""What the system keeps of a connection until we read it, and with that, of what one turn has to decrypt."""
SPARE_BYTES: Final = 256
"""Which uvloop asks for beyond what has arrived."""
EMPTY_BYTES: Final = 2**15
"""Bytes of a connection after its handshake that may bring no HTTP: frames of records, and one that is not whole."""
ACCEPT_PAUSE: Final = 0.1

logger = logging.getLogger(__name__)


class Served(asyncio.Protocol):
    """The protocol of a connection behind its handshake."""

    transport: asyncio.Transport
    on_lost: Callable[[], None]
    on_request: Callable[[], None]
    """To be called when the first request is whole."""

    def waiting_since(self) -> float | None:
        """Return since when the client keeps us waiting; None while it does not."""
        raise NotImplementedError


class Reading(asyncio.BufferedProtocol):
    """Reads for a protocol into a buffer that all connections share: it is empty again before the next one reads.

    A plain protocol is handed new bytes, for which uvloop takes 256 KiB from the system and gives them back each time.
    A connection that keeps us busy with TLS that carries no HTTP, as updates of keys do, is ended.
    """

    def __init__(self, protocol: Served, buffer: memoryview, *, encrypted: bool) -> None:
        """Stand before a protocol."""
        self._buffer = buffer
        self._protocol = protocol
        self._encrypted = encrypted
        self._arrived = 0
        self._read = 0
        self.connection_made = protocol.connection_made  # type: ignore[method-assign]
        self.connection_lost = protocol.connection_lost  # type: ignore[method-assign]
        self.eof_received = protocol.eof_received  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes go; of TLS ``sizehint`` says how many have arrived that are not decrypted yet."""
        if self._encrypted:
            if self._arrived > 2 * self._read + EMPTY_BYTES:
                self._protocol.transport.abort()
                return self._buffer[:0]
            self._arrived += max(sizehint - SPARE_BYTES, 0)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what was read."""
        self._read += nbytes
        self._protocol.data_received(bytes(self._buffer[:nbytes]))


class Entry:
    """One open connection."""

    def __init__(self, peer: str) -> None:
        """Note who it is."""
        self.peer = peer
        self.opening: asyncio.Task[None] | None = None
        self.protocol: Served | None = None

    def waiting_since(self) -> float | None:
        """Return since when the client keeps us waiting; None while it does not."""
        return None if self.protocol is None else self.protocol.waiting_since()

    def abort(self) -> None:
        """End it, in its handshake or behind."""
        if self.protocol is not None:
            self.protocol.transport.abort()
        elif self.opening is not None:
            self.opening.cancel()


class Connections:
    """The entries: newcomers in the order in which they came, the others by peer address."""

    def __init__(self, most: int = MAX_CONNECTIONS, newcomers: int = MAX_NEWCOMERS) -> None:
        """Allow so many, and so many of them without a whole request."""
        self._most = most
        self._most_newcomers = newcomers
        self._newcomers: dict[Entry, None] = {}
        self._of_peer: dict[str, set[Entry]] = {}
        self._proved = 0
        self._ended = 0
        self._collected = float("-inf")

    def enter(self, entry: Entry) -> bool:
        """Take in a newcomer; False if every other connection is at work."""
        if self._proved + len(self._newcomers) >= self._most and not self._make_room():
            return False
        if len(self._newcomers) >= self._most_newcomers:
            self._end_first_newcomer()
        self._newcomers[entry] = None
        return True

    def prove(self, entry: Entry) -> None:
        """Note that a newcomer has sent a whole request."""
        if entry in self._newcomers:
            del self._newcomers[entry]
            self._of_peer.setdefault(entry.peer, set()).add(entry)
            self._proved += 1

    def leave(self, entry: Entry) -> None:
        """Forget a connection; once more does no harm."""
        entries = self._of_peer.get(entry.peer, set())
        if entry in entries:
            entries.remove(entry)
            self._proved -= 1
            if not entries:
                del self._of_peer[entry.peer]
        elif entry in self._newcomers:
            del self._newcomers[entry]
        else:
            return
        self._ended += 1
        self._collect_garbage()

    def _collect_garbage(self) -> None:
        loop = asyncio.get_running_loop()
        if self._ended >= GARBAGE_CONNECTIONS and loop.time() - self._collected >= GARBAGE_SECONDS:
            self._ended, self._collected = 0, loop.time()
            loop.call_soon(give_back)

    def _make_room(self) -> bool:
        if len(self._newcomers) > self._most_newcomers // 2:
            self._end_first_newcomer()
            return True
        for entries in sorted(self._of_peer.values(), key=len, reverse=True):
            waiting = [(since, one) for one in entries if (since := one.waiting_since()) is not None]
            if waiting:
                self._end(min(waiting, key=lambda pair: pair[0])[1])
                return True
        if self._newcomers:
            self._end_first_newcomer()
            return True
        return False

    def _end_first_newcomer(self) -> None:
        self._end(next(iter(self._newcomers)))

    def _end(self, entry: Entry) -> None:
        self.leave(entry)
        entry.abort()


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
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)  # every connection inherits it
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._meet(*await loop.sock_accept(listener))
            except Exception as error:  # noqa: BLE001 - whatever it is (mostly: no more descriptors), the next one may get in
                logger.warning("a connection was not accepted", extra={"fields": {"error": repr(error)}})
                await asyncio.sleep(ACCEPT_PAUSE)

    def _meet(self, accepted: socket.socket, address: tuple[object, ...]) -> None:
        entry = Entry(str(address[0]))
        if self._connections.enter(entry):
            entry.opening = asyncio.get_running_loop().create_task(self._open(accepted, entry))
        else:
            accepted.close()

    async def _open(self, accepted: socket.socket, entry: Entry) -> None:
        """Do the handshake, and hand the connection over."""
        leave = partial(self._connections.leave, entry)

        protocol = self._make()
        protocol.on_lost = leave
        protocol.on_request = partial(self._connections.prove, entry)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Reading(protocol, self._buffer, encrypted=self._context is not None),
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
