"""Turns: the few large bodies that are read and answered at a time, and the line of those that wait for it."""

import asyncio
from collections import Counter
from typing import Final

MAX_AT_ONCE: Final = 2
"""One of 40 MiB with its tree and its answer costs about 100 MiB."""
MAX_OF_PEER: Final = 1
"""No address can keep others from a turn; an API server's large reviews come one after the other."""
MAX_WAITING: Final = 32
MAX_WAITING_OF_PEER: Final = 8
PATIENCE: Final = 4.0
"""Seconds in the line: less than the API server waits for an answer."""


class Turns:
    """Who has a turn and who waits, in the order of coming, by peer address."""

    def __init__(self) -> None:
        """Begin with all turns free."""
        self._taken = Counter[str]()
        self._waiting: dict[asyncio.Future[None], str] = {}

    async def take(self, peer: str) -> bool:
        """Wait for a turn; False if there is none in time or the line is full."""
        if self._free(peer):
            self._taken[peer] += 1
            return True
        places = list(self._waiting.values())
        if len(places) >= MAX_WAITING or places.count(peer) >= MAX_WAITING_OF_PEER:
            return False
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = peer
        try:
            async with asyncio.timeout(PATIENCE):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # given in the same moment
                self.give(peer)
            if isinstance(error, TimeoutError):
                return False
            raise
        finally:
            self._waiting.pop(turn, None)
        return True

    def give(self, peer: str) -> None:
        """Give a turn back, and on to the first who may have it."""
        self._taken -= Counter((peer,))
        for turn, waiter in self._waiting.items():
            if not turn.done() and self._free(waiter):
                self._taken[waiter] += 1
                turn.set_result(None)

    def _free(self, peer: str) -> bool:
        return self._taken.total() < MAX_AT_ONCE and self._taken[peer] < MAX_OF_PEER
