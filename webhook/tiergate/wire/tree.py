"""JSON as a tree of plain values, numbers as their text: what the strict decoder reads.

The standard library parses. What it would do without bounds is bounded here: the number of values, before any of them
is made, and the depth of nesting.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stub leaves the C scanner out
from typing import Any, Final, cast

from tiergate.wire.malformed import NotJson, TooManyValues

MAX_DEPTH: Final = 500
"""Half of what the standard library can read on a small stack; no Kubernetes object comes near."""

MAX_VALUES: Final = 250_000
"""More cannot be explained in about a second; no object that people write comes near."""

MAX_MEMORY: Final = 96 * 2**20
"""Bytes of memory for the document as text. One character outside of the basic plane makes all take four bytes."""

_CUT_DEPTH: Final = MAX_DEPTH + 10
"""Where too deep nesting is cut: below the depth that is a fault, also for an object inside a review."""

_STRING: Final = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_BETWEEN: Final = re.compile(rf'[^"\[\]{{}}]*+(?:{_STRING}[^"\[\]{{}}]*+)*+')
"""What stands between two brackets: however many strings there are, they are passed over at once."""
_FOUR_BYTES: Final = re.compile(rb"[\xf0-\xf4]")


class Number(str):
    """A number, kept as its text."""

    __slots__ = ()


Tree = dict[str, Any] | list[Any] | str | Number | bool | None
"""A document: a dict with texts as keys or a list, of trees; a text; a number as its text; true, false or null.

Whoever makes a tree of something else than JSON, for example of YAML, gives each number as a Number: an int or a float
has lost how it was written, and ``strict.build`` refuses it, as it does keys that are no texts.
"""


def parse(raw: bytes) -> Tree:
    """Return the document as a tree, the last of duplicate members; raise NotJson if it is not JSON."""
    try:
        text = _text(raw)
        if not (_may_exceed(raw) and _exceeds(text)):
            return _decoded(text)
        why = ""
    except RecursionError:
        why = f"nested deeper than {MAX_DEPTH} levels"
    except UnicodeDecodeError as error:
        why = f"not UTF-8 at byte {error.start}"
    except ValueError as error:
        why = str(error)
    if not why:
        raise TooManyValues(f"more than {MAX_VALUES} values")
    raise NotJson(why)  # here, as the errors above hold the whole document


def _text(raw: bytes) -> str:
    """Return the document as text; raise ValueError where that takes too much memory."""
    width = 1 if raw.isascii() else 4 if _FOUR_BYTES.search(raw) else 2
    if len(raw) * width > MAX_MEMORY:
        msg = f"more than {MAX_MEMORY} bytes as text"
        raise ValueError(msg)
    return raw.decode()


def _refuse(constant: str) -> None:
    msg = f"{constant} is not a JSON value"
    raise ValueError(msg)


_DECODER: Final = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse)


def _decoded(text: str) -> Tree:
    try:
        return cast("Tree", _DECODER.decode(text))
    except RecursionError:
        pass  # read below, without this error
    return cast("Tree", _DECODER.decode(shallow(text, _CUT_DEPTH)))


def shallow(text: str, cut_depth: int) -> str:
    """Return a JSON document with a 0 in place of every container at this depth; raise ValueError for a bad string."""
    pieces: list[str] = []
    depth = at = kept = 0
    while (match := _BETWEEN.match(text, at)) and (start := match.end()) < len(text):
        bracket, at = text[start], start + 1
        if bracket in "[{":
            depth += 1
            if depth == cut_depth:
                pieces += (text[kept:start], "0")
        elif bracket in "]}":
            if depth == cut_depth:
                kept = at
            depth -= 1
        else:
            msg = f"a bad string: character {start}"
            raise ValueError(msg)
    return "".join((*pieces, text[kept:]))


def _may_exceed(raw: bytes) -> bool:
    """Say whether there are enough separators for more than MAX_VALUES values; strings may hold some of them."""
    return sum(raw.count(separator) for separator in (b",", b"[", b"{")) >= MAX_VALUES


def _exceeds(text: str) -> bool:
    """Say whether there may be more than MAX_VALUES values, without making any; raise ValueError for a bad string.

    Every value is the document or follows a separator outside of strings. An empty container counts twice. A string is
    a value or a member name, so that no document has to be looked at to its end.
    """
    values, strings, at = 1, 0, 0
    while values <= MAX_VALUES and strings <= 2 * MAX_VALUES:
        quote = text.find('"', at)
        end = len(text) if quote < 0 else quote
        values += sum(text.count(separator, at, end) for separator in ",[{")
        if quote < 0:
            return values > MAX_VALUES
        _, at = scanstring(text, quote + 1, True)  # noqa: FBT003  # as above
        strings += 1
    return True
