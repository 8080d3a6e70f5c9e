"""Objects cut down to the fields that decisions read, so that no other one leaves the cluster."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec

from tiergate.cluster.tier_record import read_record
from tiergate.wire.decode import Decoder
from tiergate.wire.kinds import KINDS
from tiergate.wire.limitrange import WireLimitRange
from tiergate.wire.malformed import Malformed
from tiergate.wire.node import WireNode
from tiergate.wire.quota import WireQuota
from tiergate.wire.runtime_class import WireRuntimeClass
from tiergate.wire.template import WireTemplate
from tiergate.wire.tier import TierSpec
from tiergate.wire.types import is_absent

SHAPES: Final[dict[str, type[msgspec.Struct]]] = {
    **{kind.kind: kind.wire for kind in KINDS if "/" not in kind.resource},
    "ResourceQuota": WireQuota,
    "LimitRange": WireLimitRange,
    "RuntimeClass": WireRuntimeClass,
    "Node": WireNode,
}
"""The shape of each kind: of what is judged, and of what is around it."""
_VOLATILE: Final = ("resourceVersion", "annotations")
"""Of metadata: says nothing about what an object asks for."""
_WIRES: Final[tuple[type[msgspec.Struct], ...]] = (*SHAPES.values(), WireTemplate, TierSpec)
_DECODERS: Final[dict[type[msgspec.Struct], Decoder[Any]]] = {wire: Decoder(wire) for wire in _WIRES}


def pruned(kind: str, raw: bytes) -> dict[str, Any]:
    """Return the fields of an object that decisions read, without those that have their default.

    Raises:
        ValueError: The object cannot be read.
    """
    if kind == "Tier":
        return _tier(raw)
    found = _fields(_read(SHAPES[kind], raw))
    for name in _VOLATILE:
        found.get("metadata", {}).pop(name, None)
    return found


def _tier(raw: bytes) -> dict[str, Any]:
    """Return a tier as it is in force: where its latest spec is not valid, with the one before."""
    record = read_record(raw)
    spec = record.valid.written.spec.encode() if record.valid is not None else bytes(_spec(raw))
    return {"metadata": {"name": record.name}, "spec": _fields(_read(TierSpec, spec))}


_fields_of: Final = cache(msgspec.structs.fields)
"""Works the annotations of a shape out anew for each call: milliseconds for each object without this."""


class _Spec(msgspec.Struct):
    spec: msgspec.Raw = msgspec.Raw(b"{}")


_spec_of: Final = msgspec.json.Decoder(_Spec).decode


def _spec(raw: bytes) -> msgspec.Raw:
    return _spec_of(raw).spec


def _read(wire: type[msgspec.Struct], raw: bytes) -> msgspec.Struct:
    decoder = _DECODERS[wire]
    found: msgspec.Struct | None = decoder.quick(raw)
    if found is None:
        try:
            found = decoder.strict(raw)
        except Malformed as error:
            msg = f"{error.pointer}: {error.reason}"
            raise ValueError(msg) from error
    return found


def _fields(wire: msgspec.Struct) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in _fields_of(type(wire)):
        value = getattr(wire, field.name)
        if isinstance(value, msgspec.Raw):
            if not is_absent(value):
                found[field.encode_name] = _raw(field.encode_name, value)
        elif value is not None and value != field.default:
            found[field.encode_name] = _plain(value)
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401  # any value of a wire shape
    if isinstance(value, msgspec.Struct):
        return _fields(value)
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _raw(name: str, value: msgspec.Raw) -> Any:  # noqa: ANN401  # any value of JSON
    """Return a value that is kept as its bytes: a template, or a selector of which it matters that it is there."""
    return _fields(_read(WireTemplate, bytes(value))) if name == "template" else {}
