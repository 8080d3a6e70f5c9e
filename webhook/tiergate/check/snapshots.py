"""The object in a snapshot that says what it is of, and what could not be read."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tiergate.core.release import NEWEST
from tiergate.core.text import VALUE_SHOWN, shortened
from tiergate.core.workload_kind import WORKLOAD_KINDS
from tiergate.wire import Malformed

GROUP: Final = "check.tiergate.io"
KIND: Final = "Snapshot"
WORKLOADS: Final = tuple(one.kind for one in WORKLOAD_KINDS)
COUNTED: Final = ("ResourceQuota", "LimitRange", *WORKLOADS)
"""Kinds without which the usage of a namespace is not known."""
_VERSION: Final = re.compile(r"1\.([0-9]{1,3})")


class Missing(msgspec.Struct, frozen=True):
    """Objects of a kind that could not be read; without a namespace or name: all of them."""

    kind: str
    reason: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        what = f"{self.kind} {self.name}" if self.name else f"{self.kind} objects"
        where = f" in {self.namespace}" if self.namespace else ""
        return shortened(f"{what}{where}: {self.reason}")


class _Snapshot(msgspec.Struct, rename="camel"):
    kubernetes_version: str = ""
    missing: list[Missing] = []


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
        found = msgspec.json.decode(raw, type=_Snapshot)
    except ValueError as error:
        raise Malformed("", f"no snapshot: {error}") from error
    version = _VERSION.fullmatch(found.kubernetes_version)
    if found.kubernetes_version and version is None:
        raise Malformed("/kubernetesVersion", f"{shortened(found.kubernetes_version, VALUE_SHOWN)} is no release")
    return SnapshotHead(int(version[1]) if version else NEWEST, tuple(found.missing))
