"""How much connections may bring in one pass of the event loop: so many of each address and of all, for so long.

One pass reads every connection on which bytes have arrived. Hundreds of them, each with tens of KiB to decrypt and to
copy, make a pass as long as all of them, and others wait for several passes. Bytes alone do not say how long one takes:
thousands of tiny TLS records take twenty times as long as one that is full. Those that are too many or too late wait
for a later pass, with their bytes in the system. Of one address, whoever has brought little of a request goes before
those whose bodies are being read for longer: an ordinary review is one delivery, a body of a megabyte is sixteen.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST: Final = 16
"""Deliveries in one pass; one is 64 KiB at most, or one review, and nearly always takes less than 0.2 ms."""
MOST_OF_PEER: Final = 8
"""Of one address."""
MOST_BULKY: Final = 4
"""Of all addresses those that are bulky: of a request of which much has come, and more will."""
BULKY_TURN: Final = 4
"""Of so many deliveries of one address that waited, one is bulky, however many others there are."""
SECONDS: Final = 0.001
"""After so long no further one begins in a pass."""

_GoOn = Callable[[], None]
_Waiting = tuple[_GoOn, bool]
"""What lets a connection go on, and whether its delivery is bulky."""


class _Line:
    """The deliveries of an address that wait, those of requests of which little has come before the bulky ones."""

    def __init__(self) -> None:
        self._first = deque[_Waiting]()
        self._bulky = deque[_Waiting]()
        self._turns = 0

    def __bool__(self) -> bool:
        return bool(self._first or self._bulky)

    def add(self, one: _Waiting) -> None:
        (self._bulky if one[1] else self._first).append(one)

    def put_before(self, late: Sequence[_Waiting]) -> None:
        """Put those that were too late before those that have been waiting, each kind in its order."""
        for one in reversed(late):
            (self._bulky if one[1] else self._first).appendleft(one)

    def next(self) -> _Waiting:
        self._turns += 1
        is_bulky = bool(self._bulky) and (not self._first or self._turns % BULKY_TURN == 0)
        return (self._bulky if is_bulky else self._first).popleft()


class Deliveries:
    """Counts the deliveries of the pass that is under way, and lets those that wait go on in turn by address."""

    def __init__(
        self,
        most: int = MOST,
        most_of_peer: int = MOST_OF_PEER,
        *,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Allow so many in a pass, so many of one address, and so many seconds on a monotonic clock."""
        self._most = most
        self._most_of_peer = most_of_peer
        self._seconds = seconds
        self._clock = clock
        self._taken: dict[str, int] = {}
        self._total = 0
        self._bulky = 0
        self._began: float | None = None  # when the first one of this pass did
        self._waiting: dict[str, _Line] = {}  # the address whose turn is next is the first
        self._late: dict[str, list[_Waiting]] = {}  # came too late in this pass: before the others in the next one
        self._is_counting = False

    def take(self, peer: str, *, bulky: bool = False) -> bool:
        """Count a delivery of an address; say whether it may begin in this pass."""
        taken = self._taken.get(peer, 0)  # not a Counter's own look-up, which is slower where there is nothing yet
        if self._total >= self._most or taken >= self._most_of_peer or self._is_over():
            return False
        if bulky:
            if self._bulky >= MOST_BULKY:
                return False
            self._bulky += 1
        self._taken[peer] = taken + 1
        self._total += 1
        return True

    def wait(self, peer: str, go_on: _GoOn, *, bulky: bool = False) -> None:
        """Have called, in a later pass, what lets a connection of an address go on; that delivery is counted then."""
        self._waiting.setdefault(peer, _Line()).add((go_on, bulky))

    async def turn(self, peer: str) -> None:
        """Wait until a delivery of an address may begin."""
        if not self.take(peer):
            turn = asyncio.get_running_loop().create_future()
            self.wait(peer, lambda: None if turn.done() else turn.set_result(None))
            await turn

    def is_late(self, peer: str, go_on: _GoOn, *, bulky: bool = False) -> bool:
        """Say whether a delivery whose turn it is comes too late in this pass; it is then first in the next one."""
        if not self._is_over():
            return False
        self._late.setdefault(peer, []).append((go_on, bulky))
        self._end_pass_later()
        return True

    def _is_over(self) -> bool:
        """Say whether this pass has taken long enough; the first delivery of each never comes too late."""
        if self._began is not None:
            return self._clock() - self._began >= self._seconds
        self._began = self._clock()
        self._end_pass_later()
        return False

    def _count(self, peer: str, *, bulky: bool) -> None:
        self._taken[peer] = self._taken.get(peer, 0) + 1
        self._total += 1
        self._bulky += bulky
        self._end_pass_later()

    def _end_pass_later(self) -> None:
        if not self._is_counting:
            self._is_counting = True
            asyncio.get_running_loop().call_soon(self._next_pass)

    def _next_pass(self) -> None:
        """Begin to count anew, with those that have been waiting: each address one, and again."""
        self._is_counting = False
        self._taken.clear()
        self._total = self._bulky = 0
        self._began = None
        if self._late:
            self._put_late_ones_first()
        while self._waiting and self._total < self._most_of_peer:  # what is left is for those who come
            peer = next(iter(self._waiting))
            line = self._waiting.pop(peer)
            go_on, bulky = line.next()
            if line:
                self._waiting[peer] = line  # behind the others
            self._count(peer, bulky=bulky)
            go_on()

    def _put_late_ones_first(self) -> None:
        late, self._late = self._late, {}
        lines: dict[str, _Line] = {}
        for peer, some in late.items():
            lines[peer] = self._waiting.pop(peer, _Line())
            lines[peer].put_before(some)
        self._waiting = {**lines, **self._waiting}
