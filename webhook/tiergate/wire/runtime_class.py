"""node.k8s.io/v1 RuntimeClass, as far as it adds to what a pod asks for."""

from __future__ import annotations

import msgspec

from tiergate.core.resources import ResourceList
from tiergate.wire.decode import Reader
from tiergate.wire.types import Identity, Quantities, resource_list


class Overhead(msgspec.Struct):
    """``overhead`` of a RuntimeClass."""

    podFixed: Quantities | None = None


class WireRuntimeClass(msgspec.Struct):
    """A RuntimeClass, as far as we read it."""

    metadata: Identity | None = None
    overhead: Overhead | None = None


def to_overhead(wire: WireRuntimeClass) -> ResourceList:
    """Return what a RuntimeClass adds to a pod; raise QuantityError for a bad quantity."""
    return resource_list(wire.overhead.podFixed if wire.overhead else None)


read_overhead = Reader(WireRuntimeClass, to_overhead)
