"""How many log lines the reviews of one address may cause: whoever floods must not rotate everybody else's away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from tiergate.process.allowance import Allowance

LINES: Final = 500
"""For each address in a second: more reviews than an API server of a large cluster sends to one replica."""
MOST_PEERS: Final = 1000
"""Addresses that are counted in a second; further ones have no lines in it."""


class LogAllowance:
    """Counts the lines of the present second, and how many were left out of the one before."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing counted; ``clock`` has monotonic seconds."""
        self._lines = Allowance[str](LINES, MOST_PEERS, clock=clock)
        self.left_out = 0
        """Lines that were left out since the last call of `take_left_out`."""

    def may_log(self, peer: str) -> bool:
        """Count one line of a peer address; say whether it may be written."""
        if self._lines.take(peer):
            return True
        self.left_out += 1
        return False

    def take_left_out(self) -> int:
        """Return how many lines were left out since the last call."""
        left_out, self.left_out = self.left_out, 0
        return left_out
