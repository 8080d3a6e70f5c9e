"""How many pods a workload keeps and may have at once: W-1 to W-8."""

from __future__ import annotations

import pytest

from tests.core.workloads import a_workload
from tiergate.core.workload import (
    ALL,
    NONE,
    ONE_POD,
    QUARTER,
    IntOrPercent,
    Rollout,
    job_pods,
    surge,
    unavailable,
)

MOST = 2**31 - 1


@pytest.mark.rule("W-1", "W-1c")
@pytest.mark.parametrize(
    ("pods", "more", "fewer", "expected"),
    [
        pytest.param(1, QUARTER, QUARTER, (1, 0), id="W-1-one"),
        pytest.param(3, QUARTER, QUARTER, (1, 0), id="W-1-three"),
        pytest.param(4, QUARTER, QUARTER, (1, 1), id="W-1-four"),
        pytest.param(10, QUARTER, QUARTER, (3, 2), id="W-1-ten"),
        pytest.param(0, QUARTER, QUARTER, (0, 0), id="W-1-none"),
        pytest.param(3, NONE, QUARTER, (0, 1), id="W-1-both-come-out-0"),
        pytest.param(3, NONE, NONE, (0, 1), id="W-1-both-written-as-0"),
        pytest.param(3, IntOrPercent(200, percent=True), NONE, (6, 0), id="W-1-200-percent"),
        pytest.param(2, NONE, IntOrPercent(9), (0, 2), id="W-1-more-unavailable-than-there-are"),
        pytest.param(MOST, QUARTER, QUARTER, (2**29, 2**29 - 1), id="W-1-absurd"),
    ],
)
def test_a_deployment_rounds_its_surge_up_and_what_is_unavailable_down(
    pods: int, more: IntOrPercent, fewer: IntOrPercent, expected: tuple[int, int]
) -> None:
    workload = a_workload(rollout=Rollout(more, fewer))
    assert (surge(workload, pods), unavailable(workload, pods)) == expected


@pytest.mark.parametrize("kind", ["ReplicaSet", "Job", "StatefulSet"])
def test_what_replaces_no_pods_has_none_more_and_none_fewer_than_wanted(kind: str) -> None:
    workload = a_workload(kind=kind, rollout=None)
    assert (surge(workload, 4), unavailable(workload, 4)) == (0, 0)


@pytest.mark.rule("W-8")
@pytest.mark.parametrize(("kind", "expected"), [("DaemonSet", 2), ("StatefulSet", 1), ("Deployment", 1)])
def test_a_percentage_of_unavailable_pods_rounds_up_for_a_daemonset_only(kind: str, expected: int) -> None:
    assert unavailable(a_workload(kind=kind, rollout=Rollout(NONE, IntOrPercent(50, percent=True))), 3) == expected


@pytest.mark.rule("W-4")
@pytest.mark.parametrize(
    ("parallelism", "completions", "succeeded", "expected"),
    [
        pytest.param(None, None, 0, 1, id="W-4-neither"),
        pytest.param(None, 5, 0, 1, id="W-4-completions-alone"),
        pytest.param(4, None, 2, 4, id="W-4-work-queue"),
        pytest.param(4, 10, 0, 4, id="W-4-both"),
        pytest.param(10, 4, 0, 4, id="W-4-fewer-completions"),
        pytest.param(4, 10, 8, 2, id="W-4-nearly-done"),
        pytest.param(4, 0, 0, 0, id="W-4-nothing-to-do"),
        pytest.param(0, 4, 0, 0, id="W-4-stopped"),
        pytest.param(4, 4, 9, 0, id="W-4-more-than-done"),
    ],
)
def test_a_job_runs_as_many_at_once_as_are_left(
    parallelism: int | None, completions: int | None, succeeded: int, expected: int
) -> None:
    assert job_pods(parallelism=parallelism, completions=completions, succeeded=succeeded) == expected


def test_a_share_of_all() -> None:
    assert ALL.of(7, up=False) == 7
    assert (str(QUARTER), str(ONE_POD)) == ("25%", "1")
