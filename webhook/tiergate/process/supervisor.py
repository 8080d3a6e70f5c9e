"""Keep tasks running: what fails is logged, restarted after a growing pause, and meanwhile a reason not to be ready."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

Task = Callable[[], Awaitable[None]]

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
SETTLED: Final = 2.0
"""Seconds a restarted task must run before it counts as well again."""

logger = logging.getLogger(__name__)


class Supervisor:
    """Run tasks that should never end.

    ``failing`` maps the name of each task that is waiting for its restart, or has only just been restarted, to what
    ended it.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        *,
        first_pause: float = FIRST_PAUSE,
        longest_pause: float = LONGEST_PAUSE,
        settled: float = SETTLED,
    ) -> None:
        """Take the tasks by name; ``start`` runs them. Times are seconds."""
        self._tasks = dict(tasks)
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._settled = settled
        self._running: list[asyncio.Task[None]] = []
        self.failing: dict[str, str] = {}

    def start(self) -> None:
        """Start every task in the running loop."""
        for name, task in self._tasks.items():
            self._running.append(asyncio.create_task(self._keep(name, task), name=name))

    async def stop(self) -> None:
        """Cancel every task and wait for the end of each."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    async def _keep(self, name: str, task: Task) -> None:
        loop = asyncio.get_running_loop()
        pause = self._first_pause
        while True:
            started = loop.time()
            recovery = loop.call_later(self._settled, self.failing.pop, name, None)
            try:
                await task()
                self._failed(name, "it returned", pause)
            except Exception as error:  # noqa: BLE001 - whatever it was, it is logged and the task runs again
                self._failed(name, f"{type(error).__name__}: {error}", pause, error)
            finally:
                recovery.cancel()
            if loop.time() - started > self._longest_pause:
                pause = self._first_pause
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._longest_pause)

    def _failed(self, name: str, reason: str, pause: float, error: Exception | None = None) -> None:
        self.failing[name] = reason
        logger.error(
            "task failed",
            exc_info=error,
            extra={"fields": {"task": name, "reason": reason, "restart_in_seconds": pause}},
        )
