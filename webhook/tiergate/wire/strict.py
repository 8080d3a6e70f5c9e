"""The slow decoder: finds the exact JSON pointer of what the fast one choked on.

It accepts the same documents as the fast decoder and reads them the way Kubernetes does where the fast one
is narrower: ``null`` is the zero value, a number is a quantity by its text (Q-16 to Q-18). It never
recurses, so nesting costs memory and nothing else.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterator
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stub leaves the C scanner out
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec

from tiergate.core.jsonpatch import escape
from tiergate.core.quantity import Quantity
from tiergate.wire.malformed import VALUE_SHOWN, Malformed, NotJson, raise_all, shortened
from tiergate.wire.types import Quantities

MAX_DEPTH: Final = 1000
"""As deep as the fast decoder can go; no Kubernetes object comes near."""

MAX_VALUES: Final = 250_000
"""More cannot be explained in about a second; no object that people write comes near."""

Struct = TypeVar("Struct", bound=msgspec.Struct)
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_UNUSABLE: Final = re.compile("[\0\ud800-\udfff]")
_LITERALS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}


class Number(str):
    """A JSON number, kept as its text."""

    __slots__ = ()


class Broken(msgspec.Struct, frozen=True):
    """Stands for a value that was read but cannot be used."""

    reason: str


class BrokenName(str):
    """A member name with characters that are no text, which are replaced."""

    __slots__ = ()


Tree = dict[str, Any] | list[Any] | str | Number | bool | Broken | None


def parse(raw: bytes) -> Tree:
    """Return the document as a tree, unusable values as Broken; raise NotJson if it is no JSON."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        msg = f"not UTF-8 at byte {error.start}"
        raise NotJson(msg) from None
    return _Parser(text).document()


class _Parser:
    """Reads one document with an explicit stack."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.values = 0
        self.stack: list[dict[str, Any] | list[Any]] = []
        self.keys: list[str] = []

    def document(self) -> Tree:
        value = self._value()
        while self.stack:
            value = self._step(value)
        self._space()
        if self.at != len(self.text):
            raise self._not_json("trailing characters")
        return value

    def _step(self, value: Tree) -> Tree:
        """Put a finished value into the innermost container, then read the next value or end it."""
        container = self.stack[-1]
        if value is not _OPENED:
            if isinstance(container, dict):
                container[self.keys[-1]] = value
            else:
                container.append(value)
        self._space()
        end = "}" if isinstance(container, dict) else "]"
        char = self._char()
        if char == end:
            self.at += 1
            self.stack.pop()
            self.keys.pop()
            return cast("Tree", container) if len(self.stack) < MAX_DEPTH else _TOO_DEEP
        if value is not _OPENED:
            if char != ",":
                raise self._not_json(f"expected ',' or '{end}'")
            self.at += 1
        if isinstance(container, dict):
            self._key()
        return self._value()

    def _key(self) -> None:
        self._space()
        if self._char() != '"':
            raise self._not_json("expected a member name")
        name = self._string()
        self.keys[-1] = BrokenName(_UNUSABLE.sub("\N{REPLACEMENT CHARACTER}", name)) if _UNUSABLE.search(name) else name
        self._space()
        if self._char() != ":":
            raise self._not_json("expected ':'")
        self.at += 1

    def _value(self) -> Tree:
        self.values += 1
        if self.values > MAX_VALUES:
            raise self._not_json(f"more than {MAX_VALUES} values")
        self._space()
        char = self._char()
        if char in "{[":
            self.at += 1
            self.stack.append({} if char == "{" else [])
            self.keys.append("")
            return _OPENED
        if char == '"':
            text = self._string()
            return Broken(_NOT_TEXT) if _UNUSABLE.search(text) else text
        for literal, value in _LITERALS.items():
            if self.text.startswith(literal, self.at):
                self.at += len(literal)
                return value
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            raise self._not_json("expected a value")
        self.at = match.end()
        return Number(match[0])

    def _string(self) -> str:
        try:
            value, self.at = scanstring(self.text, self.at + 1, True)  # noqa: FBT003  # the C function takes no keywords
        except ValueError as error:
            raise self._not_json(str(error)) from None
        return str(value)

    def _space(self) -> None:
        self.at = cast("re.Match[str]", _SPACE.match(self.text, self.at)).end()

    def _char(self) -> str:
        if self.at >= len(self.text):
            raise self._not_json("the document ends early")
        return self.text[self.at]

    def _not_json(self, why: str) -> NotJson:
        return NotJson(f"{why} at character {self.at}")


_NOT_TEXT: Final = "NUL and lone surrogates are not text"
_OPENED: Final = Broken("a container that was just opened")
_TOO_DEEP: Final = Broken(f"nested deeper than {MAX_DEPTH} levels")


def build(tree: Tree, into: type[Struct], pointer: str) -> Struct:
    """Return the tree as a wire Struct; raise Malformed with the pointers of all its faults."""
    faults = [*_broken(tree, pointer)]
    value = None if faults else _struct(tree, into, pointer, faults)
    raise_all(faults)
    return cast("Struct", value)


def _broken(tree: Tree, pointer: str) -> Iterator[Malformed]:
    pending: list[tuple[_Path, Tree]] = [((None, pointer), tree)]
    while pending:
        where, value = pending.pop()
        if isinstance(value, Broken):
            yield Malformed(_pointer(where), value.reason)
        elif isinstance(value, dict):
            pending.extend(((where, key), member) for key, member in reversed(value.items()) if _may_break(member))
            for name in value:
                if isinstance(name, BrokenName):
                    yield Malformed(f"{_pointer(where)}/{escape(name)}", f"in the member name, {_NOT_TEXT}")
        elif isinstance(value, list):
            members = zip(reversed(range(len(value))), reversed(value), strict=True)
            pending.extend(((where, index), member) for index, member in members if _may_break(member))


_Path = tuple[Any, str | int]
"""Where a value is: its container's path and the token in it. Text is made of it only for a fault."""


