"""Nobody is refused because a cache was late: live re-reads, and waiting for a young namespace's quota."""

from __future__ import annotations

import pytest

from tests.builders import UID, Json, a_pod_object, a_quota, a_tier, a_tier_quota, an_item
from tests.reviews import a_review
from tests.server.admission_fakes import FakeState, answer, response, rules
from tiergate.core.tier import Tier
from tiergate.server.admission import TIMEOUT, AdmissionFailed
from tiergate.server.endpoints.reading import LIVE_READ_SHARE, LONGEST_READS, OutOfTimeError
from tiergate.wire import Malformed

POD: Json = a_pod_object({"name": "agent", "resources": {"limits": {"cpu": "1"}}})
BODY = a_review(POD)
TIER: Tier = a_tier(quotas=[a_tier_quota({"limits.cpu": "4"})])
FULL = a_quota({"limits.cpu": "4"}, {"limits.cpu": "4"})
FREE = a_quota({"limits.cpu": "4"})
DEV = {"dev": TIER}


async def test_room_in_the_cache_needs_no_live_read() -> None:
    facts = FakeState(tiers=DEV, quotas=(FREE,))
    assert rules(await answer("validate", BODY, facts)) == []
    assert facts.calls == []


async def test_usage_is_read_live_before_a_refusal_and_the_refusal_falls_when_there_is_room() -> None:
    facts = FakeState(tiers=DEV, quotas=(FULL,), quotas_now=(FREE,))
    assert rules(await answer("validate", BODY, facts)) == []
    assert facts.calls == ["quotas dev"]


async def test_a_refusal_that_is_still_true_stands_with_the_live_numbers() -> None:
    now = a_quota({"limits.cpu": "4"}, {"limits.cpu": "3500m"})
    facts = FakeState(tiers=DEV, quotas=(FULL,), quotas_now=(now,))
    answered = await answer("validate", BODY, facts)
    assert rules(answered) == ["quota-exceeded"]
    assert response(answered)["status"]["message"] == (
        'pod "agent-7f9c" in namespace "dev" (tier dev): '
        'quota "compute": limits.cpu asks 1, used 3500m of 4, over by 500m; '
        "set limits.cpu to 500m or less, or free 500m in dev"
    )
    assert facts.calls == ["quotas dev"]


async def test_a_refusal_by_a_range_alone_reads_nothing_live() -> None:
    tier = a_tier(an_item(high={"cpu": "500m"}), quotas=[a_tier_quota({"limits.cpu": "4"})])
    facts = FakeState(tiers={"dev": tier}, quotas=(FREE,))
    assert rules(await answer("validate", BODY, facts)) == ["limit-max"]
    assert facts.calls == []


async def test_a_demand_is_read_live_too() -> None:
    facts = FakeState(tiers={"dev": a_tier()}, quotas=(a_quota({"limits.memory": "4Gi"}),), quotas_now=())
    assert rules(await answer("validate", BODY, facts)) == []
    assert facts.calls == ["quotas dev"]


async def test_a_quota_that_comes_into_force_in_time_is_waited_for() -> None:
    facts = FakeState(tiers=DEV, later=(101.5, (FREE,)))
    assert rules(await answer("validate", BODY, facts)) == []
    assert facts.calls == ["wait 2"]
    assert facts.now == 101.5


async def test_changes_of_other_quotas_do_not_end_the_waiting() -> None:
    foreign = a_quota({"services": "1"}, name="theirs", managed=False)
    facts = FakeState(tiers=DEV, later=(101.0, (foreign,)))
    assert rules(await answer("validate", BODY, facts)) == ["quota-pending"]
    assert facts.calls == ["wait 2", "wait 1", "quotas dev"]


async def test_after_two_seconds_the_pod_is_refused_with_the_way_out() -> None:
    facts = FakeState(tiers=DEV)
    answered = await answer("validate", BODY, facts)
    assert rules(answered) == ["quota-pending"]
    assert 'quota "compute" is being set up in dev; try again' in response(answered)["status"]["message"]
    assert facts.calls == ["wait 2", "quotas dev"]


async def test_nobody_waits_for_a_quota_whose_place_somebody_else_has() -> None:
    foreign = a_quota({"services": "1"}, name="tier", managed=False)
    facts = FakeState(tiers=DEV, quotas=(foreign,), quotas_now=(foreign,))
    answered = await answer("validate", BODY, facts)
    assert rules(answered) == ["quota-pending"]
    assert '"tier" is not Tiergate\'s' in response(answered)["status"]["message"]
    assert facts.calls == ["quotas dev"]


