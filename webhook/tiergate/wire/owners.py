"""Which object one is, and what made it: read only where others than its author are told of it."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.wire.types import Name

MAX_OWNERS: Final = 16 * 2**10
"""Bytes of a list of owners that is read: each has some 200, and hardly an object has more than one."""
_NO_OWNERS: Final = msgspec.Raw()


class Reference(msgspec.Struct, frozen=True):
    """One object of a namespace, by what an owner reference says of it."""

    group: str
    kind: str
    name: str
    uid: str


class _Owner(msgspec.Struct):
    apiVersion: Name = ""
    kind: Name = ""
    name: Name = ""
    uid: Name = ""
    controller: bool | None = None


class Owned(msgspec.Struct):
    """``metadata`` as far as it says which object it is and what made it."""

    uid: Name | None = None
    ownerReferences: msgspec.Raw = _NO_OWNERS

    def controller(self) -> Reference | None:
        """Return the owner that controls the object; raise MsgspecError where the list cannot be read."""
        raw = bytes(self.ownerReferences)
        if not raw or len(raw) > MAX_OWNERS:
            return None
        for one in _read_owners(raw) or ():
            if one.controller is True:
                return Reference(one.apiVersion.rpartition("/")[0], one.kind, one.name, one.uid)
        return None


class _Object(msgspec.Struct):
    metadata: Owned | None = None


_read_owners: Final = msgspec.json.Decoder(list[_Owner] | None).decode
_read_object: Final = msgspec.json.Decoder(_Object).decode


def read_owned(raw: bytes) -> Owned:
    """Return of a stored object which one it is; raise MsgspecError or RecursionError."""
    return _read_object(raw).metadata or Owned()
