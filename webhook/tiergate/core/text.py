"""Text from outside, made safe to show."""

from __future__ import annotations

from typing import Final

SHOWN: Final = 200
VALUE_SHOWN: Final = 60
"""So that the words around a quoted value stay readable."""


def shortened(text: str, most: int = SHOWN) -> str:
    """Return the text printable and at most about ``most`` characters long."""
    clean = printable(text[: most + 1])
    return clean if len(clean) <= most else f"{clean[:most]}..."


def printable(text: str) -> str:
    """Return the text with a sign in the place of all that does not print: line ends, colours of a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
