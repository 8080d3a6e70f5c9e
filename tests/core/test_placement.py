"""On which nodes a DaemonSet runs (W-8), and what it costs to say so of a placement that a tenant writes."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.builders import a_tier, a_tier_quota
from tests.core.workloads import a_workload, judged
from tiergate.core.placement import (
    MOST_COMPARISONS,
    Node,
    NodeRequirement,
    NodeTerm,
    Placement,
    Taint,
    Toleration,
    matching,
)
from tiergate.core.workload import steady
from tiergate.core.workload_case import Around

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
    assert sum(matching(placement, (one,)) or 0 for one in NODES) == expected
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


@pytest.mark.rule("W-8")
@pytest.mark.parametrize(
    ("found", "bound", "expected"),
    [("+7", "5", 1), ("007", "5", 1), ("7", "+5", 1), ("1_0", "5", 0), ("\u0667", "5", 0), (str(2**63), "5", 0)],
    ids=["plus", "zeros", "plus-of-the-bound", "underscore", "another-script", "more-than-64-bits"],
)
def test_numbers_of_labels_are_read_as_go_reads_them(found: str, bound: str, expected: int) -> None:
    node = Node("a", {"size": found})
    assert matching(_affine(NodeRequirement("size", "Gt", (bound,))), (node,)) == expected


class _Counted(dict[str, str]):
    """Labels that count how often one of them is looked up."""

    looked_up = 0

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401  # a dict's
        type(self).looked_up += 1
        return super().get(key, default)


_NOWHERE: Final = NodeRequirement("name", "Gt", ("x" * 1000,))


@pytest.mark.parametrize(
    ("placement", "alike", "different"),
    [
        pytest.param(Placement(), 5000, 5000, id="plain"),
        pytest.param(Placement(terms=(NodeTerm(),) * 990), 0, 0, id="empty-terms"),
        pytest.param(Placement(terms=(NodeTerm(labels=(_NOWHERE,)),) * 9), 0, None, id="numbers"),
        pytest.param(Placement(terms=(*[NodeTerm()] * 990, NodeTerm(labels=(_NOWHERE,)))), 0, None, id="both"),
        pytest.param(_affine(*[NodeRequirement(str(one), "Exists") for one in range(990)]), None, None, id="keys"),
        pytest.param(_affine(NodeRequirement("name", "In", ("a",))), 0, 0, id="one-of-a-name"),
        pytest.param(
            Placement(selector={"name": "a"}, tolerations=(Toleration("b"),) * 990), 0, None, id="tolerations"
        ),
        pytest.param(
            Placement(terms=(NodeTerm(fields=(NodeRequirement("metadata.name", "NotIn", ("a",)),) * 990),)), None, None,
            id="names",
        ),
    ],
)  # fmt: skip
def test_what_a_placement_costs_is_bounded_on_many_nodes(
    placement: Placement, alike: int | None, different: int | None
) -> None:
    """A tenant writes the placement, and nobody is answered while it is compared."""
    taints = (Taint("a", "", "PreferNoSchedule"),)
    for is_alike, expected in ((True, alike), (False, different)):
        nodes = [Node(f"n{one}", _Counted(name="n" if is_alike else f"n{one}"), taints) for one in range(5000)]
        _Counted.looked_up = 0
        assert matching(placement, nodes) == expected
        assert _Counted.looked_up <= MOST_COMPARISONS


def test_a_placement_and_its_former_one_are_compared_once_where_they_are_equal() -> None:
    placement = Placement(selector={"disk": "ssd"})
    nodes = tuple(Node(str(one), _Counted(disk="ssd")) for one in range(10))
    _Counted.looked_up = 0
    old, new = (a_workload({"cpu": cpu}, kind="DaemonSet", placement=placement) for cpu in "12")
    around = Around(limit_ranges=(), overheads={}, nodes=nodes)
    judged(new, old=old, tier=a_tier(quotas=[a_tier_quota({"pods": "100"})]), quotas=(), around=around)
    assert 0 < _Counted.looked_up <= len(nodes) + 1
