"""How long reviews have held the event loop in this pass of it.

One pass serves every connection that is ready. Hundreds of reviews that are cheap by themselves would together keep
handshakes, probes and other clients waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

SECONDS: Final = 0.002
"""Reviews may hold one pass for so long; the rest take turns, one in each pass."""
LOOK: Final = 0.001
"""Seconds between two looks at the CPU's clock, and of a block that is measured by it: a look is a system call."""


class LoopPass:
    """The time that reviews have taken in the pass that is under way; a ``with`` block counts what it takes.

    A short block counts by the time of day. Of a longer one no more counts than the CPU has worked since the latest
    look at its clock, as no review is to blame for what else the machine does.
    """

    def __init__(
        self, clock: Callable[[], float] = time.perf_counter, cpu: Callable[[], float] = time.thread_time
    ) -> None:
        """Take two clocks in seconds: a monotonic one, and that of the CPU's time."""
        self._clock = clock
        self._cpu = cpu
        self._began = 0.0
        self._looked = float("-inf")
        self._cpu_looked = 0.0
        self._spent = 0.0
        self._is_over = True
        self.latest = 0.0
        """Seconds that the latest block took."""

    @property
    def is_spent(self) -> bool:
        """Whether the next review has to wait for a later pass."""
        return self._spent >= SECONDS

    def __enter__(self) -> None:
        """Begin to count; nothing in the block may wait."""
        self._began = now = self._clock()
        if now - self._looked >= LOOK:
            self._looked, self._cpu_looked = now, self._cpu()

    def __exit__(self, *_: object) -> None:
        """Count what held the loop; the next pass begins at 0."""
        took = self._clock() - self._began
        if took >= LOOK:
            took = min(took, self._cpu() - self._cpu_looked)
        self.latest = took
        self._spent += took
        if self._is_over:
            self._is_over = False
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        self._spent, self._is_over = 0.0, True
