"""v1 Namespace."""

from __future__ import annotations

import msgspec

from tiergate.wire.decode import Reader
from tiergate.wire.types import Identity


class Namespace(msgspec.Struct, frozen=True):
    """A namespace: its tier label (None: not governed) and whether it is being deleted."""

    name: str
    tier: str | None = None
    deleting: bool = False
    resource_version: str = ""


class WireNamespace(msgspec.Struct):
    """A Namespace, as far as we read it."""

    metadata: Identity | None = None


def to_namespace(wire: WireNamespace) -> Namespace:
    """Return the value; raises nothing."""
    metadata = wire.metadata or Identity()
    return Namespace(
        name=metadata.name,
        tier=metadata.labels.tier if metadata.labels else None,
        deleting=metadata.deletionTimestamp is not None,
        resource_version=metadata.resourceVersion,
    )


read_namespace = Reader(WireNamespace, to_namespace)
