"""How far a check is, on a terminal and only where it takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TextIO

FIRST: Final = 1.0
"""Seconds until anything is said."""
PAUSE: Final = 0.2
"""Seconds between two lines, each in the place of the one before."""
_CLEAR: Final = "\r\033[K"


class Progress:
    """Writes to a stream if that is a terminal."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the stream, and a clock in seconds."""
        self._stream = stream if stream.isatty() else None
        self._clock = clock
        self._next = clock() + FIRST
        self._shown = False

    def read(self, objects: int) -> None:
        """Say how many objects have been read."""
        self._say("{} objects read", objects)

    def judged(self, objects: int) -> None:
        """Say how many objects have been judged."""
        self._say("{} objects judged", objects)

    def _say(self, text: str, objects: int) -> None:
        if self._stream is None or (now := self._clock()) < self._next:
            return
        self._next = now + PAUSE
        self._stream.write(_CLEAR + text.format(objects))
        self._stream.flush()
        self._shown = True

    def end(self) -> None:
        """Leave the line empty for what follows."""
        if self._stream is not None and self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
