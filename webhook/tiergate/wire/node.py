"""v1 Node, as far as it decides which DaemonSets' pods it runs."""

from __future__ import annotations

from sys import intern

import msgspec

from tiergate.core.placement import Node, Taint
from tiergate.wire.decode import Reader
from tiergate.wire.types import Name


class NodeMetadata(msgspec.Struct):
    """``metadata`` of a Node: all its labels count."""

    name: Name = ""
    labels: dict[Name, Name] | None = None


class WireTaint(msgspec.Struct):
    """An entry of ``taints``."""

    key: Name = ""
    value: Name | None = None
    effect: Name = ""


class NodeSpec(msgspec.Struct):
    """``spec`` of a Node."""

    taints: list[WireTaint] | None = None


class WireNode(msgspec.Struct):
    """A Node, as far as we read it."""

    metadata: NodeMetadata | None = None
    spec: NodeSpec | None = None


def to_node(wire: WireNode) -> Node:
    """Return the core value."""
    metadata, spec = wire.metadata or NodeMetadata(), wire.spec or NodeSpec()
    labels = {intern(key): intern(value) for key, value in (metadata.labels or {}).items()}  # most nodes share them
    taints = tuple(Taint(one.key, one.value or "", one.effect) for one in spec.taints or ())
    return Node(metadata.name, labels, taints)


read_node = Reader(WireNode, to_node)
