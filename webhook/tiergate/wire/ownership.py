"""The two labels by which an object is known as ours."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.core.tier import LABEL
from tiergate.wire.types import Labels, Metadata, Name

MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "tiergate"


class _Owned(msgspec.Struct):
    name: Name = ""
    namespace: Name = ""
    resourceVersion: Name = ""
    labels: Labels | None = None


class _Document(msgspec.Struct):
    metadata: _Owned


_read = msgspec.json.Decoder(_Document).decode


def read_owned(raw: bytes) -> Metadata:
    """Return of a stored object, whatever else is in it, what identifies it and whose it is."""
    found = _read(raw).metadata
    return Metadata(found.name, found.namespace, resourceVersion=found.resourceVersion, labels=found.labels)


def own_labels(tier: str) -> dict[str, str]:
    """Return the labels of an object that is kept for a tier."""
    return {MANAGED_BY_LABEL: MANAGER, LABEL: tier}


def is_managed(metadata: Metadata) -> bool:
    """Say whether the object is ours."""
    return metadata.labels is not None and metadata.labels.managed_by == MANAGER


def labelled(metadata: Metadata) -> str:
    """Return the tier that the label names; "" without one, and where another manager's label claims the object."""
    labels = metadata.labels
    if labels is None or labels.managed_by not in {None, MANAGER}:
        return ""
    return labels.tier or ""
