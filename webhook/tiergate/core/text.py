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


def printable(text: str, sign: str = "\N{REPLACEMENT CHARACTER}") -> str:
    """Return the text with a sign in the place of all that does not print: line ends, colours of a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else sign for char in text)


def one_line(text: str, most: int) -> str:
    """Return the text printable, on one line, and in so many characters at most: words on two lines stay two."""
    clean = printable(text[: most + 1], " ")
    return clean if len(clean) <= most else f"{clean[: most - 3]}..."


def one_line_in_bytes(text: str, most: int) -> str:
    """Return the same as ``one_line`` in so many bytes at most."""
    clean = printable(text[: most + 1], " ")
    raw = clean.encode()  # a lone surrogate is not printable
    return clean if len(raw) <= most else f"{raw[: most - 3].decode(errors='ignore')}..."
