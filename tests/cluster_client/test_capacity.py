"""What is kept of a namespace's ResourceQuotas and LimitRanges is bounded, in whatever order they come."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from tests.fake_api import FakeApi
from tests.following import following
from tests.virtual_time import clock
from tiergate.cluster.capacity import MOST, OBJECT, Capacity, Kept
from tiergate.cluster.resource import LIMIT_RANGES, RESOURCE_QUOTAS
from tiergate.cluster.state import ClusterState
from tiergate.core.native import LimitRange
from tiergate.wire import Malformed
from tiergate.wire.limitrange import MAX_NAMES as MOST_IN_A_RANGE
from tiergate.wire.limitrange import read_limit_range
from tiergate.wire.ownership import own_labels
from tiergate.wire.types import MAX_NAMES

VIRTUAL_TIME = True
Object = dict[str, Any]


def a_quota(names: int) -> Object:
    return {"spec": {"hard": {f"count/{number}.example.com": "1" for number in range(names)}}}


def a_range(names: int) -> Object:
    maximum = {f"example.com/{number}": "1" for number in range(names)}
    return {"spec": {"limits": [{"type": "Container", "max": maximum}]}}


OURS: Object = {"metadata": {"labels": own_labels("dev")}}
KINDS = {"quotas": (RESOURCE_QUOTAS, a_quota), "ranges": (LIMIT_RANGES, a_range)}


class World:
    """An API server and the state of it."""

    def __init__(self, kind: str) -> None:
        self.resource, self.make = KINDS[kind]
        self.api = FakeApi(counts=False)
        self.state = ClusterState(self.api, release_namespace="tiergate-system", controls=True, clock=clock)

    def put(self, name: str, names: int, *, namespace: str = "a", ours: bool = False) -> None:
        document = {**self.make(names), **(OURS if ours else {})}
        self.api.put(self.resource.object(name, namespace=namespace), document)

    def kept(self, namespace: str = "a") -> dict[str, int]:
        """Return how much each object holds that is kept."""
        found: tuple[Kept, ...] = (
            self.state.quotas(namespace) if self.resource is RESOURCE_QUOTAS else self.state.limit_ranges(namespace)
        )
        assert sum(OBJECT + one.size for one in found if not one.managed) <= MOST
        return {one.name: one.size for one in found}


async def seen() -> None:
    await asyncio.sleep(1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [True, False], ids=["listed", "watched"])
async def test_a_tenant_s_objects_fill_their_own_room_alone(kind: str, *, before: bool) -> None:
    world = World(kind)

    def fill() -> None:
        for number in range(2 * MOST // MAX_NAMES):
            world.put(f"q{number:02}", MAX_NAMES)
        for number in range(2 * MOST // OBJECT):
            world.put(f"small{number:03}", 1)
        world.put("tier", 3, ours=True)
        world.put("q", 3, namespace="b")

    if before:
        fill()
    async with following(world.state, world.state.objects_known):
        if not before:
            fill()
        await seen()
        assert world.kept()["tier"] >= 3
        assert len(world.kept()) < 2 + MOST // OBJECT
        assert list(world.kept("b")) == ["q"]
        assert world.state.fault(world.resource, "a", "small199") is not None


@pytest.mark.parametrize("kind", KINDS)
async def test_room_is_free_again_and_no_edit_gets_around_it(kind: str) -> None:
    world = World(kind)
    async with following(world.state, world.state.objects_known):
        for number in range(2 * MOST // OBJECT):  # each fits, then it grows
            world.put(f"q{number}", 0)
            await asyncio.sleep(0.001)
            world.put(f"q{number}", MAX_NAMES)
        await seen()
        kept = world.kept()
        for name in kept:
            world.api.delete(world.resource.object(name, namespace="a"))
        await seen()
        assert world.kept() == {}
        world.put("new", MAX_NAMES)
        await seen()
        assert world.kept()["new"] >= MAX_NAMES


def test_an_object_takes_the_place_of_its_earlier_version() -> None:
    capacity, one = Capacity(), LimitRange(name="a", items=(), namespace="n")
    for _ in range(2 * MOST // OBJECT):
        capacity.take(one)
    capacity.free("n/a")
    capacity.free("n/a")
    for number in range(MOST // OBJECT):
        capacity.take(msgspec.structs.replace(one, name=str(number)))
    with pytest.raises(Malformed, match="are kept"):
        capacity.take(one)
    capacity.take(msgspec.structs.replace(one, managed=True))


@pytest.mark.parametrize(("items", "names", "fits"), [(3, 5 * MAX_NAMES, True), (200, 500, False), (9000, 0, False)])
def test_a_range_is_counted_before_anything_is_made_of_it(items: int, names: int, *, fits: bool) -> None:
    bounds = ("default", "defaultRequest", "min", "max", "maxLimitRequestRatio")

    def item(number: int) -> Object:
        each = {f"example.com/{one}": "1" for one in range(min(names, MAX_NAMES))}
        return {"type": f"a.b/{number}", **dict.fromkeys(bounds[: -(-names // MAX_NAMES)], each)}

    raw = msgspec.json.encode(
        {"metadata": {"name": "l"}, "spec": {"limits": [item(number) for number in range(items)]}}
    )
    if fits:
        assert read_limit_range(raw).size <= MOST_IN_A_RANGE
    else:
        with pytest.raises(Malformed, match="are judged"):
            read_limit_range(raw)
