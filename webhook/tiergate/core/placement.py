"""Which nodes a DaemonSet runs a pod on: selectors, node affinity and taints.

Source: kubernetes ``pkg/controller/daemon/daemon_controller.go`` (NodeShouldRunDaemonPod). What is not understood
counts as no match: a verdict that counts too few nodes says too little, never too much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
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
MOST_COMPARISONS: Final = 40_000
"""So many take 8 ms at most, and an update may ask twice: 5,000 nodes for a DaemonSet that looks at seven labels."""
MOST_TERMS: Final = 1_000
"""Labels, tolerations, expressions and values of a placement that is kept: it passes between processes."""
_REPELS: Final = ("NoSchedule", "NoExecute")
_NUMBER: Final = re.compile(r"[+-]?0{0,63}[0-9]{1,19}", re.ASCII)
_TOO_LARGE: Final = 2**63


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


class NodeRequirement(msgspec.Struct, frozen=True, dict=True):
    """One expression over labels, or over the field ``metadata.name``."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    @cached_property
    def holds(self) -> Callable[[str | None], bool]:
        """Whether it holds for a value, None for none; made once, as it is asked of many nodes."""
        values = frozenset(self.values)
        match self.operator:
            case "In":
                return values.__contains__
            case "NotIn":
                return lambda found: found not in values
            case "Exists":
                return lambda found: found is not None
            case "DoesNotExist":
                return lambda found: found is None
            case "Gt" | "Lt":
                return _compared(self.operator, _number(self.values[0] if self.values else ""))
            case _:
                return _never


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
    def keys(self) -> tuple[str, ...]:
        """The labels that it looks at."""
        terms = self.terms or ()
        return tuple({*self.selector, *(one.key for term in terms for one in term.labels)})

    @cached_property
    def names_nodes(self) -> bool:
        """Whether it looks at the name of a node."""
        return bool(self.node_name) or any(term.fields for term in self.terms or ())

    def comparisons(self, taints: int) -> int:
        """Return how many comparisons a node with so many taints takes at most; one of numbers counts three times."""
        return self._comparisons + taints * (1 + len(self.tolerations))

    @cached_property
    def _comparisons(self) -> int:
        terms = self.terms or ()
        wanted = [one for term in terms for one in (*term.labels, *term.fields)]
        return 2 + len(self.selector) + len(terms) + sum(3 if one.operator in ("Gt", "Lt") else 1 for one in wanted)


def matching(placement: Placement, nodes: Sequence[Node]) -> int | None:
    """Return on how many of the nodes a DaemonSet runs its pod; None where that takes too long to say.

    Most nodes are alike in what a placement looks at: one of each kind is compared.
    """
    keys, names = placement.keys, placement.names_nodes
    left = MOST_COMPARISONS - len(nodes) * (1 + len(keys))
    if left < 0:
        return None
    known: dict[tuple[object, ...], bool] = {}
    count = 0
    for node in nodes:
        labels, taints = node.labels, node.taints
        left -= len(taints)
        kind = (*map(labels.get, keys), taints, node.name if names else "")
        runs = known.get(kind)
        if runs is None:
            left -= placement.comparisons(len(taints))
            if left < 0:
                return None
            runs = known[kind] = _runs_on(placement, node)
        count += runs
    return count


def _runs_on(placement: Placement, node: Node) -> bool:
    if placement.node_name not in ("", node.name):
        return False
    for key, value in placement.selector.items():
        if node.labels.get(key) != value:
            return False
    if placement.terms is not None and not _one_holds(placement.terms, node):
        return False
    return all(_tolerates(placement, taint) for taint in node.taints)


def _one_holds(terms: tuple[NodeTerm, ...], node: Node) -> bool:
    """Say whether a term holds; loops, as a generator costs more than what it compares."""
    value = node.labels.get
    for term in terms:
        for one in term.labels:
            if not one.holds(value(one.key)):
                break
        else:
            if (term.labels or term.fields) and all(map(partial(_field_holds, node), term.fields)):
                return True
    return False


def _field_holds(node: Node, wanted: NodeRequirement) -> bool:
    return wanted.holds(node.name if wanted.key == "metadata.name" else None)


def _compared(operator: str, bound: int | None) -> Callable[[str | None], bool]:
    if bound is None:
        return _never
    above = operator == "Gt"

    def compares(found: str | None) -> bool:
        number = None if found is None else _number(found)
        return number is not None and (number > bound if above else number < bound)

    return compares


def _never(_found: str | None) -> bool:
    return False


def _number(text: str) -> int | None:
    """Return a 64-bit number as Go's ParseInt reads it."""
    number = int(text) if _NUMBER.fullmatch(text) else _TOO_LARGE
    return number if -_TOO_LARGE <= number < _TOO_LARGE else None


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
