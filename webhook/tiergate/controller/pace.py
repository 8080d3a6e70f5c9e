"""A bound on the writes of the whole controller, so that its first pass over a large cluster leaves room for others."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from tiergate.cluster.budget import Budget
from tiergate.cluster.sender import Guarded, Sender

BURST: Final = 100
INTERVAL: Final = 0.02
"""A hundred writes at once, then fifty a second: a thousand quotas take 18 s, a repair never waits.

While the webhook is being handed over nothing waits: until all LimitRanges are there every pod is refused, and the
workers of the queue (``queue.WORKERS``) bound what is written at once.
"""


class PacedClient(Guarded):
    """Sends reads at once and writes at a bounded rate, in the order they came."""

    def __init__(
        self,
        client: Sender,
        *,
        urgent: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap a client; while it is urgent no write waits, nor does a later one for it."""
        super().__init__(client)
        self._urgent = urgent
        self._clock = clock
        self._budget = Budget(burst=BURST, interval=INTERVAL)

    async def before_write(self, what: str, timeout: float) -> float:  # noqa: ARG002, ASYNC109 - as the base has it
        """Wait for the write's turn, which does not count against its timeout."""
        if self._urgent():
            return timeout
        now = self._clock()
        delay = self._budget.wait("", now=now)
        self._budget.spend("", now=now)
        await asyncio.sleep(delay)
        return timeout
