"""A bounded memory of what a function returned: whoever sends values must not make the process grow."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

LONGEST: Final = 64
"""Characters of a text that is kept: no quantity that people write is longer, and hardly a resource name."""
MOST: Final = 8192
"""Values that are kept; then all are forgotten, which costs less than to know the oldest."""


class Memo(dict[Key, Value]):
    """The values of a function by its argument; a known one costs one look-up. An error of the function is not kept."""

    def __init__(self, function: Callable[[Key], Value], keeps: Callable[[Key], bool], *, most: int = MOST) -> None:
        """Take the function, which arguments are small enough to be kept, and how many are."""
        super().__init__()
        self._function = function
        self._keeps = keeps
        self._most = most

    def __missing__(self, key: Key) -> Value:
        """Return the value of an argument that is not known yet."""
        value = self._function(key)
        if self._keeps(key):
            if len(self) >= self._most:
                self.clear()
            self[key] = value
        return value


def is_short(text: str) -> bool:
    """Say whether a text may be kept."""
    return len(text) <= LONGEST
