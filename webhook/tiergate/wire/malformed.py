"""What input can be wrong with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_SHOWN: Final = 200
VALUE_SHOWN: Final = 60
"""So that the words around a quoted value stay readable."""


class NotJson(ValueError):
    """The bytes are no JSON document, or one with more values than can be read in time."""


class Malformed(ValueError):
    """A value that cannot be what the schema says: ``pointer`` (RFC 6901) and ``reason``.

    ``others`` are the further faults of the same document, found in the same reading.
    """

    def __init__(self, pointer: str, reason: str, others: tuple[Malformed, ...] = ()) -> None:
        """Keep the pointer and the reason; both are shown shortened when very long."""
        super().__init__(f"{shortened(pointer) or 'object'}: {shortened(reason)}")
        self.pointer = pointer
        self.reason = reason
        self.others = others

    def every(self) -> tuple[Malformed, ...]:
        """Return all faults of the document, in order."""
        return (self, *self.others)


def raise_all(faults: Sequence[Malformed]) -> None:
    """Raise the faults as one Malformed, if there are any."""
    if faults:
        raise Malformed(faults[0].pointer, faults[0].reason, tuple(faults[1:]))


def shortened(text: str, most: int = _SHOWN) -> str:
    """Return the text printable and at most about ``most`` characters long."""
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[: most + 1])
    return clean if len(clean) <= most else f"{clean[:most]}..."
