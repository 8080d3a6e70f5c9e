"""Slots for the few large bodies that are read and answered at a time, with the line of those that wait for one."""

import asyncio
from collections import Counter
from typing import Final

MAX_AT_ONCE: Final = 2
"""One of 40 MiB with its tree and its answer costs about 100 MiB."""
MAX_OF_PEER: Final = 1
"""No address can keep others from a slot; an API server's large reviews come one after the other."""
MAX_WAITING: Final = 32
MAX_WAITING_OF_PEER: Final = 8
PATIENCE: Final = 4.0
"""Seconds in the line: less than the API server waits for an answer."""


class Slots:
    """Who has a slot and who waits, in the order of coming, by peer address."""

    def __init__(self) -> None:
        """Begin with all slots free."""
        self._taken = Counter[str]()
        self._waiting: dict[asyncio.Future[None], str] = {}

    async def take(self, peer: str) -> bool:
        """Wait for a slot; False if there is none in time or the line is full."""
        if self._free(peer):
            self._taken[peer] += 1
            return True
        places = list(self._waiting.values())
        if len(places) >= MAX_WAITING or places.count(peer) >= MAX_WAITING_OF_PEER:
            return False
        slot = asyncio.get_running_loop().create_future()
        self._waiting[slot] = peer
        try:
            async with asyncio.timeout(PATIENCE):
                await slot
        except BaseException as error:
            if slot.done() and not slot.cancelled():  # given in the same moment
                self.give(peer)
            if isinstance(error, TimeoutError):
                return False
            raise
        finally:
            self._waiting.pop(slot, None)
        return True

    def give(self, peer: str) -> None:
        """Give a slot back, and on to the first who may have it."""
        self._taken -= Counter((peer,))
        for slot, waiter in self._waiting.items():
            if not slot.done() and self._free(waiter):
                self._taken[waiter] += 1
                slot.set_result(None)

    def _free(self, peer: str) -> bool:
        return self._taken.total() < MAX_AT_ONCE and self._taken[peer] < MAX_OF_PEER
