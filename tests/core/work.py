"""How much work a refusal may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tests.builders import a_request, a_tier, the_facts
from tests.calls import calls_of
from tiergate.core.decide import decide

if TYPE_CHECKING:
    from tiergate.core.podspec import Pod
    from tiergate.core.quota import QuotaStatus
    from tiergate.core.tier import LimitRangeItem

MOST_CALLS: Final = 100_000
"""Of one review, so that it holds the event loop for less than 25 ms (ADR 21): CPython makes some 10 calls in 1 us."""


def work_of(pod: Pod, item: LimitRangeItem, quotas: tuple[QuotaStatus, ...] = ()) -> int:
    """Return how many calls the refusal takes, after the first one of its tier."""
    facts = the_facts(a_tier(item), quotas, fresh=frozenset({"quotas"}))
    assert decide(a_request(pod), facts).findings
    again = msgspec.structs.replace(pod)
    return calls_of(lambda: decide(a_request(again), facts))
