"""Slots for the few large bodies that are read and answered at a time, with the line of those that wait for one.

The next slot goes to the address that used them least lately, so that neither many in line nor holding a slot for long
gains anything.
"""

import asyncio
from collections import Counter
from typing import Final

MAX_AT_ONCE: Final = 2
"""One of 40 MiB with its tree and its answer costs about 100 MiB. An address has one of them at most."""
MAX_WAITING: Final = 32
MAX_WAITING_OF_PEER: Final = 8
PATIENCE: Final = 4.0
"""Seconds in the line: less than the API server waits for an answer."""
SETBACK: Final = 10.0
"""Whoever had a slot for a second stands behind others for so many."""
MOST_BEHIND: Final = 60.0
"""Seconds at most, so that a busy hour of the API server is forgotten in a minute."""


class Slots:
    """Who has a slot and who waits, by peer address."""

    def __init__(self) -> None:
        """Begin with all slots free."""
        self._since: dict[str, float] = {}  # who has a slot, and since when
        self._waiting: dict[asyncio.Future[bool], str] = {}  # in the order of coming; False: there is none, go
        self._behind: dict[str, float] = {}  # who had one lately, and until when it stands behind others

    async def take(self, peer: str) -> bool:
        """Wait for a slot; False if there is none in time or the line is full."""
        if self._free(peer):
            self._grant(peer)
            return True
        if list(self._waiting.values()).count(peer) >= MAX_WAITING_OF_PEER:
            return False
        slot: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[slot] = peer
        if len(line := self._line()) > MAX_WAITING:
            line[-1].set_result(False)
        try:
            async with asyncio.timeout(PATIENCE):
                return await slot
        except BaseException as error:
            if slot.done() and not slot.cancelled() and slot.result():  # given in the same moment
                self.give(peer)
            if isinstance(error, TimeoutError):
                return False
            raise
        finally:
            del self._waiting[slot]

    def give(self, peer: str) -> None:
        """Give a slot back, and on to the next who may have it."""
        now = asyncio.get_running_loop().time()
        held = now - self._since.pop(peer)
        self._behind[peer] = min(max(self._behind.get(peer, now), now) + held * SETBACK, now + MOST_BEHIND)
        for slot in self._line():
            if self._free(waiter := self._waiting[slot]):
                self._grant(waiter)
                slot.set_result(True)

    def wanted(self, peer: str) -> bool:
        """Say whether another address waits for a slot."""
        return any(waiter != peer and not slot.done() for slot, waiter in self._waiting.items())

    def _grant(self, peer: str) -> None:
        self._since[peer] = asyncio.get_running_loop().time()

    def _line(self) -> list[asyncio.Future[bool]]:
        """Return who waits, the next one first: each address's first before anybody's second, else as they came."""
        now = asyncio.get_running_loop().time()
        self._behind = {peer: until for peer, until in self._behind.items() if until > now}
        places = Counter[str]()
        ranks: dict[asyncio.Future[bool], tuple[float, int]] = {}
        for slot, peer in self._waiting.items():
            if not slot.done():
                ranks[slot] = self._behind.get(peer, 0.0), places[peer]
                places[peer] += 1
        return sorted(ranks, key=ranks.__getitem__)

    def _free(self, peer: str) -> bool:
        return len(self._since) < MAX_AT_ONCE and peer not in self._since
