"""What verdicts on workloads rest on, against an API server in memory: known or not, and never waited for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from tests.builders import a_container
from tests.fake_api import FakeApi
from tests.following import eventually, running
from tests.virtual_time import clock
from tiergate.cluster.api import Api
from tiergate.cluster.namespaced_cache import limit_ranges
from tiergate.core.placement import Node, Taint
from tiergate.core.quantity import Quantity
from tiergate.core.workload_case import UNKNOWN
from tiergate.server.workload_state import WorkloadState

VIRTUAL_TIME = True
NODE = "/api/v1/nodes/a"
RANGE = "/api/v1/namespaces/dev/limitranges/own"
WEB = "/apis/apps/v1/namespaces/dev/deployments/web"


def a_limit_range(cpu: Any = "1") -> dict[str, Any]:  # noqa: ANN401  # JSON
    return {"spec": {"limits": [{"type": "Container", "max": {"cpu": cpu}}]}}


def state_on(api: FakeApi) -> WorkloadState:
    return WorkloadState(api, Api(cast("Any", api)), limit_ranges(api, clock=clock), clock=clock)


@asynccontextmanager
async def following(api: FakeApi) -> AsyncIterator[WorkloadState]:
    """Run all tasks; none may end."""
    state = state_on(api)
    async with running(state.tasks().values()):
        yield state


async def test_before_the_first_list_nothing_is_known() -> None:
    assert state_on(FakeApi()).around("dev") == UNKNOWN


async def test_limit_ranges_and_overheads_follow_the_objects() -> None:
    api = FakeApi()
    api.put(RANGE, a_limit_range())
    api.put("/apis/node.k8s.io/v1/runtimeclasses/kata", {"overhead": {"podFixed": {"cpu": "250m"}}})
    api.put("/apis/node.k8s.io/v1/runtimeclasses/runc", {})
    async with following(api) as state:
        await eventually(lambda: state.around("dev").limit_ranges)
        await eventually(lambda: state.around("dev").overheads)
        around = state.around("dev")
        assert around.overheads == {"kata": {"cpu": Quantity.parse("250m")}, "runc": {}}
        assert [one.name for one in around.limit_ranges or ()] == ["own"]
        assert state.around("prod").limit_ranges == ()
        api.put(RANGE, a_limit_range("half"))
        await eventually(lambda: state.around("dev").limit_ranges is None)  # what it says nobody knows
        assert state.around("prod").limit_ranges == ()
        api.delete(RANGE)
        await eventually(lambda: state.around("dev").limit_ranges == ())


async def test_nodes_are_followed_once_somebody_asks() -> None:
    api = FakeApi()
    api.put(
        NODE, {"metadata": {"labels": {"disk": "ssd"}}, "spec": {"taints": [{"key": "gpu", "effect": "NoSchedule"}]}}
    )
    async with following(api) as state:
        await asyncio.sleep(60)
        assert state.around("dev").nodes is None
        await state.know_nodes(timeout=5)
        assert state.around("dev").nodes == (Node("a", {"disk": "ssd"}, (Taint("gpu", "", "NoSchedule"),)),)
        api.put("/api/v1/nodes/b", {})
        await eventually(lambda: len(state.around("dev").nodes or ()) == 2)
        api.delete(NODE)
        await eventually(lambda: state.around("dev").nodes == (Node("b"),))


async def test_without_an_answer_nobody_waits_longer_than_he_has_time() -> None:
    state = state_on(FakeApi())
    began = clock()
    await state.know_nodes(timeout=1)
    assert state.around("dev").nodes is None
    assert clock() - began < 2


async def test_a_workload_is_read_live() -> None:
    api = FakeApi()
    template = {"spec": {"containers": [{"name": "agent", "resources": {"limits": {"cpu": "1"}}}]}}
    api.put(WEB, {"spec": {"replicas": 3, "template": template}, "status": {"replicas": 3, "updatedReplicas": 3}})
    async with following(api) as state:
        found = await state.workload_now("Deployment", "dev", "web", peer="", timeout=1)
        assert found is not None
        assert (found.kind, found.replicas, found.running) == ("Deployment", 3, 3)
        expected = a_container(limits={"cpu": "1"}, pointer="/spec/template/spec/containers/0")
        assert found.template.containers == (expected,)
        assert await state.workload_now("Deployment", "dev", "other", peer="", timeout=1) is None
        api.put(WEB, {"spec": {"template": {"spec": {"containers": "none"}}}})
        assert await state.workload_now("Deployment", "dev", "web", peer="", timeout=1) is None
