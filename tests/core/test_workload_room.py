"""The closed form of a rollout against one bound is the same as walking through it step by step."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import a_claim, a_pod, a_quota, a_tier, an_item
from tests.core.workloads import KNOWN, a_workload, judged
from tiergate.core import workload_verdict
from tiergate.core.native import LimitRange
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus
from tiergate.core.quota_bounds import Bound, Charged, NamespaceQuotas
from tiergate.core.release import NEWEST
from tiergate.core.workload_room import Present, Rolling, passing, tight_bounds

if TYPE_CHECKING:
    from tiergate.core.decision import Finding

COUNTS = st.integers(0, 12)
AMOUNTS = st.integers(0, 6)


def _bound(room: int, each: int, before: int) -> Bound:
    return Bound("compute", "limits.cpu", Quantity(room), Quantity(0), Quantity(each), Quantity(before))


def _walked(pods: int, old: int, unavailable: int, bound: Bound) -> bool:
    """Say whether a rollout without surge of its own gets through, as a controller goes about it."""
    new = 0
    while new < pods:
        old = max(0, min(old, pods - unavailable - new))
        if bound.needed(old=old, new=new + 1) > bound.room:
            return False
        new += 1
    return True


@pytest.mark.slow
@settings(deadline=None, max_examples=500)
@given(pods=st.integers(1, 12), running=COUNTS, fewer=COUNTS, room=st.integers(0, 60), each=AMOUNTS, before=AMOUNTS)
def test_a_rollout_stalls_where_a_walk_through_it_stops(  # noqa: PLR0913, RUF100  # what a rollout is a function of
    pods: int, running: int, fewer: int, room: int, each: int, before: int
) -> None:
    bound, running, fewer = _bound(room, each, before), min(running, pods), min(fewer, pods)
    rolling = Rolling(pods, running, fewer)
    assert rolling.stalls(bound) == (not _walked(pods, running, fewer, bound))
    least = passing([(rolling, bound)])
    through = [one for one in range(fewer, pods + 1) if _walked(pods, running, one, bound)]
    assert least == (through[0] if through else None)


@settings(deadline=None)
@given(room=st.integers(-5, 60), each=st.integers(1, 6), before=AMOUNTS, kept=COUNTS)
def test_as_many_fit_as_can_be_added_one_by_one(room: int, each: int, before: int, kept: int) -> None:
    """First come those of the former template."""
    bound, old, new = _bound(room, each, before), 0, 0
    while old < kept and bound.needed(old=old + 1, new=0) <= bound.room:
        old += 1
    while old == kept and bound.needed(old=old, new=new + 1) <= bound.room:
        new += 1
    assert bound.fitting(kept=kept) == old + new


def _tight(hard: int, used: int, each: int, before: int, *, running: int | None, pods: int) -> tuple[Bound, ...]:
    name = "limits.cpu"
    quota = QuotaStatus("compute", hard={name: Quantity(hard)}, used={name: Quantity(used)})
    unit, former = ((Charged(a_pod(), {name: Quantity(one)}),) for one in (each, before))
    return tight_bounds(NamespaceQuotas((quota,), a_tier(), NEWEST), unit, Present(former, running), pods=pods)


@pytest.mark.slow
@settings(deadline=None, max_examples=1000)
@given(
    amounts=st.tuples(st.integers(0, 80), st.integers(0, 40), st.integers(1, 6), AMOUNTS),
    running=st.none() | COUNTS,
    counts=st.tuples(st.integers(1, 12), COUNTS, COUNTS, COUNTS),
)
def test_nothing_could_be_said_of_a_bound_that_is_not_tight(
    amounts: tuple[int, int, int, int], running: int | None, counts: tuple[int, int, int, int]
) -> None:
    """All pods fit, and no rollout stalls there, however many of the former template there are or stay."""
    hard, used, each, before = amounts
    pods, there, fewer, kept = counts[0], counts[1], counts[2], min(counts[3], counts[0])
    others = 0 if running is None else max(0, used - running * before)
    whole = Bound(
        "compute", "limits.cpu", Quantity(hard), Quantity(others), Quantity(each), Quantity(before), native=True
    )
    found = _tight(hard, used, each, before, running=running, pods=pods)
    assert found in ((), (whole,))
    if not found:
        assert whole.needed(old=kept, new=pods - kept) <= whole.room
        rolling = Rolling(pods - kept, min(there, pods - kept), min(fewer, pods), kept)
        assert not rolling.stalls(whole)


def test_a_bound_is_tight_where_one_pod_more_than_wanted_does_not_fit() -> None:
    """Of either template: the larger one counts, and what its own pods use does not."""
    for each, before in ((3, 2), (2, 3)):
        assert len(_tight(14, 2, each, before, running=0, pods=3)) == 0
        assert len(_tight(13, 2, each, before, running=0, pods=3)) == 1
        assert len(_tight(12, before + 1, each, before, running=1, pods=3)) == 1
        assert len(_tight(13, before + 1, each, before, running=1, pods=3)) == 0
        assert len(_tight(12, 12, each, before, running=None, pods=3)) == 0


def _any_verdict(random: Random) -> tuple[Finding, ...]:
    """Return what is said of a workload chosen at random, in a namespace that it may just fit into."""
    workload = a_workload(
        {name: str(random.randint(1, 3)) for name in random.choice((["cpu"], ["cpu", "memory"]))},
        replicas=random.randint(0, 5),
        claims=tuple(a_claim("1") for _ in range(random.choice((0, 0, 1, 2)))),
        settled=random.random() < 0.8,
    )
    old = msgspec.structs.replace(workload, written=b"another", running=random.randint(0, 5))
    hard = {"limits.cpu": random.randint(2, 16), "pods": random.randint(4, 8), "requests.storage": 9}
    used = {name: random.randint(0, amount) for name, amount in hard.items()}
    quota = a_quota(*({name: str(amount) for name, amount in one.items()} for one in (hard, used)), managed=False)
    tier = a_tier(an_item(default={"memory": "1"}, high={"cpu": "2"}))
    own = LimitRange("own", (an_item(default={"memory": "2"}, high={"cpu": "1"}),))
    around = msgspec.structs.replace(KNOWN, limit_ranges=random.choice(((), (), (own,))))
    return judged(workload, old=random.choice((None, old)), tier=tier, quotas=(quota,), around=around)


def test_the_first_look_finds_nothing_only_where_the_close_one_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends most verdicts; whatever it is unsure of is judged in full."""
    quick = [_any_verdict(Random(seed)) for seed in range(300)]  # noqa: S311  # a reproducible choice
    monkeypatch.setattr(workload_verdict, "_fit", lambda *_: False)
    assert quick == [_any_verdict(Random(seed)) for seed in range(300)]  # noqa: S311  # as above
    assert 50 < sum(map(bool, quick)) < 250
