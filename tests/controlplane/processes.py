"""Child processes that never outlive this run.

Three nets, each for the case the one before cannot see: a child dies with the process that started it
(the kernel sends SIGKILL), whoever ends normally stops its children itself, and everything carries the
run's mark in its environment, so that whoever cleans up finds grandchildren too.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

MARK: Final = "TIERGATE_RUN"
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """Return a ``preexec_fn`` that has the kernel end the child when the thread that forks it ends."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died before the call above: no signal will come
            os._exit(1)

    return before_exec


def adopt_orphans() -> None:
    """Have orphaned descendants become children of this process, not of init, which may not bury them."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def bury() -> None:
    """Collect all children that have ended; call it when nobody else waits for them."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass


def marked(mark: str) -> Iterator[int]:
    """Yield the ids of this user's processes that carry the mark in their environment, but for the caller."""
    entry = f"{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


def sweep(mark: str, *, seconds: float = 5.0) -> tuple[int, ...]:
    """Kill all processes with the mark until none is left; return the ids that were killed."""
    killed: set[int] = set()
    end = time.monotonic() + seconds
    while left := tuple(marked(mark)):
        if time.monotonic() > end:
            msg = f"processes {left} survived SIGKILL for {seconds:g} s"
            raise RuntimeError(msg)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed.update(left)
        time.sleep(0.02)
    return tuple(sorted(killed))
