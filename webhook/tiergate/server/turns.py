"""Who is next: in turn by namespace, so that one that sends much waits for itself and not others for it."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEAD: Final = 2048
"""Bytes of a review before its objects: the API server writes the namespace among the first."""
_NAMESPACE: Final = re.compile(rb'"namespace": ?"([a-z0-9-]{1,63})"')


def namespace_of(body: bytes) -> bytes:
    """Return the namespace that a review seems to be of, b"" where its head does not say."""
    found = _NAMESPACE.search(body, 0, HEAD)
    return found[1] if found else b""


class Turns:
    """Waiting tasks in queues, one queue for each key; the queues are asked one after the other."""

    def __init__(self) -> None:
        """Start with none."""
        self._queues: dict[bytes, deque[asyncio.Future[None]]] = {}
        self._busy = False

    def __len__(self) -> int:
        """Return how many are waiting."""
        return sum(map(len, self._queues.values()))

    def waiting(self, key: bytes) -> int:
        """Return how many of a key are waiting."""
        return len(self._queues.get(key, ()))

    @asynccontextmanager
    async def turn(self, key: bytes) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the end of the block."""
        if self._busy:
            await self._wait(key)
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, key: bytes) -> None:
        future = asyncio.get_running_loop().create_future()
        self._queues.setdefault(key, deque()).append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():  # the turn came together with the cancellation
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the turn to the first of the next queue that still waits."""
        while self._queues:
            key = next(iter(self._queues))
            queue = self._queues.pop(key)
            future = queue.popleft()
            if queue:
                self._queues[key] = queue  # behind the others
            if not future.done():
                future.set_result(None)
                return
        self._busy = False
