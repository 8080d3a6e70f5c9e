"""So many of each key in a second, for a bounded number of keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Allowance(Generic[Key]):
    """Counts what was taken in the present second."""

    def __init__(self, most: int, keys: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow ``most`` of each key in a second, for so many ``keys``; ``clock`` has monotonic seconds."""
        self._most = most
        self._keys = keys
        self._clock = clock
        self._second = 0
        self._taken: dict[Key, int] = {}

    def __len__(self) -> int:
        """Return how many keys are counted now."""
        return len(self._taken)

    def take(self, key: Key) -> bool:
        """Count one of a key; say whether it is allowed."""
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._taken.clear()
        taken = self._taken.get(key, 0 if len(self._taken) < self._keys else self._most)
        if taken >= self._most:
            return False
        self._taken[key] = taken + 1
        return True
