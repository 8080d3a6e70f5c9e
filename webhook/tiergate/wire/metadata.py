"""Names, labels and annotations of an object and of its templates, as written: the API server may refuse them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec


class WrittenMetadata(msgspec.Struct):
    """What is written, of whatever type."""

    name: Any = None
    generateName: Any = None
    namespace: Any = None
    labels: Any = None
    annotations: Any = None


class _Template(msgspec.Struct):
    metadata: WrittenMetadata | None = None


class _JobSpec(msgspec.Struct):
    template: _Template | None = None


class _JobTemplate(msgspec.Struct):
    metadata: WrittenMetadata | None = None
    spec: _JobSpec | None = None


class _Spec(msgspec.Struct):
    template: _Template | None = None
    jobTemplate: _JobTemplate | None = None


class _Object(msgspec.Struct):
    metadata: WrittenMetadata | None = None
    spec: _Spec | None = None


class PlacedMetadata(NamedTuple):
    """The metadata at a JSON pointer; of an object itself it is "/metadata"."""

    pointer: str
    metadata: WrittenMetadata


_decode: Final = msgspec.json.Decoder(_Object).decode
_NONE: Final = WrittenMetadata()


def read_metadata(raw: bytes) -> Iterator[PlacedMetadata]:
    """Yield the metadata of the object, then those of its templates; nothing where they are no objects."""
    try:
        found = _decode(raw)
    except (msgspec.MsgspecError, RecursionError):  # told by whoever reads the object
        return
    yield PlacedMetadata("/metadata", found.metadata or _NONE)
    spec = found.spec or _Spec()
    if spec.template is not None and spec.template.metadata is not None:
        yield PlacedMetadata("/spec/template/metadata", spec.template.metadata)
    job = spec.jobTemplate or _JobTemplate()
    template = (job.spec or _JobSpec()).template or _Template()
    if template.metadata is not None:
        yield PlacedMetadata("/spec/jobTemplate/spec/template/metadata", template.metadata)
