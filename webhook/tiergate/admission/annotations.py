"""How large the annotations of an object are: the API server bounds them, and defaulting adds one."""

from __future__ import annotations

from typing import Final

import msgspec


class _Metadata(msgspec.Struct):
    annotations: dict[str, str | None] | None = None


class _Object(msgspec.Struct):
    metadata: _Metadata | None = None


class _Request(msgspec.Struct):
    object: _Object | None = None


class _Review(msgspec.Struct):
    request: _Request | None = None


_decode: Final = msgspec.json.Decoder(_Review).decode


def annotation_bytes(body: bytes) -> int:
    """Return the bytes of all names and values, of a review that was read before; its size where that is not known."""
    try:
        review = _decode(body)
    except (ValueError, RecursionError):
        return len(body)
    request = review.request or _Request()
    metadata = (request.object or _Object()).metadata or _Metadata()
    annotations = metadata.annotations or {}
    return sum(len(name.encode()) + len((value or "").encode()) for name, value in annotations.items())
