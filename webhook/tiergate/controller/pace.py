"""A bound on the writes of the whole controller, so that its first pass over a large cluster leaves room for others."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from tiergate.cluster.sender import Sender
from tiergate.controller.queue import Budget

BURST: Final = 100
INTERVAL: Final = 0.02
"""A hundred writes at once, then fifty a second: a thousand quotas take 18 s, a repair never waits."""


class PacedClient:
    """Sends reads at once and writes at a bounded rate, in the order they came."""

    def __init__(self, client: Sender, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Wrap a client."""
        self._client = client
        self._clock = clock
        self._budget = Budget(burst=BURST, interval=INTERVAL)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109 - as the client has it
    ) -> bytes:
        """Send one request; the time that a write waits for its turn does not count against the timeout.

        Raises:
            ApiError, Unreachable: As the client's.
        """
        if method != "GET":
            now = self._clock()
            delay = self._budget.wait("", now=now)
            self._budget.spend("", now=now)
            await asyncio.sleep(delay)
        return await self._client.request(
            method, path, query=query, body=body, content_type=content_type, timeout=timeout
        )
