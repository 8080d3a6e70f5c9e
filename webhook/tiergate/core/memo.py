"""A bounded memory of what a function made of short texts: whoever sends texts must not make the process grow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

Value = TypeVar("Value")

LONGEST: Final = 64
"""Characters of a text that is kept: no quantity or resource name that people write is longer."""
MOST: Final = 8192
"""Texts that are kept; then all are forgotten, which costs less than to know the oldest."""


class Memo(dict[str, Value]):
    """The values of a function by its argument; a known text costs one look-up.

    An error of the function is not kept.
    """

    def __init__(self, function: Callable[[str], Value]) -> None:
        """Take the function."""
        super().__init__()
        self._function = function

    def __missing__(self, text: str) -> Value:
        """Return the value of a text that is not known yet."""
        value = self._function(text)
        if len(text) <= LONGEST:
            if len(self) >= MOST:
                self.clear()
            self[text] = value
        return value
