"""A queue of keys to look at: each key once, never twice at the same time, again after a failure."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from tiergate.cluster.errors import ApiError, Unreachable, in_words

CONFLICT_PAUSE: Final = 0.1
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 10.0
"""Seconds before a failed key is looked at again: the first is doubled up to the longest."""
WORKERS: Final = 8
"""Keys looked at together, so that one slow namespace does not hold up the others."""

CONFLICTS: Final = frozenset({404, 409, 422})
"""What the API server answers when an object is gone or another one than we decided on.

422 is a JSON patch whose ``test`` failed; a 422 that stays is logged with the pause growing as for any failure.
"""

logger = logging.getLogger(__name__)

Work = Callable[[str], Awaitable[None]]


class WorkQueue:
    """Keys waiting for one piece of work.

    ``errors`` maps a key to why it last failed, as long as it does; ``on_error`` is told when an entry comes, changes
    or goes.
    """

    def __init__(self, name: str, work: Work, *, on_error: Callable[[str], None] | None = None) -> None:
        """Describe the queue; nothing happens before ``run``.

        Args:
            name: For the log.
            work: Looks at one key. Whatever it raises brings that key back later and leaves the others alone; anything
                but ApiError and Unreachable is a bug, and is logged as one.
            on_error: Called with a key whose entry in ``errors`` changed. It must not wait.
        """
        self._name = name
        self._work = work
        self._on_error = on_error
        self._ready: dict[str, None] = {}
        self._later: dict[str, asyncio.TimerHandle] = {}
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._failures: dict[str, int] = {}
        self._wake = asyncio.Event()
        self.errors: dict[str, str] = {}

    def add(self, key: str) -> None:
        """Have the key looked at as soon as possible.

        For a key that failed that is a moment later: the change may be what it needed, but a busy neighbourhood must
        not turn its retries into a hot loop.
        """
        if key in self._failures and key not in self._busy:
            self.add_later(key, FIRST_PAUSE)
        else:
            self._add_now(key)

    def _add_now(self, key: str) -> None:
        if (timer := self._later.pop(key, None)) is not None:
            timer.cancel()
        if key in self._busy:
            self._again.add(key)
            return
        self._ready[key] = None
        self._wake.set()

    def add_later(self, key: str, delay: float) -> None:
        """Have the key looked at after `delay` seconds, or earlier if it is added."""
        loop = asyncio.get_running_loop()
        if (timer := self._later.get(key)) is not None:
            if timer.when() <= loop.time() + delay:
                return
            timer.cancel()
        self._later[key] = loop.call_later(delay, self._due, key)

    def _due(self, key: str) -> None:
        self._later.pop(key, None)
        self._add_now(key)

    async def run(self) -> None:
        """Look at keys for ever; it may be run again after it was cancelled: nothing is forgotten."""
        slots = asyncio.Semaphore(WORKERS)
        self._recover()
        async with asyncio.TaskGroup() as group:
            while True:
                await slots.acquire()
                key = await self._next()
                self._busy.add(key)
                group.create_task(self._look(key, slots))

    def _recover(self) -> None:
        """Put back what an earlier run was looking at when it ended."""
        unfinished, self._busy = self._busy, set()
        self._again.clear()
        for key in unfinished:
            self._add_now(key)

    async def _next(self) -> str:
        while not self._ready:
            self._wake.clear()
            await self._wake.wait()
        key = next(iter(self._ready))
        del self._ready[key]
        return key

    async def _look(self, key: str, slots: asyncio.Semaphore) -> None:
        """Work on one key; when it is cancelled, the key stays marked as busy, for the next run to recover."""
        try:
            await self._work(key)
        except (ApiError, Unreachable) as error:
            self._failed(key, error, str(error))
        except Exception as error:  # noqa: BLE001 - a bug that one key brings out must not stop the others
            self._failed(key, error, f"unexpected: {in_words(error)}; the controller's log says more")
        else:
            self._failures.pop(key, None)
            self._set_error(key, None)
        self._busy.discard(key)
        slots.release()
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _failed(self, key: str, error: Exception, reason: str) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        pause = min(FIRST_PAUSE * 2**failures, LONGEST_PAUSE)
        if failures == 0 and isinstance(error, ApiError) and error.status in CONFLICTS:
            pause = CONFLICT_PAUSE  # our caches were behind; they are told within milliseconds
        else:
            self._set_error(key, reason)
            fields = {"queue": self._name, "key": key, "error": reason, "again_in_seconds": pause}
            if isinstance(error, (ApiError, Unreachable)):
                logger.warning("will try again", extra={"fields": fields})
            else:
                logger.error("a bug: will try again", exc_info=error, extra={"fields": fields})
        self._later_or_again(key, pause)

    def _later_or_again(self, key: str, pause: float) -> None:
        """A key that was added while it failed still waits: what failed a moment ago would fail again."""
        self._again.discard(key)
        self.add_later(key, pause)

    def _set_error(self, key: str, text: str | None) -> None:
        if self.errors.get(key) == text:
            return
        if text is None:
            del self.errors[key]
        else:
            self.errors[key] = text
        if self._on_error is not None:
            self._on_error(key)
