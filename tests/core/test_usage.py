"""What quota counts of a pod (R-20 to R-33)."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import NOW, SERVER, Texts, a_container, a_pod, amounts, texts
from tiergate.core.podspec import ContainerStatus, Pod
from tiergate.core.release import NEWEST
from tiergate.core.usage import pod_charge, pod_limits, pod_requests

APP = a_container("app", requests={"cpu": "1"})
OVERHEAD = {"cpu": "250m", "memory": "120Mi"}


@pytest.mark.rule("Q-24", "R-30", "R-31")
@pytest.mark.parametrize(
    ("pod", "requests", "limits"),
    [
        pytest.param(
            a_pod(a_container(requests={"cpu": "500m"}), overhead=OVERHEAD),
            {"cpu": "750m", "memory": "120Mi"},
            {},
            id="R-31-overhead-on-requests-only",
        ),
        pytest.param(
            a_pod(a_container(requests={"cpu": "500m"}, limits={"cpu": "1"}), overhead=OVERHEAD),
            {"cpu": "750m", "memory": "120Mi"},
            {"cpu": "1250m"},
            id="R-31-overhead-where-a-limit-is",
        ),
        pytest.param(
            a_pod(a_container(limits={"cpu": "0"}), overhead=OVERHEAD),
            {"cpu": "250m", "memory": "120Mi"},
            {"cpu": "0"},
            id="R-31-no-overhead-on-a-zero-limit",
        ),
        pytest.param(
            a_pod(*[a_container(requests={"cpu": "300m", "memory": "100Mi"})] * 2, requests={"cpu": "1"}),
            {"cpu": "1", "memory": "200Mi"},
            {},
            id="R-31-pod-level-replaces-what-it-names",
        ),
        pytest.param(
            a_pod(a_container(limits={"cpu": "1", "memory": "1Gi"}), limits={"cpu": "3"}),
            {"cpu": "1", "memory": "1Gi"},
            {"cpu": "3", "memory": "1Gi"},
            id="R-31-pod-level-limit",
        ),
        pytest.param(
            a_pod(a_container(limits={"hugepages-2Mi": "2Mi"}), requests={"hugepages-2Mi": "8Mi"}),
            {"hugepages-2Mi": "8Mi"},
            {"hugepages-2Mi": "2Mi"},
            id="R-31-pod-level-hugepages-count",
        ),
        pytest.param(
            a_pod(APP, init=[a_container("setup", init=True, requests={"cpu": "2"})]),
            {"cpu": "2"},
            {},
            id="R-30-init-is-the-larger",
        ),
        pytest.param(
            a_pod(
                APP,
                init=[
                    a_container("mesh", init=True, restartable=True, requests={"cpu": "200m"}),
                    a_container("setup", init=True, requests={"cpu": "3"}),
                ],
            ),
            {"cpu": "3200m"},
            {},
            id="R-30-sidecar-runs-beside-init",
        ),
        pytest.param(
            a_pod(
                a_container("app"),
                init=[
                    a_container("mesh", init=True, restartable=True, requests={"memory": "1Mi"}),
                    a_container("first", init=True, requests={"memory": "1024M"}),
                ],
            ),
            {"memory": "1025048576"},
            {},
            id="Q-24-R-30-an-init-step-keeps-its-own-format",
        ),
        pytest.param(
            a_pod(
                APP,
                init=[
                    a_container("a", init=True, requests={"cpu": "2", "memory": "1Gi"}),
                    a_container("b", init=True, requests={"cpu": "1", "memory": "2Gi"}),
                ],
            ),
            {"cpu": "2", "memory": "2Gi"},
            {},
            id="R-30-largest-step-per-resource",
        ),
    ],
)
def test_the_totals_are_those_of_quota(pod: Pod, requests: Texts, limits: Texts) -> None:
    assert texts(pod_requests(pod, minor=NEWEST)) == requests
    assert texts(pod_limits(pod, minor=NEWEST)) == limits


CHARGED = {
    "cpu": {"cpu": "1", "requests.cpu": "1", "limits.cpu": "1"},
    "memory": {"memory": "1", "requests.memory": "1", "limits.memory": "1"},
    "ephemeral-storage": {"ephemeral-storage": "1", "requests.ephemeral-storage": "1", "limits.ephemeral-storage": "1"},
    "hugepages-2Mi": {"hugepages-2Mi": "1", "requests.hugepages-2Mi": "1"},
    "nvidia.com/gpu": {"requests.nvidia.com/gpu": "1"},
    "deviceclass.resource.kubernetes.io/gpu": {"requests.deviceclass.resource.kubernetes.io/gpu": "1"},
    "node.kubernetes.io/thing": {},
    "storage": {},
}


@pytest.mark.rule("R-22")
@pytest.mark.parametrize(("name", "charged"), CHARGED.items(), ids=[f"R-22-{name}" for name in CHARGED])
def test_each_resource_is_charged_under_its_quota_names(name: str, charged: Texts) -> None:
    charge = pod_charge(a_pod(a_container(limits={name: "1"})), **SERVER)
    assert texts(charge) == {"count/pods": "1", "pods": "1", **charged}


@pytest.mark.rule("R-22")
def test_a_resource_that_is_not_asked_is_not_charged() -> None:
    """R-22."""
    assert texts(pod_charge(a_pod(a_container(requests={"cpu": "1"})), **SERVER)) == {
        "count/pods": "1",
        "pods": "1",
        "cpu": "1",
        "requests.cpu": "1",
    }


@pytest.mark.rule("R-21")
@pytest.mark.parametrize(
    ("pod", "now", "over"),
    [
        pytest.param(a_pod(APP, phase="Failed"), None, True, id="R-21-failed"),
        pytest.param(a_pod(APP, phase="Succeeded"), None, True, id="R-21-succeeded"),
        pytest.param(a_pod(APP, phase="Running"), None, False, id="R-21-running"),
        pytest.param(a_pod(APP, deleted_at=100.0, grace_seconds=30), 130.0, False, id="R-21-in-grace"),
        pytest.param(a_pod(APP, deleted_at=100.0, grace_seconds=30), 130.5, True, id="R-21-after-grace"),
        pytest.param(a_pod(APP, deleted_at=100.0), 1000.0, False, id="R-21-no-grace-seconds"),
        pytest.param(a_pod(APP, grace_seconds=30), 1000.0, False, id="R-21-not-deleted"),
        pytest.param(a_pod(APP, deleted_at=100.0, grace_seconds=30), None, False, id="R-21-no-clock"),
    ],
)
def test_a_pod_that_is_over_is_only_counted_as_an_object(pod: Pod, now: float | None, over: bool) -> None:  # noqa: FBT001  # a table
    charge = texts(pod_charge(pod, now=now, minor=NEWEST))
    assert charge == (
        {"count/pods": "1"} if over else {"count/pods": "1", "pods": "1", "cpu": "1", "requests.cpu": "1"}
    )


def status(actual: str | None = None, allocated: str | None = None, limit: str | None = None) -> ContainerStatus:
    return ContainerStatus(
        requests=None if actual is None else amounts({"cpu": actual}),
        limits=None if limit is None else amounts({"cpu": limit}),
        allocated=None if allocated is None else amounts({"cpu": allocated}),
    )


TWO = (a_container("a", requests={"cpu": "2"}), a_container("b", requests={"cpu": "1"}))


@pytest.mark.rule("R-32", "R-33", "R-34")
@pytest.mark.parametrize(
    ("pod", "total"),
    [
        pytest.param(a_pod(*TWO), "3", id="R-32-no-status-yet"),
        pytest.param(
            a_pod(*TWO, statuses={"a": status("1", "1"), "b": status("2", "2")}), "3", id="R-33-maximum-of-sums"
        ),
        pytest.param(
            a_pod(*TWO, statuses={"a": status("4", "2"), "b": status("1", "1")}), "5", id="R-33-actuated-is-larger"
        ),
        pytest.param(
            a_pod(*TWO, statuses={"a": status("2", "5"), "b": status("1", "1")}), "6", id="R-33-allocated-is-larger"
        ),
        pytest.param(
            a_pod(*TWO, statuses={"a": status("1", "1"), "b": status("1", "1")}), "3", id="R-33-spec-is-larger"
        ),
        pytest.param(
            a_pod(*TWO, statuses={"a": status("1", "1"), "b": status("1", "1")}, resize_infeasible=True),
            "2",
            id="R-33-infeasible-leaves-the-spec-out",
        ),
        pytest.param(
            a_pod(*TWO, statuses={"a": status("1", "1")}, resize_infeasible=True), "1", id="R-33-infeasible-no-fallback"
        ),
        pytest.param(a_pod(*TWO, statuses={"a": status("3", None)}), "4", id="R-33-not-reported-falls-back-to-spec"),
        pytest.param(
            a_pod(*TWO, statuses={"a": status(None, "4"), "b": status("1", "1")}),
            "5",
            id="R-33-actuated-falls-back-to-allocated",
        ),
        pytest.param(a_pod(*TWO, statuses={"a": status("9", "9")}, requests={"cpu": "1"}), "1", id="R-34-pod-level"),
    ],
)
def test_a_resize_in_progress_counts_the_largest_of_its_views(pod: Pod, total: str) -> None:
    assert str(pod_requests(pod, minor=NEWEST)["cpu"]) == total


@pytest.mark.rule("R-31", "R-33")
def test_an_infeasible_resize_without_any_status_counts_nothing() -> None:
    """R-33: the spec is left out, and there is nothing else; overhead stays (R-31)."""
    pod = a_pod(*TWO, resize_infeasible=True, overhead={"cpu": "250m"})
    assert texts(pod_requests(pod, minor=NEWEST)) == {"cpu": "250m"}
    assert texts(pod_limits(a_pod(a_container(limits={"cpu": "2"}), resize_infeasible=True), minor=NEWEST)) == {}


@pytest.mark.rule("R-33")
def test_limits_of_a_resize_count_spec_and_actuated() -> None:
    """R-33."""
    pod = a_pod(a_container("a", limits={"cpu": "2"}), statuses={"a": status("9", "9", limit="3")})
    assert texts(pod_limits(pod, minor=NEWEST)) == {"cpu": "3"}
    unreported = a_pod(a_container("a", limits={"cpu": "2"}), statuses={"a": status("9", "9")})
    assert texts(pod_limits(unreported, minor=NEWEST)) == {"cpu": "2"}
    beside = a_pod(
        a_container("a", limits={"cpu": "2"}),
        a_container("b", limits={"cpu": "2"}),
        statuses={"a": status("9", "9", limit="3")},
    )
    assert texts(pod_limits(beside, minor=NEWEST)) == {"cpu": "5"}


OLD = 36


@pytest.mark.rule("R-32")
@pytest.mark.parametrize(
    ("pod", "requests"),
    [
        pytest.param(
            a_pod(*TWO, statuses={"a": status("1", "1"), "b": status("2", "2")}), "4", id="R-32-sum-of-maxima"
        ),
        pytest.param(a_pod(*TWO, statuses={"a": status("1", "3")}), "4", id="R-32-allocated"),
        pytest.param(a_pod(*TWO, statuses={"a": status("4", "3")}), "5", id="R-32-actuated"),
        pytest.param(a_pod(*TWO, statuses={"a": status(None, "9")}), "3", id="R-32-a-status-without-resources"),
        pytest.param(
            a_pod(*TWO, statuses={"a": status("1", "1"), "b": status("2", "2")}, resize_infeasible=True),
            "3",
            id="R-32-infeasible-leaves-the-spec-out",
        ),
        pytest.param(
            a_pod(*TWO, statuses={"a": status("1", "1")}, resize_infeasible=True),
            "2",
            id="R-32-without-status-the-spec",
        ),
        pytest.param(
            a_pod(
                a_container("a", requests={"cpu": "1"}),
                init=[a_container("i", init=True, requests={"cpu": "2"})],
                statuses={"i": status("5", "5")},
            ),
            "2",
            id="R-32-other-init-containers-use-the-spec",
        ),
        pytest.param(
            a_pod(
                a_container("a", requests={"cpu": "1"}),
                init=[a_container("s", init=True, restartable=True, requests={"cpu": "2"})],
                statuses={"s": status("5", "5")},
            ),
            "6",
            id="R-32-sidecars-are-running",
        ),
    ],
)
def test_up_to_1_36_a_resize_counts_the_largest_of_each_container(pod: Pod, requests: str) -> None:
    assert str(pod_requests(pod, minor=OLD)["cpu"]) == requests
    assert str(pod_charge(pod, minor=OLD, now=NOW)["requests.cpu"]) == requests


@pytest.mark.rule("R-32")
def test_up_to_1_36_limits_count_spec_and_actuated() -> None:
    """R-32."""
    pod = a_pod(
        a_container("a", limits={"cpu": "2"}),
        a_container("b", limits={"cpu": "2"}),
        statuses={"a": status("9", "9", limit="3"), "b": status("9", "9", limit="1")},
    )
    assert texts(pod_limits(pod, minor=OLD)) == {"cpu": "5"}
    assert str(pod_charge(pod, minor=OLD, now=NOW)["limits.cpu"]) == "5"
    unwilling = msgspec.structs.replace(pod, resize_infeasible=True)
    assert texts(pod_limits(unwilling, minor=OLD)) == {"cpu": "4"}
    assert texts(pod_limits(a_pod(a_container(limits={"cpu": "2"})), minor=OLD)) == {"cpu": "2"}
