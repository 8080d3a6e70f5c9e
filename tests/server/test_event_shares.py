"""Shares of the Events on workloads: whoever floods takes no one else's."""

from __future__ import annotations

from typing import Final

import pytest

from tests.builders import a_workload_object
from tests.reviews import a_review
from tests.server.event_world import World, a_flood, a_pod_of, a_rollout, about
from tiergate.server import events
from tiergate.server.events import ALL_BURST, ALL_INTERVAL, BURST, MOST_WAITING

REFUSED: Final = a_review(a_pod_of())


@pytest.mark.asyncio
async def test_a_flood_is_bounded_in_memory_and_in_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever floods has half of the places, and what he makes up no share of the namespace's Events."""
    monkeypatch.setattr(events, "MOST_KNOWN", 200)
    world = World(namespaces=20)
    a_rollout(world.api)
    for number in range(2 * 200):
        await world.review("validate", a_flood(number, f"team-{number % 20}"), peer="192.0.2.66")
    assert (world.events.waiting, len(world.events)) == (MOST_WAITING // 2, 200)
    await world.review("validate", REFUSED, peer="192.0.2.1")
    begun = world.now
    (event,) = await world.written()
    assert about(event) == ("Deployment", "web", "uid-web")
    assert world.now - begun >= (MOST_WAITING // 2 - ALL_BURST) * ALL_INTERVAL
    assert world.counts.outcomes["absent"] == MOST_WAITING // 2


@pytest.mark.asyncio
async def test_a_namespace_has_so_many_events_and_no_more() -> None:
    """Also of workloads that are there; and another namespace has its own."""
    world = World(namespaces=1)
    for number in range(4 * BURST):
        world.put("ReplicaSet", f"rs-{number}")
        await world.review("validate", a_flood(number))
    world.put("ReplicaSet", "rs-0", namespace="team-0")
    await world.review("validate", a_flood(0, "team-0"))
    written = await world.written()
    assert [event["metadata"]["namespace"] for event in written].count("dev") == BURST
    assert [event["metadata"]["namespace"] for event in written].count("team-0") == 1


@pytest.mark.asyncio
async def test_a_tenant_who_makes_up_owners_keeps_nobody_elses_event_from_being_written() -> None:
    """All tenants come from one address, the API server's."""
    world = World(namespaces=1)
    a_rollout(world.api)
    for number in range(MOST_WAITING):
        await world.review("validate", a_flood(number, "team-0"))
    await world.review("validate", REFUSED)
    assert world.events.waiting == BURST + 1
    (event,) = await world.written()
    assert about(event) == ("Deployment", "web", "uid-web")


@pytest.mark.asyncio
async def test_made_up_creations_leave_the_share_of_others_alone() -> None:
    world = World()
    a_rollout(world.api)
    for number in range(4 * BURST):
        await world.review("workloads", a_review(a_workload_object(name=f"w-{number}", cpu="3")))
    await world.review("validate", REFUSED)
    written = await world.written()
    assert len([event for event in written if about(event)[2] == ""]) == BURST
    assert about(written[-1]) == ("Deployment", "web", "uid-web")