def _may_break(tree: Tree) -> bool:
    return isinstance(tree, dict | list | Broken)


def _pointer(path: _Path) -> str:
    tokens: list[str] = []
    parent: _Path | None = path
    while parent is not None:
        parent, token = parent
        tokens.append(str(token) if parent is None else f"/{escape(str(token))}")
    return "".join(reversed(tokens))


def _struct(tree: Tree, into: type[msgspec.Struct], pointer: str, faults: list[Malformed]) -> msgspec.Struct | None:
    if not isinstance(tree, dict):
        faults.append(Malformed(pointer, f"expected an object, got {_kind(tree)}"))
        return None
    values: dict[str, Any] = {}
    for name, encoded, hint in _fields(into):
        if tree.get(encoded) is not None:  # null is an absent field
            values[name] = _convert(tree[encoded], hint, f"{pointer}/{escape(encoded)}", faults)
    return into(**values)


@lru_cache(maxsize=256)
def _fields(into: type[msgspec.Struct]) -> tuple[tuple[str, str, Any], ...]:
    hints = typing.get_type_hints(into, include_extras=True)
    return tuple((field.name, field.encode_name, hints[field.name]) for field in msgspec.structs.fields(into))


def _convert(tree: Tree, hint: Any, pointer: str, faults: list[Malformed]) -> Any:  # noqa: ANN401  # a generic decoder: hints are values here
    """Return one value as its type says; what cannot be is noted in ``faults`` and comes back as anything."""
    hint = _without_none(hint)
    if hint == Quantities:
        return _quantities(tree, pointer, faults)
    if typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) is list:
        return _list(tree, hint, pointer, faults)
    if typing.get_origin(hint) is dict:
        return _map(tree, hint, pointer, faults)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _struct(tree, hint, pointer, faults)
    try:
        return _LEAVES[hint](tree, pointer)
    except Malformed as error:
        faults.append(error)
        return None


def _list(tree: Tree, hint: Any, pointer: str, faults: list[Malformed]) -> list[Any]:  # noqa: ANN401  # as _convert
    (item,) = typing.get_args(hint)
    if not isinstance(tree, list):
        faults.append(Malformed(pointer, f"expected an array, got {_kind(tree)}"))
        return []
    return [
        _without_none(item)() if one is None else _convert(one, item, f"{pointer}/{index}", faults)
        for index, one in enumerate(tree)
    ]


def _map(tree: Tree, hint: Any, pointer: str, faults: list[Malformed]) -> dict[str, Any]:  # noqa: ANN401  # as _convert
    _, item = typing.get_args(hint)
    if not isinstance(tree, dict):
        faults.append(Malformed(pointer, f"expected an object, got {_kind(tree)}"))
        return {}
    return {
        key: _convert([] if one is None else one, item, f"{pointer}/{escape(key)}", faults) for key, one in tree.items()
    }


def _without_none(hint: Any) -> Any:  # noqa: ANN401  # as _convert
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(one for one in typing.get_args(hint) if one is not types.NoneType)
    return hint


def _quantities(tree: Tree, pointer: str, faults: list[Malformed]) -> dict[str, str]:
    if not isinstance(tree, dict):
        faults.append(Malformed(pointer, f"expected an object, got {_kind(tree)}"))
        return {}
    result: dict[str, str] = {}
    for name, value in tree.items():
        where = f"{pointer}/{escape(name)}"
        try:
            result[_text(name, where)] = _quantity_text(value, where)
        except Malformed as error:
            faults.append(error)
    return result


def _quantity_text(tree: Tree, pointer: str) -> str:
    if tree is None:
        return "0"  # the name is present
    if not isinstance(tree, str):
        raise Malformed(pointer, f"expected a quantity, got {_kind(tree)}")
    try:
        Quantity.parse(tree)
    except ValueError as error:
        raise Malformed(pointer, f'"{shortened(tree, VALUE_SHOWN)}" is no quantity: {error}') from None
    return str(tree)


def _text(tree: Tree, pointer: str) -> str:
    if not isinstance(tree, str) or isinstance(tree, Number):
        raise Malformed(pointer, f"expected a string, got {_kind(tree)}")
    return tree


def _integer(tree: Tree, pointer: str) -> int:
    if isinstance(tree, Number) and re.fullmatch(r"-?[0-9]{1,19}", tree) and -(2**63) <= int(tree) < 2**63:
        return int(tree)
    shown = shortened(tree) if isinstance(tree, Number) else _kind(tree)
    raise Malformed(pointer, f"expected a 64-bit integer, got {shown}")


def _boolean(tree: Tree, pointer: str) -> bool:
    if isinstance(tree, bool):
        return tree
    raise Malformed(pointer, f"expected true or false, got {_kind(tree)}")


def _anything(_tree: Tree, _pointer: str) -> msgspec.Raw:
    """Return a marker for a value whose presence alone matters."""
    return msgspec.Raw(b"{}")


_LEAVES: Final[dict[Any, Callable[[Tree, str], Any]]] = {
    str: _text,
    int: _integer,
    bool: _boolean,
    msgspec.Raw: _anything,
}


def _kind(tree: Tree) -> str:
    names: dict[type, str] = {dict: "an object", list: "an array", Number: "a number", str: "a string"}
    return names.get(type(tree), "null" if tree is None else "a boolean")
