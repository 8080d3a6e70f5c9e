"""What works beside a test: threads, and others that wait for the event loop."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def threads(*work: Callable[[], object], stop: Callable[[], object]) -> Iterator[None]:
    """Do the work while the block runs, each in a thread of its own; ``stop`` tells all of it to end."""
    workers = [threading.Thread(target=one) for one in work]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        stop()
        for worker in workers:
            worker.join()


class Turns:
    """How many turns others had."""

    def __init__(self) -> None:
        self.count = 0

    async def take_all(self) -> None:
        for self.count in itertools.count(1):
            await asyncio.sleep(0)


@contextmanager
def others_turns() -> Iterator[Turns]:
    """Count the turns that the event loop gives to others while the block runs, which ends with it, also in error."""
    turns = Turns()
    task = asyncio.ensure_future(turns.take_all())
    try:
        yield turns
    finally:
        task.cancel()
