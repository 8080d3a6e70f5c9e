"""Split a byte stream into lines, however long they are.

A watch event is one line, and one pod can make a line of 7 MB (1.2 MB of ``<`` in an env value, HTML-escaped). The
stream reader of the HTTP library gives up above 4 MiB and then hands out a fragment of the same event, so lines are
put together here.
"""

from collections.abc import Iterator
from typing import Final

MAX_LINE: Final = 40 * 2**20
"""Bytes of one line: the API server's largest object (about 3 MiB in a request) escaped sixfold, with room to spare."""


class LineTooLong(RuntimeError):
    """One line is longer than an event can be: what is at the other end is no watch."""


class LineSplitter:
    """Collect chunks of any size and give back whole lines without their newline.

    What follows the last newline stays inside until more arrives; at the end of a stream it is a cut-off event and of
    no use.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        """Start empty; ``limit`` is the longest line in bytes."""
        self._limit = limit
        self._parts: list[bytes] = []
        self._length = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the lines that this chunk completes; blank lines are skipped.

        Raises:
            LineTooLong: The current line has grown beyond the limit.
        """
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            self._keep(chunk[start:end])
            start = end + 1
            if line := self._take():
                yield line
        if start < len(chunk):
            self._keep(chunk[start:])

    def _keep(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > self._limit:
            raise LineTooLong(f"a line is longer than {self._limit} bytes")
        self._parts.append(part)

    def _take(self) -> bytes:
        line = b"".join(self._parts)
        self._parts.clear()
        self._length = 0
        return line
