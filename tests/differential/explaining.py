"""Which differences on purpose a disagreement comes from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Protocol

from tests.differential.differences import DIFFERENCES, Difference, Seen
from tests.differential.outcome import Outcome
from tests.differential.verdict import disagreeing


class Judging(Protocol):
    """Judges one case by our code."""

    async def outcome(self, off: Sequence[Difference] = ()) -> Outcome:
        """Return our outcome with some differences switched off."""

    def seen(self, outcome: Outcome) -> Seen:
        """Return what the predicates of differences look at."""


async def explanation(judge: Judging, native: Outcome, outcome: Outcome) -> tuple[str, ...]:
    """Return the fewest differences without which we agree, of those that apply to the case."""
    applying = await _applying(judge, outcome)
    for count in range(1, len(applying) + 1):
        for off in combinations(applying, count):
            if not disagreeing(native, await judge.outcome(off)):
                return tuple(one.name for one in off)
    return ()


async def _applying(judge: Judging, outcome: Outcome) -> tuple[Difference, ...]:
    """Return the differences that apply; some show only once those that change the object are switched off."""
    applying: tuple[Difference, ...] = ()
    while True:
        seen = judge.seen(outcome)
        found = tuple(one for one in DIFFERENCES if one in applying or one.applies(seen))
        if found == applying:
            return applying
        applying = found
        outcome = await judge.outcome(applying)
