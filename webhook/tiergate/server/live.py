"""Live reads that are shared by all who ask for the same, and few at a time.

A review is unauthenticated input, and each can cost reads with our account: this bounds what is asked of the API server
at once. Waiting reads take turns by peer address, and within one by whose they are: who makes up reviews, or asks much,
delays only its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from tiergate.cluster.errors import Unreachable
from tiergate.server.turns import CrowdedError, Origin, Turns

AT_ONCE: Final = 10
"""Reads of one kind that are under way at the same time; others wait for their turn."""
SECONDS: Final = 0.1
"""The least length of a turn: with ten at once, at most a hundred reads a second."""

MOST_WAITING: Final = 48
"""Reads that may wait for a turn, half of them of one address: each keeps a connection.

One more ends the last read of the address that has the most.
"""

T = TypeVar("T")
_Key = tuple[str, Hashable]


class _Shared:
    """Of a read that has not begun: how many wait for it, and the longest time that one of them has, in seconds."""

    def __init__(self) -> None:
        self.waiting = 0
        self.timeout = 0.0


class LiveReads(Generic[T]):
    """Reads of one kind.

    A caller never gets the answer of a read that began before its call: a refusal must not rest on what was true
    earlier (ADR 2). Calls of one address for a key whose read is under way share the next read. Addresses share none:
    one would wait for the turn of the other.
    """

    def __init__(self, *, at_once: int = AT_ONCE, seconds: float = SECONDS) -> None:
        """Set how many may be under way at the same time, and how many seconds each keeps its turn at least."""
        self._turns = Turns(at_once, most_waiting=MOST_WAITING)
        self._seconds = seconds
        self._next: dict[_Key, tuple[_Shared, asyncio.Task[T]]] = {}
        self._under_way: dict[_Key, asyncio.Task[T]] = {}

    async def read(
        self,
        what: Hashable,
        call: Callable[[float], Awaitable[T]],
        *,
        peer: str,
        whose: str = "",
        timeout: float,  # noqa: ASYNC109
    ) -> T:
        """Return what the call, which gets its timeout in seconds, says of something; it begins after this was called.

        ``peer`` is the address for whose sake it is asked, ``whose`` the namespace or the user there.

        Raises:
            Unreachable: There was no answer in time, or too many wait.
            Exception: What the call raises.
        """
        key = peer, what
        if key not in self._next:
            shared = _Shared()
            started = asyncio.ensure_future(self._run(key, Origin((peer, False), whose.encode()), shared, call))
            started.add_done_callback(_retrieve)
            self._next[key] = shared, started
            del started
        shared, task = self._next[key]
        shared.waiting += 1
        shared.timeout = max(shared.timeout, timeout)
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.shield(task)
        except TimeoutError:
            pass  # raised below, without the traceback of what waited
        finally:
            shared.waiting -= 1
            if not shared.waiting:
                self._leave(key, shared)  # no later call shares it
                task.cancel()  # no call waits for it any more; no effect where it has ended
            del task  # an error that it holds would hold this frame, and so itself
        raise Unreachable(f"no answer in {timeout:.1f} s")

    async def _run(self, key: _Key, origin: Origin, shared: _Shared, call: Callable[[float], Awaitable[T]]) -> T:
        try:
            if (before := self._under_way.get(key)) is not None:
                await asyncio.wait((before,))
            del before
            async with self._turns.turn(origin, seconds=self._seconds):
                self._begin(key)
                return await call(shared.timeout)
        except CrowdedError as error:
            raise Unreachable(f"not asked: {error}") from None
        finally:
            self._forget(key, shared)

    def _begin(self, key: _Key) -> None:
        """Let later calls share another read."""
        _, task = self._next.pop(key)
        self._under_way[key] = task

    def _leave(self, key: _Key, shared: _Shared) -> None:
        if (found := self._next.get(key)) is not None and found[0] is shared:  # it has not begun
            del self._next[key]

    def _forget(self, key: _Key, shared: _Shared) -> None:
        self._leave(key, shared)
        if self._under_way.get(key) is asyncio.current_task():
            del self._under_way[key]


def _retrieve(task: asyncio.Task[T]) -> None:
    """Take notice of an error that nobody waits for any more: asyncio would log it."""
    if not task.cancelled():
        task.exception()
