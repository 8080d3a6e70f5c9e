"""Shares of the Events on workloads: whoever floods takes no one else's."""

from __future__ import annotations

from typing import Final

import pytest

from tests.builders import a_workload_object
from tests.reviews import a_review
from tests.server.event_world import World, a_flood, a_pod_of, a_rollout, about
from tiergate.server import events
from tiergate.server.events import ALL_BURST, ALL_INTERVAL, BURST, CHANGED, INTERVAL, MOST_WAITING, SPARE

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
@pytest.mark.parametrize(("changing", "newcomers"), [(SPARE, SPARE), (3 * BURST, 0)])
async def test_texts_that_change_without_end_have_the_share_of_their_namespace(changing: int, newcomers: int) -> None:
    """Of few workloads half of it: others of the namespace are told of at once. Other namespaces notice none of it."""
    world = World(namespaces=1)
    for number in range(changing + newcomers):
        world.put("ReplicaSet", f"rs-{number}")
    world.put("ReplicaSet", "rs-0", namespace="team-0")
    begun = world.now
    while world.now < begun + 100:
        for number in range(changing):
            await world.review("validate", a_flood(number, cpu=f"{world.now:.0f}"))
        assert world.events.waiting <= BURST
        await world.written()
        world.now += 4
    written = world.counts.outcomes["written"]
    assert BURST < written <= BURST + (world.now - begun) / INTERVAL
    assert len(world.events) == changing
    for number in range(changing, changing + newcomers):
        await world.review("validate", a_flood(number))
    await world.review("validate", a_flood(0, "team-0"))
    await world.written()
    assert world.counts.outcomes["written"] == written + newcomers + 1


@pytest.mark.asyncio
@pytest.mark.parametrize(("peers", "new", "changed"), [(1, MOST_WAITING // 2, MOST_WAITING // 4), (4, 200, 128)])
async def test_texts_that_change_leave_half_of_the_queue_to_what_is_due(peers: int, new: int, changed: int) -> None:
    """Half of what there is for all, and half of what there is for one address, whatever the namespaces."""
    names = [f"team-{number}" for number in range(new)]
    world = World(namespaces=len(names))
    for name in names:
        world.put("ReplicaSet", "rs-0", namespace=name)
    for cpu, waiting in (("3", new), ("4", changed)):
        for number, name in enumerate(names):
            await world.review("validate", a_flood(0, name, cpu=cpu), peer=f"192.0.2.{number % peers}")
        assert world.events.waiting == waiting
        await world.written()
        world.now += CHANGED


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
