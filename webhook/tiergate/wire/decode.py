"""Fast, then strict: the fast typed decoder reads first, the strict one whatever the fast one refuses.

The fast decoder need only be right on valid input. The strict one says what is wrong and where, and reads what the fast
one is too narrow for: a bare number as a quantity, ``null`` as an empty element.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar, TypeVarTuple, Unpack, get_origin

import msgspec

from tiergate.wire import strict, tree
from tiergate.wire.malformed import Excess, Malformed
from tiergate.wire.tree import Tree
from tiergate.wire.types import Validated

MAX_STORED: Final = 64 * 1024
"""Bytes of an object of a tenant that the strict decoder reads where the event loop waits: 8 ms at most."""
_ESCAPED_NUL: Final = b"\\u0000"
"""The fast decoder takes NUL for text; a document that may hold one is read by the strict decoder."""

Wire = TypeVar("Wire", bound=msgspec.Struct)
Value = TypeVar("Value")
Context = TypeVarTuple("Context")


class Decoder(Generic[Wire]):
    """Decodes documents of one wire type, by either decoder."""

    def __init__(self, wire: type[Wire]) -> None:
        """Take the wire type."""
        self._wire = wire
        self._decode = msgspec.json.Decoder(wire).decode
        self._is_validated = issubclass(get_origin(wire) or wire, Validated)

    def quick(self, raw: bytes) -> Wire | None:
        """Return what the fast decoder reads, None for what it cannot read or may read wrongly."""
        # Looking for one byte first is the quickest for most documents.
        has_nul = b"\\" in raw and _ESCAPED_NUL in raw
        if has_nul and not self._is_validated:
            return None
        try:
            wire = self._decode(raw)
        except (ValueError, RecursionError):
            return None
        return None if has_nul and _ESCAPED_NUL in msgspec.json.encode(wire) else wire

    def strict(self, document: bytes | Tree, pointer: str = "") -> Wire:
        """Return what the strict decoder reads of JSON bytes, or of a tree that stands at ``pointer`` of its document.

        Raises:
            NotJson: The bytes are not JSON, or hold more than can be read in time.
            Malformed: Values that cannot be what the wire type says.
        """
        return strict.build(tree.parse(document) if isinstance(document, bytes) else document, self._wire, pointer)

    def read(
        self,
        raw: bytes,
        to_value: Callable[[Wire, Unpack[Context]], Value],
        strictly: Callable[[bytes, Unpack[Context]], Value],
        *context: *Context,
    ) -> Value:
        """Return the value of what the fast decoder reads.

        Where it reads nothing, or ``to_value`` raises a ValueError, ``strictly`` of the bytes returns the value or says
        what is wrong. So ``to_value`` need not know where a bad value is, but of an Excess, which is raised. Both get
        the same further arguments.
        """
        wire = self.quick(raw)
        if wire is not None:
            try:
                return to_value(wire, *context)
            except Excess:
                raise
            except ValueError:
                pass  # a bad quantity, for example: the strict decoder finds its pointer
        return strictly(raw, *context)


class Reader(Generic[Wire, Value]):
    """Reads one kind of object: raw JSON bytes to a core value."""

    def __init__(self, wire: type[Wire], to_value: Callable[[Wire], Value]) -> None:
        """Take the wire type and the function from it to the core value."""
        self._decoder = Decoder(wire)
        self._to_value = to_value

    def __call__(self, raw: bytes | msgspec.Raw) -> Value:
        """Return the value; raise Malformed with the JSON pointer ("" for what is not JSON)."""
        return self._decoder.read(bytes(raw), self._to_value, self.strictly)

    def stored(self, raw: bytes | msgspec.Raw) -> Value:
        """Return the value of an object that a tenant has stored; raise Malformed.

        What the fast decoder does not read of more than ``MAX_STORED`` bytes is a fault without a reading that says
        where: the strict one takes 700 ms for 260,000 texts, while nobody is answered, for each event of that object.
        """
        return self._decoder.read(bytes(raw), self._to_value, self._strictly_if_small)

    def _strictly_if_small(self, raw: bytes) -> Value:
        if len(raw) > MAX_STORED:
            raise Malformed("", f"more than {MAX_STORED} bytes, and holds what is not read fast, such as NUL")
        return self.strictly(raw)

    def strictly(self, raw: bytes) -> Value:
        """Return the value as the strict decoder alone reads it; raise Malformed."""
        try:
            return self._to_value(self._decoder.strict(raw))
        except Malformed:
            raise
        except ValueError as error:  # also NotJson: what is too large to be read is a fault of this one object
            reason = str(error)
        raise Malformed("", reason)
