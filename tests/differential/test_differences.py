"""Each difference on purpose by itself: it shows, it alone explains what shows, and without it we agree."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import pytest

from tests.differential import differences, explaining, ours, overheads, predicting, several
from tests.differential.api import Api
from tests.differential.case import Case, Result, Standing
from tests.differential.comparing import JudgedCase
from tests.differential.differences import DIFFERENCES, Difference
from tests.differential.explaining import JudgedOperation
from tests.differential.policies import Json, Policy
from tests.differential.running import Bench
from tests.differential.server import Server, prepared
from tests.differential.updating import JudgedClaim, JudgedResize
from tests.differential.verdict import disagreeing
from tiergate.core import defaults, limitrange, native, quota_rules, usage

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


def a_resize(item: Json, changes: Json, *containers: Json, quotas: tuple[Json, ...] = ()) -> Case:
    """Return a case of a pod of containers with these resources, resized by changes to the first."""
    created = a_case(item, *containers, quotas=quotas, schedulerName="nobody")
    document = {"kind": "Pod", "verb": "PATCH", "changes": {"/spec/containers/0/resources": changes}}
    return Case(created.policy, document, Standing(created.document))


def a_claim_change(item: Json, changes: Json, size: str, quotas: tuple[Json, ...] = ()) -> Case:
    """Return a case of a bound claim of the class gold and of this size, with values changed by JSON pointer."""
    limits = [{"type": "PersistentVolumeClaim", **item}] if item else []
    kind = "PersistentVolumeClaim"
    spec = {"resources": {"requests": {"storage": size}}}
    standing = Standing({"kind": kind, "metadata": {"name": "gold"}, "spec": spec}, {"capacity": {"storage": "1"}})
    document = {"kind": kind, "verb": "PUT", "changes": changes}
    return Case(Policy({"limits": limits, "quotas": list(quotas)}), document, standing)


CASES = {
    differences.LIFTED_LIMIT: a_case({"default": {"cpu": "500m"}}, {"requests": {"cpu": "700m"}}),
    differences.LOWERED_LIMIT: a_case(
        {"default": {"cpu": "500m"}, "maxLimitRequestRatio": {"cpu": "2"}}, {"requests": {"cpu": "100m"}}
    ),
    differences.POD_LEVEL: a_case({"default": {"cpu": "500m"}}, {}, resources={"limits": {"cpu": "400m"}}),
    differences.POD_LEVEL_MIN: a_case(
        {"min": {"cpu": "750m"}}, {"requests": {"cpu": "100m"}}, resources={"limits": {"cpu": "200m"}}
    ),
    differences.VALID_ALONE: a_case({"min": {"nvidia.com/gpu": "1"}}, {}),
    differences.LIMIT_ZERO: a_case({"max": {"cpu": "2"}}, {"limits": {"cpu": "0"}}),
    differences.EXACT: a_case({"max": {"memory": "1000"}}, {"limits": {"memory": "10E"}}),
    differences.READ_SUM: Case(
        Policy({"limits": [{"type": "Pod", "max": {"memory": "2Gi"}}], "quotas": []}),
        a_case(
            {},
            {"limits": {"memory": "256Mi"}},
            {"limits": {"memory": "10E"}},
            resources={"limits": {"hugepages-2Mi": "0"}},
        ).document,
    ),
    differences.RESIZE_DEFAULTS: a_resize(
        {"default": {"memory": "1Gi"}}, {"requests": {"cpu": "200m"}}, {"requests": {"cpu": "100m"}}
    ),
    differences.RESIZE_UNCHANGED: a_resize(
        {"max": {"cpu": "2"}}, {"limits": {"cpu": "200m"}}, {"limits": {"cpu": "100m"}}, {"limits": {"cpu": "3"}}
    ),
    differences.CLAIM_UNCHANGED: a_claim_change({"max": {"storage": "2Gi"}}, {"/metadata/labels": {"a": "b"}}, "5Gi"),
}


HELD_SUM = Case(
    Policy({"limits": [{"type": "Pod", "max": {"ephemeral-storage": "20E", "memory": "1Gi"}}], "quotas": []}),
    a_case(
        {},
        {"limits": {"ephemeral-storage": "104857599", "memory": "1Gi"}},
        {"limits": {"ephemeral-storage": "19999999999895142401", "memory": "1Mi"}},
    ).document,
)


async def with_a_server(kubeconfig: Path, case: Case, work: Callable[[Server], Any]) -> Any:  # noqa: ANN401  # whatever the work returns
    """Do asynchronous work with a server prepared for a case."""
    claims = {0: ["gold"]} if case.of == "claim updates" else {}

    async def run() -> Any:  # noqa: ANN401
        async with Api.connect(kubeconfig) as api, prepared(api, namespaces=1, claims=claims) as server:
            return await work(server)

    return await run()


def judging(server: Server, case: Case, result: Result) -> JudgedOperation:
    """Return what judges a case that is in force on the bench."""
    place, governed = server.namespace(0), ours.governed(case.policy)
    if case.standing is None:
        return JudgedCase(server, case, governed, result.native)
    if case.kind == "Pod":
        return JudgedResize(server, place, case, governed)
    return JudgedClaim(server.stored(place, case.kind), case, governed, result.native)


def test_every_difference_has_a_case() -> None:
    assert set(CASES) == set(DIFFERENCES)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.name)
async def test_a_difference_explains_its_case_and_nothing_else_does(kubeconfig: Path, difference: Difference) -> None:
    """With it switched off we agree; with all others switched off we do not."""
    case = CASES[difference]

    async def work(server: Server) -> tuple[Result, str, str]:
        bench = Bench(server, server.namespace(0))
        result = await bench.result(case)
        assert result is not None
        judged = judging(server, case, result)
        without = disagreeing(result.native, await judged.outcome((difference,)))
        others = tuple(one for one in DIFFERENCES if one is not difference)
        return result, without, disagreeing(result.native, await judged.outcome(others))

    result, without, others_off = await with_a_server(kubeconfig, case, work)
    assert result.disagreement
    assert result.explained == (difference.name,)
    assert without == ""
    assert others_off == result.disagreement


Place = tuple[ModuleType, str]
"""A function: its module and name."""


async def faulty_result(
    kubeconfig: Path, case: Case, name: str, explained: Place, predicted: Place, ours_off: AbstractContextManager[Any]
) -> Result:
    """Check that a disagreement is explained by this alone, and return how it ends with what we compute off."""

    async def work(server: Server) -> tuple[Result | None, ...]:
        bench = Bench(server, server.namespace(0))
        whole = await bench.result(case)
        with mock.patch.object(*explained, return_value=()):
            unexplained = await bench.result(case)
        with mock.patch.object(*predicted, return_value=()):
            unpredicted = await bench.result(case)
        with ours_off:
            return whole, unexplained, unpredicted, await bench.result(case)

    faulty: Result
    whole, unexplained, unpredicted, faulty = await with_a_server(kubeconfig, case, work)
    assert whole.disagreement
    assert whole.explained == (name,)
    assert not whole.fault
    assert unexplained.fault
    assert unpredicted.fault
    return faulty


async def test_how_a_sum_is_held_explains_what_is_said_of_it_and_nothing_else(kubeconfig: Path) -> None:
    """Q-21: the sum, 20E, wraps and is above its bound, which as a pair is 0."""
    ours_off = mock.patch.object(limitrange, "limit_range_totals", return_value=({}, {}))
    explained, predicted = (explaining, "held_sums"), (predicting, "forms")
    faulty = await faulty_result(kubeconfig, HELD_SUM, differences.HELD_SUM, explained, predicted, ours_off)
    assert faulty.fault, "what is said of memory does not depend on it"


SMALL: Json = {"cpu": "10m", "memory": "1Mi"}
WITH_OVERHEAD = {
    "a-default-of-19-digits": Case(
        Policy(
            {
                "limits": [{"type": "Container", "max": {"cpu": "9223372036854775807"}}],
                "quotas": [{"name": "q0", "hard": {"cpu": "1"}, "used": {"cpu": "90m"}}],
            }
        ),
        a_case({}, {}, resources={"limits": {"memory": "104857601"}}, runtimeClassName="heavy").document,
    ),
    "a-fraction-in-a-binary-unit": Case(
        Policy({"limits": [], "quotas": [{"name": "q0", "hard": {"memory": "1656Mi"}, "used": {"memory": "0"}}]}),
        a_case({}, {}, resources={"limits": {"memory": "1.5Gi"}}, runtimeClassName="heavy").document,
    ),
    "a-resize": Case(
        Policy(
            {
                "limits": [],
                "quotas": [{"name": "q0", "hard": {"limits.memory": "2Gi"}, "used": {"limits.memory": "2Gi"}}],
            }
        ),
        {"kind": "Pod", "verb": "PATCH", "changes": {"/spec/resources": {"limits": {"cpu": "2", "memory": "1.5Gi"}}}},
        Standing(
            a_case(
                {},
                {"limits": SMALL},
                resources={"limits": {"cpu": "1", "memory": "1536Mi"}},
                runtimeClassName="heavy",
                schedulerName="nobody",
            ).document
        ),
    ),
}


@pytest.mark.parametrize("case", WITH_OVERHEAD.values(), ids=WITH_OVERHEAD)
async def test_overhead_that_quota_counts_again_is_explained_and_only_by_that(kubeconfig: Path, case: Case) -> None:
    """Q-7: the server holds the pod-level value as a decimal, and adds overhead to it in place."""
    ours_off = mock.patch.object(usage, "add_into", return_value=None)  # one container: nothing else is added
    explained, predicted = (explaining, "counted_again"), (overheads, "forms")
    faulty = await faulty_result(kubeconfig, case, overheads.AGAIN, explained, predicted, ours_off)
    if case.standing is None:  # a resize grows by no overhead
        assert faulty.fault, "that we count overhead at all does not depend on it"


ONE_GPU: Json = {"name": "gpu", "hard": {"requests.nvidia.com/gpu": "1"}, "used": {"requests.nvidia.com/gpu": "0"}}
SOME_CPU: Json = {"name": "cpu", "hard": {"requests.cpu": "3"}, "used": {"requests.cpu": "2"}}
GROWN = a_resize({}, {"requests": {"cpu": "1500m"}}, {"requests": {"cpu": "1"}}, quotas=(SOME_CPU,))
GOLDEN = "gold.storageclass.storage.k8s.io/requests.storage"
SOME_GOLD: Json = {"name": "gold", "hard": {GOLDEN: "3Gi"}, "used": {GOLDEN: "2Gi"}}
ENLARGED = a_claim_change({}, {"/spec/resources/requests/storage": "2Gi"}, "1Gi", quotas=(SOME_GOLD,))
TWO_RANGES = Case(
    Policy(
        {
            "limits": [{"type": "Container", "default": {"memory": "1Gi"}}],
            "further": [[{"type": "Container", "default": {"cpu": "1"}}], [{"type": "Pod", "max": {"cpu": "1500m"}}]],
            "quotas": [],
        }
    ),
    a_case({}, {}, {}).document,
)
TWO_GPUS = a_case({}, {"limits": {"nvidia.com/gpu": "2"}}, quotas=(ONE_GPU,))


@pytest.mark.parametrize(
    ("broken", "case"),
    [
        pytest.param((quota_rules, "left_of", lambda *_, **__: ()), TWO_GPUS, id="no-quota"),
        pytest.param(
            (limitrange, "_exceeds_ratio", lambda *_: False),
            a_case({"maxLimitRequestRatio": {"cpu": "2"}}, {"requests": {"cpu": "1"}, "limits": {"cpu": "3"}}),
            id="no-ratio",
        ),
        pytest.param(
            (defaults, "additions_to", lambda *_: ()),
            a_case({"default": {"cpu": "500m"}}, {}),
            id="no-defaults",
        ),
        pytest.param((quota_rules, "increase", lambda new, _: dict(new)), GROWN, id="a-resize-charged-in-full"),
        pytest.param((quota_rules, "increase", lambda new, _: dict(new)), ENLARGED, id="a-claim-charged-in-full"),
        pytest.param((native, "refusals", lambda *_: ()), TWO_RANGES, id="no-refusal-predicted"),
        pytest.param(
            (predicting, "with_native_defaults", lambda pod, _: pod), TWO_RANGES, id="no-native-default-predicted"
        ),
    ],
)
async def test_a_fault_of_ours_is_found(kubeconfig: Path, broken: tuple[object, str, object], case: Case) -> None:
    """The comparison would be worth nothing if it agreed with anything."""

    async def work(server: Server) -> tuple[Result | None, Result | None]:
        bench = Bench(server, server.namespace(0))
        whole = await bench.result(case)
        with mock.patch.object(*broken):
            return whole, await bench.result(case)

    whole, faulty = await with_a_server(kubeconfig, case, work)
    assert not whole.disagreement
    assert faulty.fault


CHEAP = [{"type": "Container", "default": {"cpu": "1"}}]
DEAR = [{"type": "Container", "default": {"cpu": "2"}}]


@pytest.mark.parametrize(
    ("further", "depends"),
    [pytest.param(DEAR, True, id="two-defaults"), pytest.param(CHEAP, False, id="the-same-default-twice")],
)
async def test_only_defaults_that_differ_depend_on_the_order(kubeconfig: Path, further: Json, depends: bool) -> None:  # noqa: FBT001
    """L-7: the server takes several LimitRanges in any order, each time anew."""
    case = Case(Policy({"limits": CHEAP, "further": [further], "quotas": []}), a_case({}, {}).document)

    async def work(server: Server) -> list[Result | None]:
        bench = Bench(server, server.namespace(0))
        return [await bench.result(case) for _ in range(60)]

    results = await with_a_server(kubeconfig, case, work)
    assert not any(one.fault for one in results)
    assert {one.explained for one in results} == ({(), (several.ORDER,)} if depends else {()})
