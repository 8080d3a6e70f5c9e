"""JSON documents of a file: one or several, as ``kubectl`` takes them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stub leaves the C scanner out
from typing import Any, Final

from tiergate.core.text import VALUE_SHOWN, shortened
from tiergate.manifests.documents import MAX_DEPTH, Document, ManifestFault, Place, tokens

LARGE: Final = 2000
"""Characters of an object or list whose members' places are kept: of a List many are asked for."""
_LINE_END: Final = re.compile("\n")
_BLANK: Final = re.compile(r"[ \t\n\r]*")
_TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH} levels"
_SKIP: Final = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


class JsonDocument(Document):
    """A document of a JSON file."""

    __slots__ = ("_above", "_ends", "_large", "_text", "json")

    def __init__(self, text: str, start: int, end: int, above: int) -> None:
        """Take the text that begins ``above`` lines below the start of its file, and where in it the document is."""
        self._above = above + text.count("\n", 0, start)
        self._text = " " * _column(text, start) + text[start:end]
        self.json = text[start:end].encode()
        self._ends: list[int] = []
        self._large: dict[int, dict[str, tuple[int, int]]] = {}

    def place(self, pointer: str) -> Place:
        """Return where the value at a JSON pointer is: its key, or the entry of a list."""
        if not self._ends:
            self._ends = [-1, *(found.start() for found in _LINE_END.finditer(self._text))]
        at = shown = _blank(self._text, 0)
        for token in tokens(pointer):
            found = self._member(at, token)
            if found is None:
                break
            shown, at = found
        return _place(self._text, shown, self._above)

    def _member(self, at: int, token: str) -> tuple[int, int] | None:
        """Return where a member of the object or list is, and its value; None where there is none."""
        if at not in self._large:
            found = list(_members(self._text, at))
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
    at = _blank(text, 0)
    while at < len(text):
        try:
            end = _CHECK(text, at)[1]
        except json.JSONDecodeError as error:
            raise ManifestFault(_place(text, error.pos, above), error.msg) from None
        except RecursionError:
            raise ManifestFault(_place(text, at, above), _TOO_DEEP) from None
        except _Duplicate as error:
            place, first = _twice(text, at, str(error), above)
            name = shortened(str(error), VALUE_SHOWN)
            raise ManifestFault(place, f'duplicate key "{name}", first in line {first}') from None
        yield JsonDocument(text, at, end, above)
        at = _blank(text, end)


class _Duplicate(ValueError):
    """An object has two members of this name."""


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        counts = Counter(name for name, _ in members)
        raise _Duplicate(next(name for name, count in counts.items() if count > 1))
    return found


def _refuse(constant: str) -> None:
    msg = f"{constant} is not a JSON value"
    raise json.JSONDecodeError(msg, "", 0)


_CHECK: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=str, parse_float=str, parse_constant=_refuse
).raw_decode


def _twice(text: str, start: int, name: str, above: int) -> tuple[Place, int]:
    """Return the first member whose object has another one of this name above, and the line of that one."""
    pending = [start]
    while pending:
        seen: dict[str, int] = {}
        for key, where, value, _ in _members(text, pending.pop()):
            if key == name and key in seen:
                return _place(text, where, above), _place(text, seen[key], above).line
            seen[key] = where
            pending.append(value)
    return _place(text, start, above), above + 1


def _members(text: str, at: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield name (or index), place, start and end of the value of each member of the object or list at a place."""
    opening, at = text[at : at + 1], _blank(text, at + 1)
    number = 0
    while opening in ("{", "[") and text[at] not in "}]":
        where, name = at, str(number)
        if opening == "{":
            name, at = scanstring(text, at + 1, True)  # noqa: FBT003  # the C function takes no keywords
            at = _blank(text, _blank(text, at) + 1)
        end = _SKIP(text, at)[1]
        yield name, where, at, end
        at = _blank(text, end)
        at = _blank(text, at + 1) if text[at] == "," else at
        number += 1


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _column(text: str, at: int) -> int:
    return at - text.rfind("\n", 0, at) - 1


def _place(text: str, at: int, above: int) -> Place:
    return Place(above + text.count("\n", 0, at) + 1, _column(text, at) + 1)
