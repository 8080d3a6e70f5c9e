"""How much is kept of the objects of one kind in each namespace.

Who may write ResourceQuotas in one namespace can write as many as etcd holds. Each is kept in memory and compared with
each pod of its namespace, so without a bound that tenant would take every replica down. Ours and those of others have
room of their own: nobody's quotas push out the tier's.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from tiergate.wire.malformed import Excess

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 10_000
"""Names and values of all objects of one kind in a namespace, ours or not: more than those of the largest Tier."""
OBJECT: Final = 100
"""What an object counts for by itself."""


class Kept(Protocol):
    """An object that is kept. ``size`` is how many names and values it holds."""

    @property
    def name(self) -> str: ...  # noqa: D102  # the class says it
    @property
    def namespace(self) -> str: ...  # noqa: D102
    @property
    def managed(self) -> bool: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102


T = TypeVar("T", bound=Kept)


class Capacity:
    """Counts what is kept, by namespace and by whether it is ours."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._sizes: dict[str, tuple[tuple[str, bool], int]] = {}
        self._totals = Counter[tuple[str, bool]]()

    def read(self, decode: Callable[[bytes], T], raw: bytes) -> T:
        """Return what is decoded; raise what the decoder raises, and Excess where there is no room for it."""
        value = decode(raw)
        self.take(value)
        return value

    def in_its_place(self, stand_in: Callable[[bytes], T], raw: bytes) -> T | None:
        """Return what stands in for an object that could not be read, None where there is no room even for that."""
        value = stand_in(raw)
        try:
            self.take(value)
        except Excess:
            return None
        return value

    def take(self, one: Kept) -> None:
        """Count an object in place of its earlier version; raise Excess where there is no room for it."""
        key, account, size = f"{one.namespace}/{one.name}", (one.namespace, one.managed), OBJECT + one.size
        self.free(key)
        if self._totals[account] + size > MOST:
            raise Excess("", f"with it those of its namespace hold more than the {MOST} names and values that are kept")
        self._sizes[key] = account, size
        self._totals[account] += size

    def free(self, key: str) -> None:
        """Forget an object, given as ``namespace/name``; once more does no harm."""
        if (found := self._sizes.pop(key, None)) is not None:
            account, size = found
            self._totals[account] -= size
            if not self._totals[account]:
                del self._totals[account]

    def clear(self) -> None:
        """Forget all objects."""
        self._sizes.clear()
        self._totals.clear()
