"""JSON documents of a file: one or several, as ``kubectl`` takes them."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stub leaves the C scanner out
from typing import Any, Final

from tiergate.core.text import VALUE_SHOWN, shortened
from tiergate.manifests.documents import MAX_DEPTH, Document, ManifestFault, Place, tokens

MAX_VALUES: Final = 5_000_000
"""Of the documents that follow each other without a separator: each takes up to a hundred bytes while it is read."""
LARGE: Final = 2000
"""Characters of an object or list whose members' places are kept: of a List many are asked for."""
_LINE_END: Final = re.compile("\n")
_BLANK: Final = re.compile(r"[ \t\n\r]*")
_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
"""A pair of surrogates, one alone, or another escape."""
_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],]', re.DOTALL)
_TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH} levels"
_SKIP: Final = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


class _Text:
    """A text that begins so many lines below the start of its file; its documents share it."""

    __slots__ = ("_ends", "above", "text")

    def __init__(self, text: str, above: int) -> None:
        """Take both."""
        self.text = text
        self.above = above
        self._ends: list[int] | None = None

    def place(self, at: int) -> Place:
        """Return the line and column of a character."""
        if self._ends is None:
            self._ends = [found.start() for found in _LINE_END.finditer(self.text)]
        line = bisect_left(self._ends, at)
        return Place(self.above + line + 1, at - (self._ends[line - 1] if line else -1))


class JsonDocument(Document):
    """A document of a JSON file."""

    __slots__ = ("_large", "_of", "_start", "json")

    def __init__(self, of: _Text, start: int, end: int) -> None:
        """Take the text, and where in it the document is."""
        self._of = of
        self._start = start
        text = of.text[start:end]
        self.json = (_ESCAPE.sub(_without_half, text) if "\\ud" in text or "\\uD" in text else text).encode()
        self._large: dict[int, dict[str, tuple[int, int]]] = {}

    def place(self, pointer: str) -> Place:
        """Return where the value at a JSON pointer is: its key, or the entry of a list."""
        at = shown = self._start
        for token in tokens(pointer):
            found = self._member(at, token)
            if found is None:
                break
            shown, at = found
        return self._of.place(shown)

    def _member(self, at: int, token: str) -> tuple[int, int] | None:
        """Return where a member of the object or list is, and its value; None where there is none."""
        if at not in self._large:
            found = list(_members(self._of.text, at))
            members = {name: (where, value) for name, where, value, _ in found}
            if not found or found[-1][3] - at < LARGE:
                return members.get(token)
            self._large[at] = members
        return self._large[at].get(token)


def read_json(text: str, above: int) -> Iterator[JsonDocument]:
    """Yield the documents of a text that begins so many lines below the start of its file.

    Raises:
        ManifestFault: The first document that cannot be read; what follows it in the text is not read.
    """
    of, at = _Text(text, above), _blank(text, 0)
    if len(text) > MAX_VALUES and sum(map(text.count, ",[{")) > MAX_VALUES:
        raise ManifestFault(of.place(at), f"more than {MAX_VALUES} values")
    while at < len(text):
        try:
            end = _CHECK(text, at)[1]
        except json.JSONDecodeError as error:
            raise ManifestFault(of.place(error.pos), error.msg) from None
        except RecursionError:
            raise ManifestFault(of.place(at), _TOO_DEEP) from None
        except _Duplicate:
            name, first, second = _twice(text, at)
            reason = f'duplicate key "{shortened(name, VALUE_SHOWN)}", first in line {of.place(first).line}'
            raise ManifestFault(of.place(second), reason) from None
        yield JsonDocument(of, at, end)
        at = _blank(text, end)


def _without_half(escape: re.Match[str]) -> str:
    """Return an escape; for half of a pair of surrogates the sign that the API server takes for it."""
    return "\\ufffd" if escape[1] else escape[0]


class _Duplicate(ValueError):
    """An object has two members of one name."""


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise _Duplicate
    return found


def _refuse(constant: str) -> None:
    msg = f"{constant} is not a JSON value"
    raise json.JSONDecodeError(msg, "", 0)


_CHECK: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=str, parse_float=str, parse_constant=_refuse
).raw_decode


def _twice(text: str, start: int) -> tuple[str, int, int]:
    """Return the first name that an object of the document has twice, and both places; one pass, however deep."""
    objects: list[dict[str, int] | None] = []  # the names of each object that is open, None for a list
    is_name = False
    for token in _TOKEN.finditer(text, start):
        first, of = token[0][0], objects[-1] if objects else None
        if first in "{[":
            objects.append({} if first == "{" else None)
        elif first in "}]":
            objects.pop()
        elif first == '"' and is_name and of is not None:
            name = scanstring(token[0], 1, True)[0]  # noqa: FBT003  # the C function takes no keywords
            if name in of:
                return name, of[name], token.start()
            of[name] = token.start()
        is_name = first in "{,"
    raise AssertionError  # the decoder found one


def _members(text: str, at: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield name (or index), place, start and end of the value of each member of the object or list at a place."""
    opening, at = text[at : at + 1], _blank(text, at + 1)
    number = 0
    while opening in ("{", "[") and text[at] not in "}]":
        where, name = at, str(number)
        if opening == "{":
            name, at = scanstring(text, at + 1, True)  # noqa: FBT003  # as above
            at = _blank(text, _blank(text, at) + 1)
        end = _SKIP(text, at)[1]
        yield name, where, at, end
        at = _blank(text, end)
        at = _blank(text, at + 1) if text[at] == "," else at
        number += 1


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
