"""What input can be wrong with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, TypeVarTuple

from tiergate.core.decision import Fault
from tiergate.core.text import shortened

Arguments = TypeVarTuple("Arguments")
Value = TypeVar("Value")


class NotJson(ValueError):
    """The bytes are not a JSON document, or one with more values than can be read in time."""


class TooManyValues(NotJson):
    """It may be JSON, and has more values than can be read in time."""


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


class Faults:
    """Collects the faults of one object, so that all of them are told at once."""

    def __init__(self) -> None:
        """Begin without any."""
        self._found: list[Fault] = []
        self._counted = False

    def add(self, pointer: str, reason: str) -> None:
        """Note a fault."""
        self._found.append(Fault(pointer, reason))

    def read(self, read: Callable[[*Arguments], Value], *arguments: *Arguments) -> Value | None:
        """Return what is read, None where that is malformed."""
        try:
            return read(*arguments)
        except Malformed as error:
            self._found += error.every()
            self._counted = isinstance(error, Excess)
            return None

    def raise_all(self) -> None:
        """Raise the faults as one, if there are any; one Excess stays one."""
        if not self._found:  # as nearly always
            return
        if self._counted and len(self._found) == 1:
            raise Excess(self._found[0].pointer, self._found[0].reason)
        raise_all(self._found)
