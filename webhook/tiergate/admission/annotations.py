"""How large the annotations of an object are: the API server bounds them, and defaulting adds one."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.admission.reviewed import Reviewed


class _Metadata(msgspec.Struct):
    annotations: dict[str, str | None] | None = None


_decode: Final = msgspec.json.Decoder(Reviewed[_Metadata]).decode


def annotation_bytes(body: bytes) -> int:
    """Return the bytes of all names and values, of a review that was read before; its size where that is not known."""
    try:
        new, _ = _decode(body).metadata()
    except (ValueError, RecursionError):
        return len(body)
    annotations = (new or _Metadata()).annotations or {}
    return sum(len(name.encode()) + len((value or "").encode()) for name, value in annotations.items())
