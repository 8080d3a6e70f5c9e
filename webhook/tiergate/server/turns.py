"""Which waiting task is next: in turn by peer and namespace, so that a busy sender delays itself and not others."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tiergate.process.bodies import SMALL_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

HEAD: Final = 2048
"""Bytes of a review before its objects: the API server writes the namespace among the first."""
_NAMESPACE: Final = re.compile(rb'"namespace": ?"([a-z0-9-]{1,63})"')

MOST_PEERS: Final = 1024
"""Peers of which is known when they had a turn."""

PeerKey: TypeAlias = tuple[str, bool]
"""An address, and whether this is about its large bodies."""
_Queue = deque[asyncio.Future[bool]]
"""False: there is no turn, go."""


class Origin(NamedTuple):
    """Where a review comes from. Any client can make up namespaces, so they count within their peer.

    A peer's large bodies have turns of their own: one of them is read at a time, and small ones do not wait for it.
    """

    peer: PeerKey
    namespace: bytes = b""


def origin_of(peer: str, body: bytes) -> Origin:
    """Return where a review seems to come from; the namespace is b"" where its head does not say."""
    found = _NAMESPACE.search(body, 0, HEAD)
    return Origin((peer, len(body) > SMALL_BYTES), found[1] if found else b"")


class CrowdedError(RuntimeError):
    """There is no place to wait in, or it was needed for a peer that has fewer."""


class Turns:
    """Waiting tasks in queues. The next turn is of the peer whose last one is longest ago; its namespaces go round."""

    def __init__(self, at_once: int = 1, *, most_waiting: int | None = None) -> None:
        """Give so many turns at once, and let so many wait, of one peer half as many; None: others bound them."""
        self._peers: dict[PeerKey, dict[bytes, _Queue]] = {}
        self._free = at_once
        self._most_waiting = most_waiting
        self._turns_had = 0
        self._last: dict[PeerKey, int] = {}  # how many turns there had been when the peer had one

    @property
    def waiting(self) -> bool:
        """Whether any task waits."""
        return bool(self._peers)

    def waiting_of_peer(self, origin: Origin) -> int:
        """Return how many of the origin's peer are waiting."""
        return _length(self._peers.get(origin.peer, {}))

    def waiting_of_namespace(self, origin: Origin) -> int:
        """Return how many of the origin itself are waiting."""
        return len(self._peers.get(origin.peer, {}).get(origin.namespace, ()))

    @asynccontextmanager
    async def turn(self, origin: Origin, *, seconds: float = 0.0) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the end of the block, and for so many seconds at least.

        Raises:
            CrowdedError: Too many wait.
        """
        if self._free:
            self._free -= 1
            self._note(origin.peer)
        else:
            await self._wait(origin)
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        try:
            yield
        finally:
            if loop.time() < until:
                loop.call_at(until, self._pass_on)
            else:
                self._pass_on()

    async def _wait(self, origin: Origin) -> None:
        if self._most_waiting is not None:
            self._make_room(origin, self._most_waiting)
        future = asyncio.get_running_loop().create_future()
        self._peers.setdefault(origin.peer, {}).setdefault(origin.namespace, deque()).append(future)
        try:
            has_turn = await future
        except asyncio.CancelledError:
            self._leave(origin, future)
            if not future.cancelled() and future.result():  # the turn came together with the cancellation
                self._pass_on()
            raise
        if not has_turn:
            raise CrowdedError("too many wait, and most for this peer")

    def _make_room(self, arriving: Origin, most: int) -> None:
        """Make a place: the last task of the peer with the most waiting loses its own.

        Where that is the same peer, the namespace that has the most of its places loses one to another with fewer.
        """
        waiting = {peer: _length(namespaces) for peer, namespaces in self._peers.items()}
        own = waiting.get(arriving.peer, 0)
        if own < most // 2 and sum(waiting.values()) < most:
            return
        longest = max(reversed(waiting), key=lambda peer: (waiting[peer], self._last.get(peer, 0)))
        if own >= min(most // 2, waiting[longest]):
            longest = arriving.peer
        namespace, queue = max(reversed(self._peers[longest].items()), key=lambda pair: len(pair[1]))
        if longest == arriving.peer and len(queue) < self.waiting_of_namespace(arriving) + 2:
            raise CrowdedError("too many wait")
        future = queue[-1]
        self._leave(Origin(longest, namespace), future)
        if not future.done():
            future.set_result(False)

    def _leave(self, origin: Origin, future: asyncio.Future[bool]) -> None:
        """Give up a place in a queue, if it is still there."""
        namespaces = self._peers.get(origin.peer, {})
        queue = namespaces.get(origin.namespace, _Queue())
        if future in queue:
            queue.remove(future)
            if not queue:
                del namespaces[origin.namespace]
            if not namespaces:
                del self._peers[origin.peer]

    def _pass_on(self) -> None:
        """Give the turn to the next one that still waits."""
        while self._peers:
            peer = min(self._peers, key=lambda one: self._last.get(one, 0))
            namespaces = self._peers[peer]
            namespace, queue = next(iter(namespaces.items()))
            del namespaces[namespace]
            future = queue.popleft()
            if queue:
                namespaces[namespace] = queue  # behind the others
            if not namespaces:
                del self._peers[peer]
            if not future.done():
                self._note(peer)
                future.set_result(True)
                return
        self._free += 1

    def _note(self, peer: PeerKey) -> None:
        """Note that a peer has a turn; of many peers all are forgotten, which costs less than to know the oldest."""
        if len(self._last) >= MOST_PEERS:
            self._last.clear()
        self._turns_had += 1
        self._last[peer] = self._turns_had


def _length(namespaces: Mapping[bytes, _Queue]) -> int:
    return sum(map(len, namespaces.values()))
