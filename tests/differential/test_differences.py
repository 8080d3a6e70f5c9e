"""Each difference on purpose by itself: it shows, it alone explains what shows, and without it we agree."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.differential import differences, ours
from tests.differential.api import Api
from tests.differential.comparing import Case, Judge, Result, disagreeing
from tests.differential.differences import DIFFERENCES, Difference
from tests.differential.policies import Json, Policy
from tests.differential.running import Bench
from tests.differential.server import Server, prepared
from tiergate.core import limitrange, quota

pytestmark = pytest.mark.cluster


def a_case(item: Json, *containers: Json, quotas: tuple[Json, ...] = (), **spec: Any) -> Case:  # noqa: ANN401  # JSON
    """Return a case of one Container item and a pod of containers with these resources."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "case"},
        "spec": {
            "containers": [
                {"name": f"c{index}", "image": "x", "resources": one} for index, one in enumerate(containers)
            ],
            **spec,
        },
    }
    return Case(Policy({"limits": [{"type": "Container", **item}] if item else [], "quotas": list(quotas)}), pod)


CASES = {
    differences.LIFTED_LIMIT: a_case({"default": {"cpu": "500m"}}, {"requests": {"cpu": "700m"}}),
    differences.POD_LEVEL: a_case({"default": {"cpu": "500m"}}, {}, resources={"limits": {"cpu": "400m"}}),
    differences.VALID_ALONE: a_case({"min": {"nvidia.com/gpu": "1"}}, {}),
    differences.LIMIT_ZERO: a_case({"max": {"cpu": "2"}}, {"limits": {"cpu": "0"}}),
    differences.EXACT: a_case({"max": {"memory": "1000"}}, {"limits": {"memory": "10E"}}),
}


def with_a_server(kubeconfig: Path, work: Callable[[Server], Any]) -> Any:  # noqa: ANN401  # whatever the work returns
    """Do asynchronous work with a prepared server."""

    async def run() -> Any:  # noqa: ANN401
        async with Api.connect(kubeconfig) as api, prepared(api, namespaces=1) as server:
            return await work(server)

    return asyncio.run(run())


def test_every_difference_has_a_case() -> None:
    assert set(CASES) == set(DIFFERENCES)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.name)
def test_a_difference_explains_its_case_and_nothing_else_does(kubeconfig: Path, difference: Difference) -> None:
    """With it switched off we agree; with all others switched off we do not."""
    case = CASES[difference]

    async def work(server: Server) -> tuple[Result, str, str]:
        bench = Bench(server, server.namespace(0))
        result = await bench.result(case)
        assert result is not None
        judge = Judge(server, case, ours.governed(case.policy), result.native)
        without = disagreeing(result.native, await judge.outcome((difference,)))
        others = tuple(one for one in DIFFERENCES if one is not difference)
        return result, without, disagreeing(result.native, await judge.outcome(others))

    result, without, others_off = with_a_server(kubeconfig, work)
    assert result.disagreement
    assert result.explained == (difference.name,)
    assert without == ""
    assert others_off == result.disagreement


ONE_GPU: Json = {"name": "gpu", "hard": {"requests.nvidia.com/gpu": "1"}, "used": {"requests.nvidia.com/gpu": "0"}}
TWO_GPUS = a_case({}, {"limits": {"nvidia.com/gpu": "2"}}, quotas=(ONE_GPU,))


@pytest.mark.parametrize(
    ("broken", "case"),
    [
        pytest.param((quota, "exceeded", lambda *_, **__: ()), TWO_GPUS, id="no-quota"),
        pytest.param(
            (limitrange, "_exceeds_ratio", lambda *_: False),
            a_case({"maxLimitRequestRatio": {"cpu": "2"}}, {"requests": {"cpu": "1"}, "limits": {"cpu": "3"}}),
            id="no-ratio",
        ),
        pytest.param(
            (limitrange, "with_defaults", lambda pod, _: (pod, ())),
            a_case({"default": {"cpu": "500m"}}, {}),
            id="no-defaults",
        ),
    ],
)
def test_a_fault_of_ours_is_found(kubeconfig: Path, broken: tuple[object, str, object], case: Case) -> None:
    """The comparison would be worth nothing if it agreed with anything."""

    async def work(server: Server) -> tuple[Result | None, Result | None]:
        bench = Bench(server, server.namespace(0))
        whole = await bench.result(case)
        with mock.patch.object(*broken):
            return whole, await bench.result(case)

    whole, faulty = with_a_server(kubeconfig, work)
    assert not whole.disagreement
    assert faulty.fault
