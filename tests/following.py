"""Following, in a test, what a made-up API server has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tiergate.cluster.state import ClusterState


@asynccontextmanager
async def following(state: ClusterState, known: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run the caches of a state; begin once what has to be known is."""
    running = [asyncio.create_task(cache.run()) for cache in state.caches().values()]
    await known()
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
