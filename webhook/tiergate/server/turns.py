"""Who is next: in turn by peer and namespace, so that one that sends much waits for itself and not others for it."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from tiergate.process.bodies import SMALL_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEAD: Final = 2048
"""Bytes of a review before its objects: the API server writes the namespace among the first."""
_NAMESPACE: Final = re.compile(rb'"namespace": ?"([a-z0-9-]{1,63})"')

_Queue = deque[asyncio.Future[None]]


class Sender(NamedTuple):
    """Whose turn it is: anybody can make up namespaces, so they count within their peer.

    A peer's large bodies, of which one is read at a time, have turns of their own: others wait for that one to end.
    """

    peer: tuple[str, bool]
    namespace: bytes = b""


def sender_of(peer: str, body: bytes) -> Sender:
    """Return whom a review seems to come from; the namespace is b"" where its head does not say."""
    found = _NAMESPACE.search(body, 0, HEAD)
    return Sender((peer, len(body) > SMALL_BYTES), found[1] if found else b"")


class Turns:
    """Waiting tasks in queues: the peers have their turns in order, and within each peer its namespaces."""

    def __init__(self) -> None:
        """Start with none."""
        self._peers: dict[tuple[str, bool], dict[bytes, _Queue]] = {}
        self._busy = False

    def waiting_of_peer(self, sender: Sender) -> int:
        """Return how many of the sender's peer are waiting."""
        return sum(map(len, self._peers.get(sender.peer, {}).values()))

    def waiting_of_namespace(self, sender: Sender) -> int:
        """Return how many of the sender itself are waiting."""
        return len(self._peers.get(sender.peer, {}).get(sender.namespace, ()))

    @asynccontextmanager
    async def turn(self, sender: Sender) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the end of the block."""
        if self._busy:
            await self._wait(sender)
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, sender: Sender) -> None:
        future = asyncio.get_running_loop().create_future()
        self._peers.setdefault(sender.peer, {}).setdefault(sender.namespace, deque()).append(future)
        try:
            await future
        except asyncio.CancelledError:
            self._leave(sender, future)
            if not future.cancelled():  # the turn came together with the cancellation
                self._pass_on()
            raise

    def _leave(self, sender: Sender, future: asyncio.Future[None]) -> None:
        """Give up a place in a queue, if it is still there."""
        namespaces = self._peers.get(sender.peer, {})
        queue = namespaces.get(sender.namespace, _Queue())
        if future in queue:
            queue.remove(future)
            if not queue:
                del namespaces[sender.namespace]
            if not namespaces:
                del self._peers[sender.peer]

    def _pass_on(self) -> None:
        """Give the turn to the first of the next queue that still waits."""
        while self._peers:
            peer, namespaces = next(iter(self._peers.items()))
            namespace, queue = next(iter(namespaces.items()))
            del self._peers[peer], namespaces[namespace]
            future = queue.popleft()
            if queue:
                namespaces[namespace] = queue  # behind the others
            if namespaces:
                self._peers[peer] = namespaces
            if not future.done():
                future.set_result(None)
                return
        self._busy = False
