"""Memory that was freed goes back to the system, and what a cycle keeps is looked for in time."""

import contextlib
import ctypes
import gc
from typing import Final

M_MMAP_THRESHOLD: Final = -3
MAPPED_BYTES: Final = 2**17


def map_large_blocks() -> None:
    """Let the C library map each large block on its own, so that it goes back to the system when it is freed.

    glibc does so at first, but from the first freed body on only for blocks larger than that body: connections' buffers
    of 256 KiB would then stay for good. Other C libraries have no such knob, and need none.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)


def share_with_worker() -> None:
    """Take what is there out of the collector's sight before the worker is forked, so that it copies fewer pages."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Collect cyclic garbage, and let the C library return the free pages between what is in use."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
