"""Live reads that are shared by all who ask for the same, and few at a time.

A review is unauthenticated input, and each can cost reads as our account: what is asked of the API server at once is
bounded here, whatever arrives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from tiergate.cluster.errors import Unreachable

AT_ONCE: Final = 10
"""Reads of one kind that are under way at the same time; others wait."""
SECONDS: Final = 0.1
"""From the beginning of a read on its place is taken for so long at least: a hundred reads a second, ten at once."""

MOST_WAITING: Final = 48
"""Questions that may wait for a place: who waits keeps a connection, and of all kinds together there are fewer."""

T = TypeVar("T")


class _Shared:
    """Of a read that has not begun: how many wait for it, and the longest time that one of them has, in seconds."""

    def __init__(self) -> None:
        self.waiting = 0
        self.timeout = 0.0


class LiveReads(Generic[T]):
    """Reads of one kind.

    Nobody is given an answer that was asked for before he came: a refusal must not rest on what was true earlier
    (ADR 2). Whoever comes while a read of his key is under way shares the next one with all who come meanwhile.
    """

    def __init__(self, *, at_once: int = AT_ONCE, seconds: float = SECONDS) -> None:
        """Set how many may be under way at the same time, and how many seconds each takes a place at least."""
        self._slots = asyncio.Semaphore(at_once)
        self._seconds = seconds
        self._next: dict[Hashable, tuple[_Shared, asyncio.Task[T]]] = {}
        self._under_way: dict[Hashable, asyncio.Task[T]] = {}

    async def read(self, key: Hashable, call: Callable[[float], Awaitable[T]], *, timeout: float) -> T:  # noqa: ASYNC109
        """Return what the call, which gets its timeout in seconds, says of the key; it begins after this was called.

        Raises:
            Unreachable: There was no answer in time, or too many wait already.
            Exception: What the call raises.
        """
        if key not in self._next:
            if len(self._next) >= MOST_WAITING:
                raise Unreachable(f"{MOST_WAITING} other questions wait already")
            shared = _Shared()
            self._next[key] = shared, asyncio.ensure_future(self._run(key, shared, call))
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
                self._leave(key, shared)  # whoever comes before it has ended does not share it
                task.cancel()  # nobody wants the answer any more; no effect where it is there
            del task  # an error that it holds would hold this frame, and so itself
        raise Unreachable(f"no answer in {timeout:.1f} s")

    async def _run(self, key: Hashable, shared: _Shared, call: Callable[[float], Awaitable[T]]) -> T:
        try:
            if (before := self._under_way.get(key)) is not None:
                await asyncio.wait((before,))
            del before
            await self._slots.acquire()
            loop = asyncio.get_running_loop()
            free_at = loop.time() + self._seconds
            try:
                self._begin(key)
                return await call(shared.timeout)
            finally:
                loop.call_at(free_at, self._slots.release)
        finally:
            self._forget(key, shared)

    def _begin(self, key: Hashable) -> None:
        """Let whoever comes from now on share another read."""
        _, task = self._next.pop(key)
        self._under_way[key] = task

    def _leave(self, key: Hashable, shared: _Shared) -> None:
        if (found := self._next.get(key)) is not None and found[0] is shared:  # it has not begun
            del self._next[key]

    def _forget(self, key: Hashable, shared: _Shared) -> None:
        self._leave(key, shared)
        if self._under_way.get(key) is asyncio.current_task():
            del self._under_way[key]
