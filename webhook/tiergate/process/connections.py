"""All open connections of the process: how many there may be, and which one makes room for a newcomer.

An address is known while a review of it has been answered; others are strangers. Strangers keep a few places, beyond
which they make room first, for each other and for the known. Within both, nobody loses a connection to an address that
has as many: the address with most makes room, by what is idle, or else by what has been at work for longest.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from functools import partial
from typing import TYPE_CHECKING, Final

from tiergate.process.deliveries import Deliveries
from tiergate.process.memory import give_back
from tiergate.process.reading import READ_BYTES, Reading, Served

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

MAX_CONNECTIONS: Final = 384
"""50 KB each at rest, up to 400 KB in a body that stalls. An API server has as many as it has reviews under way."""
STRANGERS_PLACES: Final = 64
"""Which the known leave to strangers: kubelets are among these, and each API server is at first."""
KNOWN_SECONDS: Final = 600.0
"""For which an address is known after the end of its last connection that had a review answered."""
MAX_KNOWN: Final = 1024
"""Such addresses; the one whose connection ended first is forgotten first."""
LEAVING: Final = 32
"""Connections beyond the most while those that were let go get their answers, which had been held back, and leave."""
RECENT_SECONDS: Final = 10.0
"""For which what was in use is taken only from the address with most."""
GARBAGE_CONNECTIONS: Final = 64
"""Ended connections after which their garbage is collected: uvicorn and uvloop leave them in cycles, with buffers."""
GARBAGE_SECONDS: Final = 0.1
"""Between two such collections, whoever comes and goes: one takes a millisecond for a thousand objects."""
HANDSHAKE_SECONDS: Final = 5.0
RECEIVE_BYTES: Final = 2**15
"""What the system keeps of a connection until we read it, and with that, of what one turn has to decrypt."""
ACCEPT_PAUSE: Final = 0.1
HANDSHAKES: Final = 2
"""Handshakes that begin in one pass of the event loop: each takes about a millisecond in it and in the next ones."""
HANDSHAKES_OF_PEER: Final = 1
"""Of one address; addresses take turns."""
AT_ONCE: Final = 16
"""Connections that are accepted in one pass of the event loop; with one, a queue of hundreds lasts as many passes."""

logger = logging.getLogger(__name__)


class Entry:
    """One open connection."""

    def __init__(self, peer: str) -> None:
        """Note who it is."""
        self.peer = peer
        self.since = asyncio.get_running_loop().time()
        self.proved = False
        self.opening: asyncio.Task[None] | None = None
        self.protocol: Served | None = None

    def waiting_since(self) -> float | None:
        """Return since when the client keeps us waiting, as in its handshake; None while it does not."""
        return self.since if self.protocol is None else self.protocol.waiting_since()

    def working_since(self) -> float:
        """Return since when we are at work for a client that does not keep us waiting."""
        return self.since if self.protocol is None else self.protocol.working_since()

    def is_held(self) -> bool:
        """Say whether its answer is ready and held back."""
        return self.protocol is not None and bool(self.protocol.held)

    def let_go(self) -> None:
        """Have its answer sent, after which it ends."""
        if self.protocol is not None:
            self.protocol.held.let_go()

    def abort(self) -> None:
        """End it, in its handshake or behind."""
        if self.protocol is not None:
            self.protocol.transport.abort()
        elif self.opening is not None:
            self.opening.cancel()


class Peer:
    """The connections of one address, in the order in which they came."""

    def __init__(self) -> None:
        """Start with none."""
        self.entries: dict[Entry, None] = {}
        self.proved = 0
        self._waiting: list[tuple[float, Entry]] = []  # as it was at a time, the longest one last
        self._looked = float("-inf")

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.entries)

    def longest_waiting(self, now: float) -> tuple[float, Entry] | None:
        """Return what has been waiting for the client for longest, and since when.

        All are looked at once in a pass of the loop, in which its time stands still, as many newcomers may need room in
        it. What begins to wait in the pass itself comes last.
        """
        if self._looked == now:
            while self._waiting:
                since, one = self._waiting[-1]
                if one in self.entries and one.waiting_since() == since:
                    return since, one
                self._waiting.pop()
        times = [(one.waiting_since(), one) for one in self.entries]
        waiting = [(since, one) for since, one in times if since is not None]
        waiting.sort(key=lambda found: found[0])
        self._looked, self._waiting = now, waiting[::-1]
        return waiting[0] if waiting else None


class Connections:
    """The entries by peer address."""

    def __init__(self, most: int = MAX_CONNECTIONS, strangers: int = STRANGERS_PLACES) -> None:
        """Allow so many, and leave so many places to strangers."""
        self._most = most
        self._strangers_places = strangers
        self._count = 0
        self._peers: dict[str, Peer] = {}
        self._known_until: dict[str, float] = {}  # addresses without a proved connection, in the order of these times
        self._ended = 0
        self._collected = float("-inf")
        self._collecting = False

    def enter(self, entry: Entry) -> bool:
        """Take in a newcomer; False if nobody makes room for it."""
        if self._count >= self._most:
            victim = self._makes_room(entry.peer)
            if victim is None:
                return False
            if not victim.is_held():
                self.leave(victim)
                victim.abort()
            elif self._count < self._most + LEAVING:
                victim.let_go()
            else:
                return False
        self._peers.setdefault(entry.peer, Peer()).entries[entry] = None
        self._count += 1
        return True

    def prove(self, entry: Entry) -> None:
        """Note that a review of a connection was answered."""
        peer = self._peers.get(entry.peer)
        if peer is not None and entry in peer.entries and not entry.proved:
            entry.proved = True
            peer.proved += 1

    def leave(self, entry: Entry) -> None:
        """Forget a connection; once more does no harm."""
        peer = self._peers.get(entry.peer)
        if peer is None or entry not in peer.entries:
            return
        del peer.entries[entry]
        self._count -= 1
        if entry.proved:
            peer.proved -= 1
            self._remember(entry.peer)
        if not peer:
            del self._peers[entry.peer]
        self._ended += 1
        self._collect_garbage_later()

    def _remember(self, address: str) -> None:
        self._known_until.pop(address, None)
        self._known_until[address] = asyncio.get_running_loop().time() + KNOWN_SECONDS
        if len(self._known_until) > MAX_KNOWN:
            del self._known_until[next(iter(self._known_until))]

    def _collect_garbage_later(self) -> None:
        if self._ended >= GARBAGE_CONNECTIONS and not self._collecting:
            self._collecting = True
            asyncio.get_running_loop().call_at(self._collected + GARBAGE_SECONDS, self._collect_garbage)

    def _collect_garbage(self) -> None:
        self._ended, self._collecting, self._collected = 0, False, asyncio.get_running_loop().time()
        give_back()

    def _makes_room(self, newcomer: str) -> Entry | None:
        """Return which connection makes room for a newcomer of an address, if one does."""
        now = asyncio.get_running_loop().time()
        strangers: list[Peer] = []
        known: list[Peer] = []
        for address, peer in self._peers.items():
            is_known = peer.proved or self._known_until.get(address, now) > now
            (known if is_known else strangers).append(peer)
        own = self._peers.get(newcomer) or Peer()
        if sum(map(len, strangers)) <= self._strangers_places:
            return _victim(known or strangers, own, now)
        if own in known or self._known_until.get(newcomer, now) > now:
            own = Peer()  # who is known has the better right, however many it has
        return _victim(strangers, own, now)


def _victim(peers: list[Peer], own: Peer, now: float) -> Entry | None:
    """Return which connection of some addresses makes room for one of an address, if one does."""
    bigger = [peer for peer in peers if len(peer) > len(own)]
    pool = bigger or [peer for peer in peers if peer is own]
    if not pool:
        return None
    longest = [(len(peer), *found) for peer in pool if (found := peer.longest_waiting(now)) is not None]
    idle = [(size, -since, one) for size, since, one in longest if now - since >= RECENT_SECONDS]
    if idle:
        return max(idle, key=lambda found: found[:2])[2]
    most = max(pool, key=lambda peer: (len(peer), -next(iter(peer.entries)).since))
    if (waiting := most.longest_waiting(now)) is not None:
        return waiting[1]
    # An answer that is held back need not be: all tenants share the address of the API server.
    held = [one for one in most.entries if one.is_held()]
    working = held or (most.entries if bigger else ())
    return min(working, key=lambda one: one.working_since(), default=None)


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
        self._deliveries = Deliveries()
        self._handshakes = Deliveries(HANDSHAKES, HANDSHAKES_OF_PEER)

    async def accept(self, listener: socket.socket) -> None:
        """Accept for ever."""
        listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)  # every connection inherits it
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._meet(*await loop.sock_accept(listener))
                self._meet_more(listener)
                await asyncio.sleep(0)  # asyncio's sock_accept does not wait where another one has come
            except Exception as error:  # noqa: BLE001 - whatever it is (mostly: no more descriptors), the next one may get in
                logger.warning("a connection was not accepted", extra={"fields": {"error": repr(error)}})
                await asyncio.sleep(ACCEPT_PAUSE)

    def _meet_more(self, listener: socket.socket) -> None:
        """Accept what else has come already, up to a number."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(AT_ONCE - 1):
                accepted, address = listener.accept()
                accepted.setblocking(False)  # noqa: FBT003 - the standard library's signature
                self._meet(accepted, address)

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
        protocol.on_review = partial(self._connections.prove, entry)
        encrypted = self._context is not None

        def opened() -> None:
            # What comes back below may be uvloop's own, and later: who makes room is ended as a whole.
            entry.protocol = protocol

        reading = Reading(protocol, self._buffer, self._deliveries, opened, peer=entry.peer, encrypted=encrypted)
        try:
            if encrypted:
                await self._handshakes.turn(entry.peer)
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: reading,
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self._context else None,
            )
        except (OSError, asyncio.CancelledError):  # the client left, speaks no TLS, is too slow, or made room
            if entry.protocol is not None:
                entry.abort()
        finally:
            if entry.protocol is None:
                accepted.close()
                leave()
