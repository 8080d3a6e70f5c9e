"""The object in a snapshot that says what it is of, and what could not be read."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tiergate.core.release import NEWEST
from tiergate.core.text import VALUE_SHOWN, shortened
from tiergate.core.workload_kind import WORKLOAD_KINDS
from tiergate.wire import Malformed
from tiergate.wire.snapshot import Missing, WireSnapshot

WORKLOADS: Final = tuple(one.kind for one in WORKLOAD_KINDS)
COUNTED: Final = ("ResourceQuota", "LimitRange", *WORKLOADS)
"""Kinds without which the usage of a namespace is not known."""
_VERSION: Final = re.compile(r"1\.([0-9]{1,3})")


class SnapshotHead(msgspec.Struct, frozen=True):
    """What a snapshot says of itself."""

    minor: int
    missing: tuple[Missing, ...]

    def lacks(self, kind: str, *, namespace: str = "", name: str = "") -> bool:
        """Say whether an object of a kind may be there that is not in the snapshot."""
        return any(
            one.kind == kind and one.namespace in ("", namespace) and one.name in ("", name) for one in self.missing
        )


def read_snapshot(raw: bytes) -> SnapshotHead:
    """Return what it says; raise Malformed for one that cannot be read."""
    try:
        found = msgspec.json.decode(raw, type=WireSnapshot)
    except ValueError as error:
        raise Malformed("", f"no snapshot: {error}") from error
    version = _VERSION.fullmatch(found.kubernetesVersion)
    if found.kubernetesVersion and version is None:
        raise Malformed("/kubernetesVersion", f"{shortened(found.kubernetesVersion, VALUE_SHOWN)} is not a release")
    return SnapshotHead(int(version[1]) if version else NEWEST, tuple(found.missing))
