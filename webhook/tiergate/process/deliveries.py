"""How many connections may bring something in one pass of the event loop: some of each address, and some of all.

One pass reads every connection on which bytes have arrived. Hundreds of them, each with tens of KiB to decrypt and to
copy, make a pass as long as all of them, and others wait for several passes. Those that are too many wait for a later
one, with their bytes in the system.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 32
"""Deliveries in one pass; one is 64 KiB at most, or one review, and takes about 0.2 ms."""
MOST_OF_PEER: Final = 16
"""Of one address."""


class Deliveries:
    """Counts the deliveries of the pass that is under way, and lets those that wait go on in turn by address."""

    def __init__(self, most: int = MOST, most_of_peer: int = MOST_OF_PEER) -> None:
        """Allow so many in a pass, and so many of one address."""
        self._most = most
        self._most_of_peer = most_of_peer
        self._taken = Counter[str]()
        self._total = 0
        self._waiting: dict[str, deque[Callable[[], None]]] = {}  # the address whose turn is next is the first
        self._is_counting = False

    def take(self, peer: str) -> bool:
        """Count a delivery of an address; say whether there is room for it in this pass."""
        if self._total >= self._most or self._taken[peer] >= self._most_of_peer:
            return False
        self._count(peer)
        return True

    def wait(self, peer: str, go_on: Callable[[], None]) -> None:
        """Have called, in a later pass, what lets a connection of an address go on; that delivery is counted then."""
        self._waiting.setdefault(peer, deque()).append(go_on)

    def _count(self, peer: str) -> None:
        self._taken[peer] += 1
        self._total += 1
        if not self._is_counting:
            self._is_counting = True
            asyncio.get_running_loop().call_soon(self._next_pass)

    def _next_pass(self) -> None:
        """Begin to count anew, with those that have been waiting: each address one, and again."""
        self._is_counting = False
        self._taken.clear()
        self._total = 0
        while self._waiting and self._total < self._most_of_peer:  # what is left is for those who come
            peer = next(iter(self._waiting))
            waiting = self._waiting.pop(peer)
            go_on = waiting.popleft()
            if waiting:
                self._waiting[peer] = waiting  # behind the others
            self._count(peer)
            go_on()
