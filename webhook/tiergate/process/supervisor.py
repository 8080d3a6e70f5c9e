"""Keep tasks running: a failed task is logged, counted and restarted after a growing pause."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

Task = Callable[[], Awaitable[None]]

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
"""Seconds before a failed task runs again: the first is doubled up to the longest."""
HEALTHY_AFTER: Final = 2.0
"""Seconds a restarted task must run before it counts as healthy."""

logger = logging.getLogger(__name__)


class Supervisor:
    """Runs tasks that should never end.

    ``failing`` maps each task that waits for its restart, or was restarted less than ``HEALTHY_AFTER`` seconds ago, to
    the error that ended it.
    """

    def __init__(self, tasks: Mapping[str, Task], *, on_failure: Callable[[str], None] = lambda _name: None) -> None:
        """Take the tasks by name; ``start`` runs them. ``on_failure`` is told which task failed."""
        self._tasks = dict(tasks)
        self._on_failure = on_failure
        self._running: list[asyncio.Task[None]] = []
        self.failing: dict[str, str] = {}

    def start(self) -> None:
        """Start every task in the running loop."""
        for name, task in self._tasks.items():
            self._running.append(asyncio.create_task(self._run_forever(name, task), name=name))

    async def stop(self) -> None:
        """Cancel every task and wait for the end of each."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    async def _run_forever(self, name: str, task: Task) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            started = loop.time()
            recovery = loop.call_later(HEALTHY_AFTER, self.failing.pop, name, None)
            try:
                await task()
                self._failed(name, "it returned", pause)
            except Exception as error:  # noqa: BLE001 - any error is logged and the task runs again
                self._failed(name, f"{type(error).__name__}: {error}", pause, error)
            finally:
                recovery.cancel()
            if loop.time() - started > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _failed(self, name: str, reason: str, pause: float, error: Exception | None = None) -> None:
        self.failing[name] = reason
        self._on_failure(name)
        logger.error(
            "task failed",
            exc_info=error,
            extra={"fields": {"task": name, "reason": reason, "restart_in_seconds": pause}},
        )
