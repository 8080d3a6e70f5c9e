"""What is told of a change, and what is not: a change that matters to nobody must cost nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.fake_api import FakeApi
from tests.following import following
from tests.virtual_time import clock
from tiergate.cluster.resource import LIMIT_RANGES, NAMESPACES, RESOURCE_QUOTAS, TIERS
from tiergate.cluster.state import ClusterState, Listeners
from tiergate.core.decision import Fault
from tiergate.core.tier import Tier
from tiergate.wire.tier import tier_and_faults
from tiergate.wire.tier_status import KeptSpec

VIRTUAL_TIME = True
DEV = TIERS.object("dev")
Object = dict[str, Any]


def a_tier(pods: str = "2", **spec: Any) -> Object:  # noqa: ANN401 - any JSON
    return {"metadata": {"uid": "u"}, "spec": {"quotas": [{"name": "compute", "hard": {"pods": pods}}], **spec}}


def a_namespace(tier: str | None = "dev", **metadata: Any) -> Object:  # noqa: ANN401 - any JSON
    return {"metadata": {"labels": {} if tier is None else {"tiergate.io/tier": tier}, **metadata}}


class World:
    """An API server with a tier and three namespaces, the state of it, and what was told of it."""

    def __init__(self) -> None:
        self.api = FakeApi()
        self.api.put(DEV, a_tier())
        for name, tier in (("a", "dev"), ("b", "dev"), ("c", None)):
            self.api.put(NAMESPACES.object(name), a_namespace(tier))
        self.told: list[str] = []
        self.state = ClusterState(
            self.api,
            release_namespace="tiergate-system",
            controls=True,
            clock=clock,
            listeners=Listeners(
                namespace=lambda name: self.told.append(f"namespace {name}"),
                tier=lambda name: self.told.append(f"tier {name}"),
                status=lambda name: self.told.append(f"status {name}"),
                configuration=lambda: self.told.append("configuration"),
            ),
        )

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[World]:
        async with following(self.state, self.state.objects_known):
            yield self

    async def after(self, path: str, **changes: object) -> list[str]:
        """Change parts of an object, and return what is told of that."""
        self.told.clear()
        self.api.put(path, {**(self.api.get(path) if path in self.api else {}), **changes})
        await asyncio.sleep(1)
        return sorted(self.told)


STATUS = {"mode": "Enforce", "conditions": [{"type": "Ready", "status": "True"}]}


async def test_a_status_write_of_a_tier_is_told_as_that_alone() -> None:
    """Neither its namespaces nor the tier are looked at, and what was derived from it stays."""
    async with World().followed() as world:
        before = world.state.tier("dev")
        assert await world.after(DEV, status=STATUS) == ["status dev"]
        assert world.state.tier("dev") is before
        record = world.state.tier_record("dev")
        assert record is not None
        assert record.status.mode == "Enforce"


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(a_tier("3")["spec"], id="another-bound"),
        pytest.param(a_tier(enforcement="Audit")["spec"], id="another-mode"),
        pytest.param(a_tier("2000m")["spec"] | {"limits": [{"type": "Pod", "max": {"cpu": "1"}}]}, id="a-limit"),
    ],
)
async def test_another_spec_is_told_to_every_namespace_of_the_tier(spec: Object) -> None:
    async with World().followed() as world:
        assert await world.after(DEV, spec=spec) == ["namespace a", "namespace b", "tier dev"]


async def test_a_spec_that_means_the_same_is_told_to_no_namespace() -> None:
    """Another generation, the same policy: the object in force stays the same, its generation moves."""
    async with World().followed() as world:
        before = world.state.tier("dev")
        assert await world.after(DEV, spec={**a_tier()["spec"], "exemptions": {"users": []}}) == ["tier dev"]
        assert world.state.tier("dev") is before
        in_force = world.state.in_force("dev")
        assert in_force is not None
        assert in_force.generation == 2


async def test_an_invalid_edit_changes_nothing_and_is_a_fault() -> None:
    async with World().followed() as world:
        before = world.state.in_force("dev")
        assert await world.after(DEV, spec=a_tier("x")["spec"]) == ["tier dev"]
        assert world.state.in_force("dev") == before
        assert world.state.faults()["tiers"] == 1


@pytest.mark.parametrize(
    ("spec", "in_force"),
    [
        pytest.param(json.dumps(a_tier("3")["spec"]), True, id="valid"),
        pytest.param(json.dumps(a_tier("x")["spec"]), False, id="valid-for-another-release"),
        pytest.param('{}, "metadata": {"name": "prod"}', False, id="not-json"),
        pytest.param("[" * 100_000, False, id="nested-for-ever"),
    ],
)
async def test_a_process_that_starts_takes_the_version_that_the_status_keeps(spec: str, *, in_force: bool) -> None:
    """The invalid one was written while the webhook was away; so nothing is kept in memory."""
    world = World()
    world.api.put(DEV, {**a_tier("x"), "status": {"inForce": {"generation": 3, "spec": spec}}})
    async with world.followed():
        found = world.state.in_force("dev")
        assert (None if found is None else found.written) == (KeptSpec(3, spec) if in_force else None)
        if found is not None:
            assert found.tier.name == "dev"
        assert await world.after(DEV, spec=a_tier("5")["spec"]) == ["namespace a", "namespace b", "tier dev"]
        assert (latest := world.state.in_force("dev")) is not None
        assert str(latest.tier.quotas[0].hard["pods"]) == "5"


@pytest.mark.parametrize(("uid", "in_force"), [("u", True), ("another", False)])
async def test_an_invalid_tier_does_not_inherit_from_a_deleted_one_of_its_name(uid: str, *, in_force: bool) -> None:
    """Also where nothing was heard of the deletion, as between two lists."""
    async with World().followed() as world:
        await world.after(DEV, **{**a_tier("x"), "metadata": {"uid": uid}})
        assert (world.state.tier("dev") is not None) == in_force


async def test_a_tier_that_goes_or_comes_is_told_to_its_namespaces() -> None:
    async with World().followed() as world:
        world.told.clear()
        world.api.delete(DEV)
        await asyncio.sleep(1)
        assert sorted(world.told) == ["namespace a", "namespace b", "tier dev"]
        assert (world.state.tier("dev"), world.state.has_tier("dev")) == (None, False)
        assert await world.after(DEV, **a_tier("x")) == ["namespace a", "namespace b", "tier dev"]


async def test_of_a_namespace_only_its_tier_and_its_end_are_told() -> None:
    async with World().followed() as world:
        path = NAMESPACES.object("a")
        labels = a_namespace()["metadata"]["labels"]
        assert await world.after(path, metadata={"labels": labels, "annotations": {"x": "y"}}) == []
        assert await world.after(path, **a_namespace("prod")) == ["namespace a", "tier dev", "tier prod"]
        assert (world.state.namespaces_of("dev"), world.state.namespaces_of("prod")) == (("b",), ("a",))
        going = a_namespace("prod", deletionTimestamp="2026-03-01T00:00:00Z")
        assert await world.after(path, **going) == ["namespace a", "tier prod"]


@pytest.mark.parametrize("name", ["kube-flannel", "tiergate-system"])
async def test_a_protected_namespace_is_no_member_whatever_its_label_says(name: str) -> None:
    """Its label may be older than the guard."""
    async with World().followed() as world:
        await world.after(NAMESPACES.object(name), **a_namespace())
        assert world.state.namespaces_of("dev") == ("a", "b")
        found = world.state.namespace(name)
        assert found is not None
        assert found.tier is None


@pytest.mark.parametrize(
    ("path", "spec"),
    [
        pytest.param(RESOURCE_QUOTAS.object("q", namespace="a"), {"hard": {}}, id="quota"),
        pytest.param(LIMIT_RANGES.object("l", namespace="a"), {"limits": []}, id="limit-range"),
    ],
)
async def test_an_object_is_told_to_its_namespace_and_its_tier(path: str, spec: Object) -> None:
    """The objects of other namespaces stay the same tuples: what was compared with them need not be again."""
    async with World().followed() as world:
        world.api.put(RESOURCE_QUOTAS.object("q", namespace="b"), {"spec": {"hard": {}}})
        await asyncio.sleep(1)
        others = world.state.quotas("b")
        assert await world.after(path, spec=spec) == ["namespace a", "tier dev"]
        assert world.state.quotas("b") is others


async def test_each_object_is_decoded_once_for_each_event(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    def judged(raw: bytes) -> tuple[Tier | None, tuple[Fault, ...]]:
        decoded.append(raw)
        return tier_and_faults(raw)

    monkeypatch.setattr("tiergate.cluster.tier_record.tier_and_faults", judged)
    async with World().followed() as world:
        await world.after(DEV, spec=a_tier("3")["spec"])
        await world.after(DEV, status=STATUS)
    assert len(decoded) == 3
