"""The bytes of a file or of standard input, bounded; nothing that could block, or grow without end, is opened."""

from __future__ import annotations

import os
import stat
import sys
from typing import Final

STDIN: Final = "-"
MAX_BYTES: Final = 256 * 2**20
"""Of one file."""
_STREAMS: Final = ("/dev/fd/", "/dev/stdin", "/proc/self/fd/")
"""What a shell gives for a process substitution. Whoever names one waits for it, as for standard input."""


class UnreadableFile(ValueError):
    """A file cannot be read; the text says why."""


def read_bytes(path: str) -> bytes:
    """Return what a file, or ``-``, holds.

    Raises:
        UnreadableFile: It cannot be opened, is no regular file, or holds too much.
    """
    try:
        raw = sys.stdin.buffer.read(MAX_BYTES + 1) if path == STDIN else _read(path)
    except OSError as error:
        raise UnreadableFile(error.strerror or str(error)) from None
    except ValueError as error:  # NUL in a name
        raise UnreadableFile(str(error)) from None
    if len(raw) > MAX_BYTES:
        raise _too_large()
    return raw


def _too_large() -> UnreadableFile:
    return UnreadableFile(f"more than {MAX_BYTES // 2**20} MiB")


def _read(path: str) -> bytes:
    if path.startswith(_STREAMS):
        with open(path, "rb") as stream:  # noqa: PTH123 - a Path costs more than the rest
            return stream.read(MAX_BYTES + 1)
    _must_be_regular(os.stat(path))  # noqa: PTH116 - as above; opening a device may do something
    with open(path, "rb", opener=_opener) as file:
        found = os.fstat(file.fileno())
        _must_be_regular(found)
        if found.st_size > MAX_BYTES:
            raise _too_large()
        # A file of /proc has no size and may never end: one byte tells.
        raw: bytes | None = file.read(MAX_BYTES + 1 if found.st_size else 1)
        if raw is None or (raw and not found.st_size):
            raise _not_regular()
        return raw


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _must_be_regular(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise UnreadableFile("Is a directory")
    if not stat.S_ISREG(found.st_mode):
        raise _not_regular()


def _not_regular() -> UnreadableFile:
    return UnreadableFile("not a regular file; give what a pipe holds as -")
