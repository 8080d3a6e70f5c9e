"""One document: the fast typed decoder first, the slow strict one for whatever it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec

from tiergate.wire import strict
from tiergate.wire.malformed import Malformed

ESCAPED_NUL: Final = b"\\u0000"
"""The fast decoder takes NUL for text; a document that may hold one is read by the slow decoder."""

Wire = TypeVar("Wire", bound=msgspec.Struct)
Value = TypeVar("Value")


class Reader(Generic[Wire, Value]):
    """Reads one kind of object: raw JSON bytes to a core value."""

    def __init__(self, wire: type[Wire], to_value: Callable[[Wire], Value]) -> None:
        """Take the wire shape and the function from it to the core value."""
        self._wire = wire
        self._decoder = msgspec.json.Decoder(wire)
        self._to_value = to_value

    def __call__(self, raw: bytes | msgspec.Raw) -> Value:
        """Return the value; raise Malformed with the JSON pointer, NotJson for what is no JSON."""
        if ESCAPED_NUL not in bytes(raw):
            try:
                return self._to_value(self._decoder.decode(raw))
            except (ValueError, RecursionError):
                pass  # the strict decoder says why, or reads what this one is too narrow for
        return self._strictly(bytes(raw))

    def _strictly(self, raw: bytes) -> Value:
        wire = strict.build(strict.parse(raw), self._wire, "")
        try:
            return self._to_value(wire)
        except Malformed:
            raise
        except ValueError as error:
            raise Malformed("", str(error)) from None
