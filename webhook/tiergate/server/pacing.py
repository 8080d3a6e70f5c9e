"""How soon a namespace gets its answers: one that asks without end leaves most of the time to the others.

A review is read before it is known whose it is, and that is most of what it costs. But whoever has as many reviews
under way as it can have sends the next one when it has an answer: who gets answers later asks less. What is refused is
of no namespace, and would be sent again at once: these refusals are paced as those of a namespace of their address.

What is held back has no bound in number: it is a connection that could as well be idle, its body is released, and an
address with fewer connections takes its place (``process/connections.py``).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SHARE: Final = 0.25
"""Of the time of the event loop, which one namespace may have beside others."""
OVERHEAD: Final = 0.00015
"""Seconds that TLS and HTTP take for a review, whatever is in it."""
BYTES: Final = 2.0e8
"""Bytes of a review that are received and read in a second, about."""
BURST: Final = 0.02
"""Seconds of the loop that a namespace may have at once."""
ALONE: Final = 1.0
"""Seconds after a review of anybody else from which on a namespace is alone, and waits for nobody."""
LONGEST: Final = 1.0
"""Seconds that an answer is held back at most: the API server waits for it."""
MOST_KNOWN: Final = 1024

_Key = tuple[str, str]
"""An address and a namespace: whoever reaches the port can make up namespaces, but not the API server's address."""


class Pacing:
    """When each namespace may have its next answer."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take a monotonic clock in seconds."""
        self._clock = clock
        self._due: dict[_Key, float] = {}
        self._latest: _Key = ("", "")
        self._alone_at = float("-inf")

    def wait(self, peer: str, namespace: str, *, size: int, held: float = 0.0) -> float:
        """Return how many seconds the answer to a review of so many bytes, which held the loop for so long, waits."""
        now, key = self._clock(), (peer, namespace)
        if key != self._latest:
            self._latest, self._alone_at = key, now + ALONE
        due = self._due.get(key, 0.0)
        if not due and len(self._due) >= MOST_KNOWN:
            self._due.clear()
        due = max(due, now - BURST / SHARE)
        self._due[key] = min(due + (OVERHEAD + size / BYTES + held) / SHARE, now + LONGEST)
        return 0.0 if now >= self._alone_at else max(due - now, 0.0)