async def test_a_quota_the_watch_missed_is_found_live() -> None:
    facts = FakeState(tiers=DEV, quotas_now=(FREE,))
    assert rules(await answer("validate", BODY, facts)) == []


async def test_a_pod_that_a_range_refuses_waits_for_no_quota_and_reads_none() -> None:
    """It is refused whatever the usage, and at once."""
    strict = a_tier(an_item(high={"cpu": "500m"}), quotas=[a_tier_quota({"limits.cpu": "4"})])
    state = FakeState(tiers={"dev": strict}, quotas_now=RuntimeError("away"))
    assert rules(await answer("validate", BODY, state)) == ["limit-max", "quota-pending"]
    assert state.calls == []
    assert state.now == 100.0


STALE = {"tiers_now": dict(DEV), "namespaces_now": {"dev": "dev"}, "quotas_now": (FREE,), "stale": True}


@pytest.mark.parametrize("seconds", [10, 30])
async def test_all_live_reads_of_a_review_share_one_deadline(seconds: int) -> None:
    """Each read gets what the earlier ones left of the API server's timeout, less what the answer takes.

    Whoever says that it waits for half a minute does not get that much.
    """
    state = FakeState(**STALE, seconds_per_read=1.0)  # type: ignore[arg-type]  # FakeState's own
    assert rules(await answer("validate", BODY, state, timeout=seconds)) == []
    assert state.timeouts == [8.0, 7.0, 6.0]


async def test_a_review_that_is_out_of_time_fails_before_the_api_server_gives_up() -> None:
    state = FakeState(**STALE, seconds_per_read=2.5)  # type: ignore[arg-type]  # FakeState's own
    with pytest.raises(AdmissionFailed) as failed:
        await answer("validate", BODY, state)
    assert isinstance(failed.value.__cause__, OutOfTimeError)
    assert state.calls == ["namespace dev", "tier dev"]
    assert LIVE_READ_SHARE < 1


@pytest.mark.parametrize(("api_server_waits", "wait"), [(1, 0.4), (3, 1.2), (TIMEOUT, 2), (30, 2)])
async def test_waiting_for_a_quota_leaves_time_to_read_it(api_server_waits: float, wait: float) -> None:
    """Also where the API server waits for a second only."""
    state = FakeState(tiers=DEV, quotas_now=(FREE,))
    assert rules(await answer("validate", BODY, state, timeout=api_server_waits)) == []
    assert state.calls == [f"wait {wait:g}", "quotas dev"]
    assert state.timeouts == [pytest.approx(min(api_server_waits * LIVE_READ_SHARE, LONGEST_READS) - wait)]


async def test_a_quota_that_came_while_the_tier_was_read_is_not_waited_for() -> None:
    state = FakeState(tiers_now=dict(DEV), later=(101.0, (FREE,)), seconds_per_read=1.0)
    assert rules(await answer("validate", BODY, state)) == []
    assert state.calls == ["tier dev"]


async def test_stale_caches_are_not_asked() -> None:
    facts = FakeState(
        tiers={"dev": a_tier(an_item(high={"cpu": "1m"}))},
        tiers_now=dict(DEV),
        namespaces={"dev": "prod"},
        namespaces_now={"dev": "dev"},
        quotas=(FULL,),
        quotas_now=(FREE,),
        stale=True,
    )
    assert rules(await answer("validate", BODY, facts)) == []
    assert facts.calls == ["namespace dev", "tier dev", "quotas dev"]


async def test_a_dry_run_is_judged_alike() -> None:
    facts = FakeState(tiers=DEV, quotas=(FULL,))
    answered = await answer("validate", a_review(POD, dryRun=True), facts)
    assert rules(answered) == ["quota-exceeded"]
    assert answered.record.dry_run


@pytest.mark.parametrize(
    "failure", [RuntimeError("no answer"), Malformed("/status", "no quota"), KeyError("bug")], ids=repr
)
async def test_usage_that_cannot_be_had_is_a_failure_and_no_verdict(failure: Exception) -> None:
    facts = FakeState(tiers=DEV, quotas=(FULL,), quotas_now=failure)
    with pytest.raises(AdmissionFailed) as failed:
        await answer("validate", BODY, facts)
    assert failed.value.__cause__ is failure
    record = failed.value.record
    assert (record.uid, record.outcome, record.namespace, record.tier) == (UID, "error", "dev", "dev")
    assert type(failure).__name__ in record.detail
