"""The two labels by which an object is known as ours."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.core.tier import LABEL
from tiergate.wire.types import MANAGED_BY_LABEL, Identity

MANAGER: Final = "tiergate"


class _Document(msgspec.Struct):
    metadata: Identity


_read = msgspec.json.Decoder(_Document).decode


def read_identity(raw: bytes) -> Identity:
    """Return of a stored object, whatever else is in it, which one it is and whose."""
    return _read(raw).metadata


def own_labels(tier: str) -> dict[str, str]:
    """Return the labels of an object that is kept for a tier."""
    return {MANAGED_BY_LABEL: MANAGER, LABEL: tier}


def is_managed(metadata: Identity) -> bool:
    """Say whether the object is ours."""
    return metadata.labels is not None and metadata.labels.managed_by == MANAGER


def labelled(metadata: Identity) -> str:
    """Return the tier that the label names; "" without one, and where another manager's label claims the object."""
    labels = metadata.labels
    if labels is None or labels.managed_by not in {None, MANAGER}:
        return ""
    return labels.tier or ""
