"""An event loop whose time jumps to the next thing that is due: hours of waiting take milliseconds."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

TICK = 1e-9
"""Seconds that each turn of the loop takes: time always moves on, as it does on a real clock."""


class _Selector(selectors.DefaultSelector):
    """Never waits; what would have been waited is added to the time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits, and nothing will ever be due")
        self.now += max(timeout, TICK)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """The loop; ``time`` begins at 0. A conftest names it as the loop of the tests in its folder."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._virtual.now

    def run_in_executor(
        self,
        executor: object,  # noqa: ARG002 - the loop's signature
        func: Callable[..., T],
        *args: object,
    ) -> asyncio.Future[T]:
        """Call the function at once: while a thread worked, time would jump."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the result
            done.set_exception(error)
        return done


def clock() -> float:
    """Return the time of the running loop: what is tested takes it instead of its own clock."""
    return asyncio.get_running_loop().time()


def at_virtual_time(story: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Let a test run on a clock that jumps."""

    def test() -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(story())

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test
