"""The controller's benchmark reaches what it says it measures, and its verdicts are its numbers'."""

from __future__ import annotations

import asyncio

import pytest

from bench.controller import STEADY, Cost, measure, report
from tests.virtual_time import VirtualLoop


def test_the_state_is_reached_and_then_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        cost = runner.run(measure(30, steady=60.0))
    assert (cost.namespaces, cost.writes, cost.writes_later) == (30, 60, 0)
    assert min(cost.reach, cost.status, cost.steady) > 0
    assert not [one for one in caplog.records if one.exc_info], "a loop that fails is not measured"


@pytest.mark.parametrize(
    ("reach", "steady", "verdicts"),
    [
        pytest.param(10.0, 0.01 * STEADY, ["reached", "reached"], id="at-the-bounds"),
        pytest.param(10.1, 0.0, ["missed", "reached"], id="too-long"),
        pytest.param(1.0, 0.02 * STEADY, ["reached", "missed"], id="too-busy"),
    ],
)
def test_verdicts(reach: float, steady: float, verdicts: list[str]) -> None:
    lines = report(Cost(3000, reach, 0.0, steady, 6000, 0)).splitlines()
    assert [line.rpartition(": ")[2] for line in lines[-2:]] == verdicts
