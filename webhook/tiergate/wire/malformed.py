"""What input can be wrong with."""

from __future__ import annotations

from collections.abc import Sequence

from tiergate.core.decision import Fault
from tiergate.core.text import shortened


class NotJson(ValueError):
    """The bytes are not a JSON document, or one with more values than can be read in time."""


class Malformed(ValueError):
    """A value that cannot be what the schema says: ``pointer`` (RFC 6901) and ``reason``.

    ``others`` are the further faults of the same document, found in the same reading. Faults are plain values: an
    exception that is kept keeps its traceback too, and with it the whole document.
    """

    def __init__(self, pointer: str, reason: str, others: tuple[Fault, ...] = ()) -> None:
        """Keep the pointer and the reason; the message shows both shortened when very long."""
        super().__init__(f"{shortened(pointer) or 'object'}: {shortened(reason)}")
        self.pointer = pointer
        self.reason = reason
        self.others = others

    def every(self) -> tuple[Fault, ...]:
        """Return all faults of the document, in order."""
        return (Fault(self.pointer, self.reason), *self.others)


class Excess(Malformed):
    """More of something than is judged. It is found by counting, so no second reading has to find where it is."""


def raise_all(faults: Sequence[Fault]) -> None:
    """Raise the faults as one Malformed, if there are any."""
    if faults:
        raise Malformed(faults[0].pointer, faults[0].reason, tuple(faults[1:]))
