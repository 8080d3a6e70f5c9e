"""The first object of a snapshot: which release the cluster is of, and what could not be read of it."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.core.text import shortened

GROUP: Final = "check.tiergate.io"
KIND: Final = "Snapshot"
API_VERSION: Final = f"{GROUP}/v1"
"""No cluster has such objects."""


class Missing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What could not be read: objects of a kind, in a namespace or of a name; "" for all."""

    kind: str
    reason: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        what = f"{self.kind} {self.name}" if self.name else f"{self.kind} objects"
        where = f" in {self.namespace}" if self.namespace else ""
        return shortened(f"{what}{where}: {self.reason}")


class WireSnapshot(msgspec.Struct, omit_defaults=True):
    """The object."""

    apiVersion: str = ""
    kind: str = ""
    kubernetesVersion: str = ""
    missing: list[Missing] = []
