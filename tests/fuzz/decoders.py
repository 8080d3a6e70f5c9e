"""The fast decoder alone, which the product never asks without the strict one behind it."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from tiergate.wire.decode import Reader

Wire = TypeVar("Wire", bound=msgspec.Struct)
Value = TypeVar("Value")


def quickly(reader: Reader[Wire, Value], raw: bytes) -> Value | None:
    """Return the value as the fast decoder alone reads it, None where it reads nothing; raise ValueError."""
    wire = reader._decoder.quick(raw)
    return None if wire is None else reader._to_value(wire)
