"""The metadata of a review's objects alone, of a review that was read before: what hardly any decision needs."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

import msgspec

from tiergate.wire.owners import Owned

M = TypeVar("M")


class _Object(msgspec.Struct, Generic[M]):
    metadata: M | None = None


class _Request(msgspec.Struct, Generic[M]):
    object: _Object[M] | None = None
    oldObject: _Object[M] | None = None


class Reviewed(msgspec.Struct, Generic[M]):
    """A review as far as it has ``metadata`` of a shape."""

    request: _Request[M] | None = None

    def metadata(self) -> tuple[M | None, M | None]:
        """Return that of the object as it is to be and of the one that is stored, None where there is none."""
        if self.request is None:
            return None, None
        new, old = self.request.object, self.request.oldObject
        return None if new is None else new.metadata, None if old is None else old.metadata


_decode: Final = msgspec.json.Decoder(Reviewed[Owned]).decode


def read_reviewed(body: bytes) -> tuple[Owned, Owned]:
    """Return which object a review is of, as it is to be and as it is stored; raise MsgspecError or RecursionError."""
    new, old = _decode(body).metadata()
    return new or Owned(), old or Owned()
