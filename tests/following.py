"""Following, in a test, what a made-up API server has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from tests.virtual_time import clock
from tiergate.cluster.state import ClusterState

Task = Callable[[], Awaitable[object]]


@asynccontextmanager
async def running(tasks: Iterable[Task]) -> AsyncIterator[None]:
    """Run tasks that have no end, such as those of caches; one that ends all the same is a failure."""
    started = [asyncio.ensure_future(task()) for task in tasks]
    try:
        yield
        for task in started:
            assert not task.done(), task.exception()
    finally:
        for task in started:
            task.cancel()
        await asyncio.gather(*started, return_exceptions=True)


@asynccontextmanager
async def following(state: ClusterState, known: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run the caches of a state; begin once what has to be known is."""
    async with running(cache.run for cache in state.caches().values()):
        await known()
        yield


async def eventually(holds: Callable[[], object]) -> None:
    """Wait, in virtual time, until it holds."""
    deadline = clock() + 300
    while not holds():
        assert clock() < deadline, "it did not come true in time"
        await asyncio.sleep(0.05)
