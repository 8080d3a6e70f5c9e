"""A bound on the writes of the whole controller, so that its first pass over a large cluster leaves room for others."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from tiergate.cluster.sender import Guarded, Sender
from tiergate.controller.queue import Budget

BURST: Final = 100
INTERVAL: Final = 0.02
"""A hundred writes at once, then fifty a second: a thousand quotas take 18 s, a repair never waits."""


class PacedClient(Guarded):
    """Sends reads at once and writes at a bounded rate, in the order they came."""

    def __init__(self, client: Sender, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Wrap a client."""
        super().__init__(client)
        self._clock = clock
        self._budget = Budget(burst=BURST, interval=INTERVAL)

    async def before_write(self, what: str, timeout: float) -> float:  # noqa: ARG002, ASYNC109 - as the base has it
        """Wait for the write's turn, which does not count against its timeout."""
        now = self._clock()
        delay = self._budget.wait("", now=now)
        self._budget.spend("", now=now)
        await asyncio.sleep(delay)
        return timeout
