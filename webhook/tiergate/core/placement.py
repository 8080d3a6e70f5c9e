"""Which nodes a DaemonSet runs a pod on: selectors, node affinity and taints.

Source: kubernetes ``pkg/controller/daemon/daemon_controller.go`` (NodeShouldRunDaemonPod). What is not understood
counts as no match: a verdict that counts too few nodes says too little, never too much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

import msgspec

_CONDITION: Final = "node.kubernetes.io/"
_TOLERATED: Final = frozenset(
    [(f"{_CONDITION}{one}", "NoExecute") for one in ("not-ready", "unreachable")]
    + [
        (f"{_CONDITION}{one}", "NoSchedule")
        for one in ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")
    ]
)
"""Taints, by key and effect, that the controller lets each of its pods tolerate (AddOrUpdateDaemonPodTolerations).

A node that is not ready also has its taint with NoSchedule, so it gets no new pod.
"""
_OF_HOST_NETWORK: Final = (f"{_CONDITION}network-unavailable", "NoSchedule")
MOST_COMPARISONS: Final = 100_000
"""So many take about 20 ms: 5,000 nodes for a DaemonSet with 20 expressions and tolerations."""
MOST_TERMS: Final = 1_000
"""Labels, tolerations, expressions and values of a placement that is kept: it passes between processes."""
_REPELS: Final = ("NoSchedule", "NoExecute")


class Taint(msgspec.Struct, frozen=True):
    """A taint of a node."""

    key: str
    value: str = ""
    effect: str = ""


class Node(msgspec.Struct, frozen=True):
    """A node, as far as it decides who runs there."""

    name: str
    labels: Mapping[str, str] = {}
    taints: tuple[Taint, ...] = ()


class Toleration(msgspec.Struct, frozen=True):
    """A toleration of a pod: an empty key or effect stands for all."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


class NodeRequirement(msgspec.Struct, frozen=True):
    """One expression over labels, or over the field ``metadata.name``."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


class NodeTerm(msgspec.Struct, frozen=True):
    """A term of the required node affinity: all its expressions must hold; one without any matches nothing."""

    labels: tuple[NodeRequirement, ...] = ()
    fields: tuple[NodeRequirement, ...] = ()


class Placement(msgspec.Struct, frozen=True, dict=True):
    """Where the pods of a template may run; ``terms`` None: no required node affinity."""

    node_name: str = ""
    selector: Mapping[str, str] = {}
    terms: tuple[NodeTerm, ...] | None = None
    tolerations: tuple[Toleration, ...] = ()
    host_network: bool = False

    @cached_property
    def comparisons(self) -> int:
        """How many comparisons one node can take at most, with one taint."""
        terms = self.terms or ()
        wanted = [one for term in terms for one in (*term.labels, *term.fields)]
        return 1 + len(self.selector) + len(self.tolerations) + sum(1 + len(one.values) for one in wanted)


def matching(placement: Placement, nodes: Sequence[Node]) -> int | None:
    """Return on how many of the nodes a DaemonSet runs its pod; None where that takes too long to say."""
    if placement.comparisons * len(nodes) > MOST_COMPARISONS:
        return None
    return sum(1 for node in nodes if _runs_on(placement, node))


def _runs_on(placement: Placement, node: Node) -> bool:
    if placement.node_name not in ("", node.name):
        return False
    if any(node.labels.get(key) != value for key, value in placement.selector.items()):
        return False
    if placement.terms is not None and not any(_term_holds(term, node) for term in placement.terms):
        return False
    return all(_tolerates(placement, taint) for taint in node.taints)


def _term_holds(term: NodeTerm, node: Node) -> bool:
    if not term.labels and not term.fields:
        return False
    names = {"metadata.name": node.name}
    return all(_holds(one, node.labels) for one in term.labels) and all(_holds(one, names) for one in term.fields)


def _holds(wanted: NodeRequirement, values: Mapping[str, str]) -> bool:
    found = values.get(wanted.key)
    match wanted.operator:
        case "In":
            return found in wanted.values
        case "NotIn":
            return found not in wanted.values
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
        case "Gt" | "Lt":
            return _compares(wanted, found)
        case _:
            return False


def _compares(wanted: NodeRequirement, found: str | None) -> bool:
    try:
        left, right = int(found or ""), int(wanted.values[0])
    except (ValueError, IndexError):
        return False
    return left > right if wanted.operator == "Gt" else left < right


def _tolerates(placement: Placement, taint: Taint) -> bool:
    known = (taint.key, taint.effect)
    if taint.effect not in _REPELS or known in _TOLERATED:
        return True
    if known == _OF_HOST_NETWORK and placement.host_network:
        return True
    return any(_covers(one, taint) for one in placement.tolerations)


def _covers(one: Toleration, taint: Taint) -> bool:
    if one.effect not in ("", taint.effect) or one.key not in ("", taint.key):
        return False
    if one.operator == "Exists":
        return True
    return one.operator in ("", "Equal") and bool(one.key) and one.value == taint.value
