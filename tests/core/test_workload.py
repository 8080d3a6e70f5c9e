"""How many pods a workload keeps and may have at once: W-1 to W-8."""

from __future__ import annotations

from typing import Final

import pytest

from tests.core.workloads import a_workload
from tiergate.core.placement import Node, NodeRequirement, NodeTerm, Placement, Taint, Toleration, matching
from tiergate.core.workload import (
    ALL,
    NONE,
    ONE_POD,
    QUARTER,
    IntOrPercent,
    Rollout,
    job_pods,
    steady,
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


_NODE = Node("a", {"disk": "ssd", "size": "8"})
_TAINTED = Node("b", {"disk": "ssd"}, (Taint("gpu", "yes", "NoSchedule"),))
_CORDONED = Node("c", {}, (Taint("node.kubernetes.io/unschedulable", "", "NoSchedule"),))
_LONELY = Node("d", {}, (Taint("node.kubernetes.io/network-unavailable", "", "NoSchedule"),))
_SOFT = Node("e", {}, (Taint("gpu", "yes", "PreferNoSchedule"),))
NODES = (_NODE, _TAINTED, _CORDONED, _LONELY, _SOFT)


def _affine(*expressions: NodeRequirement) -> Placement:
    return Placement(terms=(NodeTerm(labels=expressions),))


@pytest.mark.rule("W-8")
@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        pytest.param(Placement(), 3, id="no-taint-that-repels"),
        pytest.param(Placement(host_network=True), 4, id="host-network"),
        pytest.param(Placement(tolerations=(Toleration(operator="Exists"),)), 5, id="tolerates-all"),
        pytest.param(Placement(tolerations=(Toleration("gpu", value="yes"),)), 4, id="tolerates-one"),
        pytest.param(Placement(tolerations=(Toleration("gpu", value="no"),)), 3, id="another-value"),
        pytest.param(Placement(tolerations=(Toleration("gpu", "Exists", "", "NoExecute"),)), 3, id="another-effect"),
        pytest.param(Placement(selector={"disk": "ssd"}), 1, id="selector"),
        pytest.param(Placement(node_name="c"), 1, id="named"),
        pytest.param(Placement(terms=()), 0, id="no-term"),
        pytest.param(Placement(terms=(NodeTerm(),)), 0, id="empty-term"),
        pytest.param(_affine(NodeRequirement("disk", "In", ("ssd",))), 1, id="in"),
        pytest.param(_affine(NodeRequirement("disk", "NotIn", ("ssd",))), 2, id="not-in"),
        pytest.param(_affine(NodeRequirement("disk", "Exists")), 1, id="exists"),
        pytest.param(_affine(NodeRequirement("disk", "DoesNotExist")), 2, id="does-not-exist"),
        pytest.param(_affine(NodeRequirement("size", "Gt", ("4",))), 1, id="greater"),
        pytest.param(_affine(NodeRequirement("size", "Lt", ("4",))), 0, id="less"),
        pytest.param(_affine(NodeRequirement("disk", "Gt", ("4",))), 0, id="no-number"),
        pytest.param(_affine(NodeRequirement("disk", "Like", ("s",))), 0, id="unknown-operator"),
        pytest.param(
            Placement(terms=(NodeTerm(fields=(NodeRequirement("metadata.name", "In", ("a",)),)),)), 1, id="field"
        ),
    ],
)
def test_a_daemonset_runs_on_the_nodes_that_take_it(placement: Placement, expected: int) -> None:
    assert matching(placement, NODES) == expected
    daemon_set = a_workload(kind="DaemonSet", placement=placement)
    assert steady(daemon_set, NODES) == expected
    assert steady(daemon_set) is None


_NODE_IS: Final = "node.kubernetes.io/"


@pytest.mark.rule("W-8")
@pytest.mark.parametrize(
    ("taint", "effect", "expected"),
    [
        *[
            pytest.param(name, effect, expected, id=f"{name}-{effect}")
            for name in ("not-ready", "unreachable")
            for effect, expected in (("NoExecute", 1), ("NoSchedule", 0))
        ],
        *[
            pytest.param(name, effect, expected, id=f"{name}-{effect}")
            for name in ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")
            for effect, expected in (("NoExecute", 0), ("NoSchedule", 1))
        ],
        pytest.param("network-unavailable", "NoSchedule", 0, id="network-unavailable-NoSchedule"),
        pytest.param("out-of-service", "NoExecute", 0, id="another"),
    ],
)
def test_its_pods_tolerate_what_the_controller_adds_and_no_more(taint: str, effect: str, expected: int) -> None:
    assert matching(Placement(), (Node("a", taints=(Taint(f"{_NODE_IS}{taint}", "", effect),)),)) == expected


@pytest.mark.rule("W-8")
def test_a_node_that_is_not_ready_gets_no_new_pod() -> None:
    """It has the taint with both effects; of these the pods tolerate one."""
    lost = Node("b", taints=tuple(Taint(f"{_NODE_IS}not-ready", "", one) for one in ("NoExecute", "NoSchedule")))
    assert matching(Placement(), (_NODE, _SOFT, lost)) == 2


@pytest.mark.rule("W-8")
@pytest.mark.parametrize(("effect", "expected"), [("NoSchedule", 1), ("NoExecute", 0)])
def test_pods_on_the_host_network_run_where_there_is_no_other(effect: str, expected: int) -> None:
    node = Node("a", taints=(Taint(f"{_NODE_IS}network-unavailable", "", effect),))
    assert matching(Placement(host_network=True), (node,)) == expected


def test_a_placement_that_takes_too_long_to_compare_is_not_known() -> None:
    many = NodeRequirement("disk", "In", tuple(map(str, range(1000))))
    assert matching(_affine(many), NODES * 10) == 0
    assert matching(_affine(many), NODES * 1000) is None
    assert matching(Placement(), NODES * 1000) == 3000


def test_a_share_of_all() -> None:
    assert ALL.of(7, up=False) == 7
    assert (str(QUARTER), str(ONE_POD)) == ("25%", "1")
