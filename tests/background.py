"""Threads that work beside a test."""

from __future__ import annotations

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
