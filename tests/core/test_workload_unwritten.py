"""A value of a workload's pods that nobody wrote is called a default, and the advice says what to write."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import Texts, a_container, a_tier, amounts, an_item
from tests.core.workloads import KNOWN, a_template, a_workload, lines
from tiergate.core.native import LimitRange
from tiergate.core.podspec import Pod
from tiergate.core.tier import Tier
from tiergate.core.workload import RECREATE

_AT = "/spec/template/spec/containers"
_ITEM = an_item(default={"memory": "256Mi"}, default_request={"memory": "64Mi"})
_TIER = a_tier(_ITEM)
_RATIO = a_tier(an_item(default={"memory": "256Mi"}, default_request={"memory": "64Mi"}, ratio={"memory": "4"}))
_OWN = LimitRange("own", (an_item(default={"memory": "512Mi"}),))


def _of(*containers: dict[str, Texts]) -> Pod:
    made = [
        a_container(f"c{number}", requests=one.get("requests"), limits=one.get("limits"), pointer=f"{_AT}/{number}")
        for number, one in enumerate(containers)
    ]
    return msgspec.structs.replace(a_template(), containers=tuple(made))


@pytest.mark.parametrize(
    ("containers", "hard", "more", "expected"),
    [
        pytest.param(
            [{}],
            {"limits.memory": "768Mi"},
            {},
            "256Mi for each pod (the tier's default), over by 512Mi; "
            "set replicas to 3 or less, or set limits.memory to 153Mi per pod",
            id="the-tier-s",
        ),
        pytest.param(
            [{}],
            {"limits.memory": "768Mi", "requests.memory": "1Gi"},
            {},
            "256Mi for each pod (the tier's default), over by 512Mi; "
            "set replicas to 3 or less, or set limits.memory to 153Mi and requests.memory to 64Mi per pod",
            id="D-4-a-request-that-is-not-written-would-become-the-limit",
        ),
        pytest.param(
            [{}],
            {"memory": "300Mi"},
            {},
            "64Mi for each pod (the tier's default), over by 20Mi; "
            "set replicas to 4 or less, or set memory to 60Mi per pod",
            id="a-request",
        ),
        pytest.param(
            [{}],
            {"limits.memory": "2Gi"},
            {"around": (_OWN,)},
            "512Mi for each pod (a LimitRange's default), over by 512Mi; "
            "set replicas to 4 or less, or set limits.memory to 409Mi per pod",
            id="a-limitrange-s",
        ),
        pytest.param(
            [{}],
            {"limits.memory": "768Mi"},
            {"around": (LimitRange("ours", (_ITEM,), managed=True),)},
            "256Mi for each pod (the tier's default), over by 512Mi; "
            "set replicas to 3 or less, or set limits.memory to 153Mi per pod",
            id="the-tier-s-handed-over",
        ),
        pytest.param(
            [{"limits": {"memory": "1Gi"}}, {}],
            {"limits.memory": "2Gi"},
            {},
            "1280Mi for each pod (partly the tier's default), over by 4352Mi; "
            "set replicas to 1 or less, or set limits.memory to 409Mi per pod (all containers together)",
            id="beside-one-that-was-written",
        ),
        pytest.param(
            [{"requests": {"memory": "400Mi"}}],
            {"limits.memory": "1Gi"},
            {},
            "400Mi for each pod, over by 976Mi; "
            "set replicas to 2 or less, or lower limits.memory and requests.memory to 204Mi per pod",
            id="raised-to-a-request-that-was-written",
        ),
        pytest.param(
            [{"requests": {"memory": "300Mi"}}],
            {"limits.memory": "1Gi", "requests.memory": "1Gi"},
            {},
            "300Mi for each pod, over by 476Mi; "
            "set replicas to 3 or less, or lower limits.memory and requests.memory to 204Mi per pod",
            id="likewise-of-two-bounds",
        ),
        pytest.param(
            [{"requests": {"memory": "50Mi"}}],
            {"limits.memory": "800Mi", "requests.memory": "1Gi"},
            {"tier": _RATIO},
            "200Mi for each pod (set by the tier), over by 200Mi; "
            "set replicas to 4 or less, or set limits.memory to 160Mi per pod",
            id="lowered-for-a-ratio",
        ),
        pytest.param(
            [{}],
            {"limits.memory": "1Gi"},
            {"overhead": "64Mi"},
            "320Mi for each pod (partly the tier's default), over by 576Mi; "
            "set replicas to 3 or less, or set limits.memory to 140Mi per pod",
            id="beside-the-overhead",
        ),
    ],
)
def test_a_value_that_nobody_wrote_is_called_a_default(
    containers: list[dict[str, Texts]], hard: Texts, more: dict[str, Any], expected: str
) -> None:
    overhead = amounts({"memory": more.get("overhead", "0")})
    around = msgspec.structs.replace(KNOWN, limit_ranges=more.get("around", ()), overheads={"sandbox": overhead})
    workload = a_workload(template=_of(*containers), replicas=5, runtime_class="sandbox")
    (line,) = lines(workload, hard, {}, tier=more.get("tier", _TIER), around=around)
    assert line.partition(", ")[2] == expected


def test_the_advice_on_a_default_passes() -> None:
    hard = {"limits.memory": "768Mi", "requests.memory": "330Mi"}
    (line,) = lines(a_workload({}, replicas=5), hard, {}, tier=_TIER)
    assert line.endswith("set limits.memory to 153Mi and requests.memory to 64Mi per pod")
    advised = _of({"limits": {"memory": "153Mi"}, "requests": {"memory": "64Mi"}})
    assert lines(a_workload(template=advised, replicas=5), hard, {}, tier=_TIER) == []
    only_limit = _of({"limits": {"memory": "153Mi"}, "requests": {"memory": "153Mi"}})  # as the API server completes it
    assert lines(a_workload(template=only_limit, replicas=5), hard, {}, tier=_TIER)


@pytest.mark.parametrize(
    ("hard", "tier", "ranges", "whose"),
    [
        pytest.param({"limits.memory": "100Mi"}, _TIER, (), "asks 256Mi (the tier's default)", id="quota"),
        pytest.param(
            {"limits.memory": "100Mi"}, _TIER, (_OWN,), "asks 512Mi (a LimitRange's default)", id="quota-limitrange"
        ),
        pytest.param(
            {},
            a_tier(an_item(high={"memory": "300Mi"})),
            (_OWN,),
            "limits.memory is 512Mi (a LimitRange's default), the tier allows at most 300Mi",
            id="the-tier-and-a-limitrange-contradict-each-other",
        ),
        pytest.param(
            {},
            _TIER,
            (LimitRange("low", (an_item("Pod", high={"memory": "100Mi"}),)),),
            "but limit is 256Mi (the tier's default)",
            id="a-limitrange-and-the-tier",
        ),
        pytest.param(
            {},
            a_tier(),
            (_OWN, LimitRange("low", (an_item(high={"memory": "100Mi"}, default={"memory": "512Mi"}),))),
            "but limit is 512Mi (a LimitRange's default)",
            id="two-limitranges",
        ),
    ],
)
def test_so_is_one_with_which_no_pod_can_run(
    hard: Texts, tier: Tier, ranges: tuple[LimitRange, ...], whose: str
) -> None:
    around = msgspec.structs.replace(KNOWN, limit_ranges=ranges)
    (line,) = lines(a_workload({}), hard, {}, tier=tier, around=around)
    assert whose in line


def test_so_is_one_that_stalls_a_rollout() -> None:
    old = a_workload({}, replicas=5, settled=False, rollout=RECREATE)
    new = msgspec.structs.replace(old, written=b"another")
    (line,) = lines(new, {"limits.memory": "1Gi"}, {"limits.memory": "1Gi"}, old, tier=_TIER)
    assert line.endswith("; set limits.memory below 256Mi (the tier's default)")
