"""The metadata of an object as the API server stores it: what identifies the object and its version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from typing import Final


class ObjectMeta(msgspec.Struct, frozen=True, rename="camel"):
    """``metadata`` of an object, as far as it identifies the object; "" for what is not there."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0

    @property
    def key(self) -> str:
        """``namespace/name``, or ``name`` of a cluster-scoped object."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class _Object(msgspec.Struct):
    metadata: ObjectMeta


_decoder: Final = msgspec.json.Decoder(_Object)


def read_meta(raw: bytes | msgspec.Raw) -> ObjectMeta:
    """Decode the metadata of an object.

    Raises:
        msgspec.MsgspecError: This is not an object of the API server.
    """
    return _decoder.decode(raw).metadata
