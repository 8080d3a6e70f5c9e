"""Who leads: never two at once, whatever is lost, late or frozen; and somebody again soon after the leader is gone."""

from __future__ import annotations

import asyncio
import random
import re

import pytest

from tests.controller.candidates import LEASE, LONGEST_TAKEOVER, TIMING, Candidate, candidates, spec, until
from tests.fake_api import FakeApi
from tiergate.cluster.errors import ApiError
from tiergate.cluster.lease import LeaseTiming


async def test_the_first_leads_and_the_lease_reads_as_kubernetes_writes_it() -> None:
    """holder, duration, both times in microseconds, no transition yet; renewing moves the renewal alone."""
    api = FakeApi()
    async with candidates(api, "a", "b") as (a, b):
        assert (a.leads(), b.leads()) == (True, False)
        first = spec(api)
        assert (first["holderIdentity"], first["leaseDurationSeconds"], first["leaseTransitions"]) == ("a", 15, 0)
        assert re.fullmatch(r"2026-03-0\dT\d\d:\d\d:\d\d\.\d{6}Z", first["renewTime"])
        await asyncio.sleep(100)
        assert (a.leads(), b.leads()) == (True, False)
        later = spec(api)
        assert later["renewTime"] > first["renewTime"]
        assert {**later, "renewTime": ""} == {**first, "renewTime": ""}
    assert api.journal["POST leases"] == 1


@pytest.mark.parametrize("kill_at", [0.0, 0.7, 1.9])
async def test_after_a_kill_the_other_leads_within_the_lease_duration(kill_at: float) -> None:
    """Counted from the last renewal, plus one look: the dead leader has long lost its certainty."""
    api = FakeApi()
    async with candidates(api, "a", "b") as (a, b):
        await asyncio.sleep(20 + kill_at)
        a.kill()
        killed = asyncio.get_running_loop().time()
        took = await until(b.leads) - killed
        assert TIMING.lease_duration - TIMING.retry_period - 0.2 <= took <= LONGEST_TAKEOVER
        assert not a.leads()
        assert spec(api)["leaseTransitions"] == 1
        assert spec(api)["acquireTime"] == spec(api)["renewTime"]


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_frozen_leader_has_lost_its_certainty_when_it_wakes_up(side: str) -> None:
    """It was stopped in the middle of a renewal, and its first look at the clock says that it does not lead."""
    api = FakeApi()
    async with candidates(api, "a", "b") as (a, b):
        await asyncio.sleep(20)
        setattr(a.line, side, 60.0)
        seen = []
        for _ in range(1200):
            await asyncio.sleep(0.05)
            assert not (a.leads() and b.leads())
            seen.append(b.leads())
        assert seen[-1]
        setattr(a.line, side, 0.0)
        await asyncio.sleep(60)
        assert (a.leads(), b.leads()) == (False, True)
        assert spec(api)["holderIdentity"] == "b"


async def test_a_leader_whose_machine_slept_begins_a_new_term() -> None:
    """Between two renewals a minute passed unseen: nobody else was there, and still what it knew is not relied on."""
    api = FakeApi()
    async with candidates(api, "a") as (a,):
        await asyncio.sleep(20)
        a.slept = 60.0
        assert not a.leads()
        await asyncio.sleep(3)
        assert (a.leads(), a.terms) == (True, 2)
        assert spec(api)["leaseTransitions"] == 0


async def test_a_leader_that_cannot_renew_stops_before_another_one_may_begin() -> None:
    """The renew deadline ends its certainty; the lease duration begins the other's."""
    api = FakeApi()
    async with candidates(api, "a", "b") as (a, b):
        await asyncio.sleep(20)
        a.line.lost = True
        cut = asyncio.get_running_loop().time()
        assert await until(lambda: not a.leads()) - cut <= TIMING.renew_deadline
        assert not b.leads()
        await asyncio.sleep(LONGEST_TAKEOVER)
        assert 0 < a.ended - cut <= TIMING.renew_deadline  # a request under way does not draw the term out
        assert b.leads()
        a.line.lost = False
        await asyncio.sleep(30)
        assert (a.leads(), b.leads()) == (False, True)


async def test_one_lost_answer_does_not_end_a_lead() -> None:
    """The renewal was stored and its answer lost: the next one meets a conflict, reads, and goes on."""
    api = FakeApi()
    async with candidates(api, "a") as (a,):
        await asyncio.sleep(20)
        a.line.answer_lost = True
        await asyncio.sleep(6)
        a.line.answer_lost = False
        await asyncio.sleep(20)
        assert (a.leads(), a.terms) == (True, 1)
        assert spec(api)["leaseTransitions"] == 0


