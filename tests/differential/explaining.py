"""Which differences on purpose a disagreement comes from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations
from typing import Protocol

from tests.differential.differences import DIFFERENCES, Difference, Seen, counted_again, held_sums
from tests.differential.outcome import Outcome
from tests.differential.verdict import disagreeing


class JudgedOperation(Protocol):
    """Judges one case by our code."""

    async def outcome(self, off: Sequence[Difference] = ()) -> Outcome:
        """Return our outcome with some differences switched off."""

    def seen(self, outcome: Outcome) -> Seen:
        """Return what the predicates of differences look at."""


async def explanation(judged: JudgedOperation, native: Outcome, outcome: Outcome) -> tuple[str, ...]:
    """Return the fewest differences without which we agree, of those that apply to the case."""
    applying, seen = await _applying(judged, outcome)
    ways = (*held_sums(seen), *counted_again(seen))
    for count in range(1, len(applying) + 2):
        with_one = ((*off, one) for off in combinations(applying, count - 1) for one in ways)
        for off in chain(combinations(applying, count), with_one):
            if not disagreeing(native, await judged.outcome(off)):
                return tuple(one.name for one in off)
    return ()


async def _applying(judged: JudgedOperation, outcome: Outcome) -> tuple[tuple[Difference, ...], Seen]:
    """Return the differences that apply, and what is seen with all of them off.

    Some show only once those that change the object are switched off.
    """
    applying: tuple[Difference, ...] = ()
    while True:
        seen = judged.seen(outcome)
        found = tuple(one for one in DIFFERENCES if one in applying or one.applies(seen))
        if found == applying:
            return applying, seen
        applying = found
        outcome = await judged.outcome(applying)
