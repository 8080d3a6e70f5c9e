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


class LoopPass:
    """The time that reviews have taken in the pass that is under way; a ``with`` block counts what it takes."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        """Take a clock in seconds: of the CPU's time, as no review is to blame for what else the machine does."""
        self._clock = clock
        self._began = 0.0
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
        self._began = self._clock()

    def __exit__(self, *_: object) -> None:
        """Count what held the loop; the next pass begins at 0."""
        self.latest = self._clock() - self._began
        self._spent += self.latest
        if self._is_over:
            self._is_over = False
            asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        self._spent, self._is_over = 0.0, True