async def test_an_orderly_stop_lets_the_other_lead_at_its_next_look() -> None:
    """The holder is cleared, the count of transitions stays, and nobody waits for the Lease to run out."""
    api = FakeApi()
    async with candidates(api, "a", "b") as (a, b):
        await asyncio.sleep(20)
        await a.stop()
        assert [a.leads(), b.leads()] == [False, False]
        assert spec(api)["holderIdentity"] == ""
        await asyncio.sleep(TIMING.retry_period * 1.2 + 0.1)
        assert b.leads()
        assert spec(api)["leaseTransitions"] == 1
        a.start()


async def test_a_lease_that_somebody_deletes_gives_the_lead_to_nobody_else() -> None:
    """The leader writes it again; a standby that has just seen a leader does not take the gap for a chance."""
    api = FakeApi()
    async with candidates(api, "a", "b") as (a, b):
        for _ in range(20):
            await asyncio.sleep(3.1)
            api.delete(LEASE)
            for _ in range(100):
                await asyncio.sleep(0.05)
                assert not b.leads()
        assert a.leads()
        assert a.terms == 1
        assert spec(api)["holderIdentity"] == "a"


async def test_a_lease_that_somebody_took_ends_the_lead() -> None:
    """Whoever is written there leads, also where it is an unknown one; when that one is silent, the Lease runs out."""
    api = FakeApi()
    async with candidates(api, "a", "b") as (a, b):
        await asyncio.sleep(20)
        api.put(LEASE, {**api.get(LEASE), "spec": {**spec(api), "holderIdentity": "somebody"}})
        await asyncio.sleep(3)
        assert not a.leads()
        await asyncio.sleep(TIMING.lease_duration - 5)
        assert [a.leads(), b.leads()] == [False, False]
        await asyncio.sleep(10)
        assert a.leads() != b.leads()


async def test_what_others_wrote_into_the_metadata_stays() -> None:
    """A renewal carries the metadata back as it came, the version it was decided on included."""
    api = FakeApi()
    async with candidates(api, "a") as (a,):
        found = api.get(LEASE)
        api.put(LEASE, {**found, "metadata": {**found["metadata"], "labels": {"team": "platform"}}})
        await asyncio.sleep(10)
        assert a.leads()
        assert api.get(LEASE)["metadata"]["labels"] == {"team": "platform"}


async def test_a_lease_of_another_tool_without_a_duration_is_waited_for_as_our_own() -> None:
    """Null fields are no fields: the wait is ours then."""
    api = FakeApi()
    api.put(LEASE, {"spec": {"holderIdentity": "old", "leaseDurationSeconds": None, "renewTime": None}})
    async with candidates(api, "a") as (a,):
        await asyncio.sleep(TIMING.lease_duration - 1)
        assert not a.leads()
        await asyncio.sleep(2)
        assert a.leads()
        assert spec(api)["leaseTransitions"] == 1


async def test_an_api_server_that_refuses_is_asked_again() -> None:
    """Without the right to write Leases nobody leads, and nothing ends; with it all is well at once."""
    api = FakeApi()
    api.refuse["POST leases"] = ApiError(403, "Forbidden", "no leases for you")
    async with candidates(api, "a") as (a,):
        await asyncio.sleep(30)
        assert not a.leads()
        api.refuse.clear()
        await asyncio.sleep(3)
        assert a.leads()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(15))
async def test_never_two_leaders_whatever_is_lost_late_or_frozen(seed: int) -> None:
    """Random faults on three lines: at every moment at most one is certain, and in quiet one leads."""
    chance = random.Random(seed)  # noqa: S311 - faults, no secrets
    api = FakeApi()
    async with candidates(api, "a", "b", "c") as found:
        for _ in range(40):
            _disturb(chance, found)
            for _ in range(100):
                await asyncio.sleep(0.2)
                assert sum(one.leads() for one in found) <= 1
        for one in found:
            one.line.lost = one.line.answer_lost = False
            one.line.before = one.line.after = 0.0
        await asyncio.sleep(120)
        assert sum(one.leads() for one in found) == 1


def _disturb(chance: random.Random, found: list[Candidate]) -> None:
    for one in found:
        one.line.lost = chance.random() < 0.15
        one.line.answer_lost = chance.random() < 0.15
        one.line.before = chance.choice((0, 0, 0, 0.3, 3, 8, 25))
        one.line.after = chance.choice((0, 0, 0, 0.3, 3, 8, 25))


async def test_replicas_with_different_durations_never_lead_together() -> None:
    """While durations change by an upgrade, each waits as long as the holder said."""
    api = FakeApi()
    slow = Candidate(api, "slow", LeaseTiming(lease_duration=60, renew_deadline=40, retry_period=2))
    fast = Candidate(api, "fast", LeaseTiming(lease_duration=4, renew_deadline=3, retry_period=1))
    for one in (slow, fast):
        one.start()
        await asyncio.sleep(5)
    slow.line.lost = True
    for _ in range(800):
        await asyncio.sleep(0.1)
        assert not (slow.leads() and fast.leads())
    assert fast.leads()
    for one in (slow, fast):
        await one.stop()
