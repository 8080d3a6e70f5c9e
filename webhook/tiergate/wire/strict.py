"""The strict decoder: builds wire shapes from a tree, and finds the exact JSON pointer of everything that cannot be.

It accepts the same documents as the fast decoder and reads them the way Kubernetes does where the fast one
is narrower: ``null`` is the zero value, a number is a quantity by its text (Q-16 to Q-18).

A tree (``tiergate.wire.tree.Tree``) may come from JSON or from anything else; what no tree can hold is a fault like any
other. A caller that knows where each node stands in a file keeps the places by JSON pointer and looks up the pointer of
a fault.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import islice
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec

from tiergate.core.decision import Fault
from tiergate.core.jsonpatch import escape
from tiergate.core.quantity import Quantity
from tiergate.core.text import VALUE_SHOWN, shortened
from tiergate.wire.malformed import raise_all
from tiergate.wire.tree import MAX_DEPTH, MAX_VALUES, Number, Tree
from tiergate.wire.types import (
    MAX_NAME,
    MAX_NAMES,
    MAX_TEXT,
    IntOrString,
    Name,
    Quantities,
    Text,
    Validated,
    too_many_names,
)

MAX_FAULTS: Final = 100
"""Of one document. Nobody reads more, and each costs time."""

MAX_POINTER: Final = 2048
"""Characters of a pointer; a longer one ends in dots. The names in a Kubernetes object need a fraction of this."""

Struct = TypeVar("Struct", bound=msgspec.Struct)
_Path = tuple[Any, Any]
"""Where a value is: its container's path and the token in it. Text is made of it only for a fault."""
_Convert = Callable[[Tree, _Path, list[Fault]], Any]
"""Returns one value as its type says; what cannot be is noted in the faults and comes back as anything."""

_BYTES: Final = re.compile(r"([0-9]{1,9}(?:[.][0-9]{1,9})?)([KMGTP])i?B?", re.IGNORECASE | re.ASCII)
_UNUSABLE: Final = re.compile("[\0\ud800-\udfff]")
_NOT_TEXT: Final = "NUL and lone surrogates are not text"
_TOO_LONG: Final = f"a name has at most {MAX_NAME} characters"


class _Unfit(ValueError):
    """Why a value is not of its type."""


def build(tree: Tree, into: type[Struct], pointer: str = "") -> Struct:
    """Return the tree as a wire Struct; raise Malformed with the pointers of its faults, which start by ``pointer``."""
    root: _Path = (None, pointer)
    if issubclass(into, Validated):
        tree = _as_read(tree, into)
    faults = [*islice(_unusable(tree, root), MAX_FAULTS)]
    value = None if faults else _struct(into, tree, root, faults)
    raise_all(faults)
    return cast("Struct", value)


def alike(one: Tree, other: Tree, into: type[msgspec.Struct]) -> bool:
    """Say whether two trees are the same in all that a wire type reads of them, whether or not they can be built."""
    return bool(_as_read(one, into) == _as_read(other, into))


def _as_read(tree: Tree, into: Any) -> Tree:  # noqa: ANN401  # as _converter
    """Return what a wire type reads of a tree, without what has its default."""
    into = _without_none(into)
    if isinstance(tree, dict) and isinstance(into, type) and issubclass(into, msgspec.Struct):
        empty = into()
        return {
            encoded: _as_read(tree[encoded], hint)
            for name, encoded, hint in _fields(into)
            if encoded in tree and tree[encoded] != getattr(empty, name)
        }
    if isinstance(tree, list) and typing.get_origin(into) is list:
        (item,) = typing.get_args(into)
        return [_as_read(one, item) for one in tree]
    return tree


def is_text(value: str) -> bool:
    """Say whether a string holds text alone: no NUL and no lone surrogate."""
    return "\0" not in value and (value.isascii() or _UNUSABLE.search(value) is None)


def _unusable(tree: Tree, root: _Path) -> Iterator[Fault]:
    """Yield what makes a tree unusable wherever it is, also where nobody reads."""
    pending: list[tuple[int, _Path, Any]] = [(1, root, tree)]
    values = 1
    while pending:
        depth, where, value = pending.pop()
        if isinstance(value, str):
            if not is_text(value):
                yield Fault(_pointer(where), _NOT_TEXT)
        elif isinstance(value, dict | list):
            values += len(value)
            if depth > MAX_DEPTH:
                yield Fault(_pointer(where), f"nested deeper than {MAX_DEPTH} levels")
            elif values > MAX_VALUES:  # a tree of shared nodes is larger than the document it came from
                yield Fault(_pointer(where), f"more than {MAX_VALUES} values")
                return
            else:
                yield from _unusable_names(value, where)
                pending.extend((depth + 1, (where, token), one) for token, one in _suspects(value))
        elif value is not None and not isinstance(value, bool):
            yield Fault(_pointer(where), f"a {type(value).__name__} is not a JSON value")


def _unusable_names(container: dict[Any, Any] | list[Any], where: _Path) -> Iterator[Fault]:
    for name in container if isinstance(container, dict) else ():
        if not isinstance(name, str):
            yield Fault(_pointer((where, repr(name))), f"the member name is a {type(name).__name__}, no text")
        elif not is_text(name):
            yield Fault(_pointer((where, name)), f"in the member name, {_NOT_TEXT}")


def _suspects(container: dict[str, Any] | list[Any]) -> list[tuple[Any, Tree]]:
    """Return the members that may hold a fault, the last one first."""
    members = container.items() if isinstance(container, dict) else enumerate(container)
    found: list[tuple[Any, Tree]] = [
        (token, one)
        for token, one in members
        if (not is_text(one) if isinstance(one, str) else one is not None and not isinstance(one, bool))
    ]
    found.reverse()
    return found


def _pointer(path: _Path) -> str:
    """Return the path as a JSON pointer that is text."""
    tokens: list[Any] = []
    parent: _Path | None = path
    while parent is not None:
        parent, token = parent
        tokens.append(token)
    texts = [str(tokens.pop())]
    left = MAX_POINTER - len(texts[0])
    while tokens and left >= 0:
        text = str(tokens.pop())[: MAX_POINTER + 1]
        texts.append(escape(text) if "/" in text or "~" in text else text)
        left -= 1 + len(texts[-1])
    pointer = "/".join(texts)
    shown = pointer if len(pointer) <= MAX_POINTER else f"{pointer[:MAX_POINTER]}..."
    return _UNUSABLE.sub("\N{REPLACEMENT CHARACTER}", shown)


def _note(faults: list[Fault], where: _Path, reason: str) -> None:
    if len(faults) < MAX_FAULTS:
        faults.append(Fault(_pointer(where), reason))


def _struct(into: type[msgspec.Struct], tree: Tree, where: _Path, faults: list[Fault]) -> msgspec.Struct | None:
    if not isinstance(tree, dict):
        _note(faults, where, f"expected an object, got {_kind(tree)}")
        return None
    values: dict[str, Any] = {}
    for name, encoded, hint in _fields(into):
        if (member := tree.get(encoded)) is not None:  # null is an absent field
            values[name] = _converter(hint)(member, (where, encoded), faults)
    return into(**values)


@lru_cache(maxsize=256)
def _fields(into: type[msgspec.Struct]) -> tuple[tuple[str, str, Any], ...]:
    hints = typing.get_type_hints(into, include_extras=True)
    return tuple((field.name, field.encode_name, hints[field.name]) for field in msgspec.structs.fields(into))


@lru_cache(maxsize=256)
def _converter(hint: Any) -> _Convert:  # noqa: ANN401  # hints are values here
    hint = _without_none(hint)
    if hint == Quantities:
        return _quantities
    if hint == IntOrString:
        return partial(_leaf, _int_or_string)
    if hint == Name:
        return partial(_leaf, _name)
    if hint == Text:
        return partial(_leaf, _bounded_text)
    if typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) is list:
        (item,) = typing.get_args(hint)
        return partial(_list, _without_none(item), _converter(item))
    if typing.get_origin(hint) is dict:
        _, item = typing.get_args(hint)
        return partial(_map, _converter(item))
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return partial(_struct, hint)
    return partial(_leaf, _LEAVES[hint])


def _without_none(hint: Any) -> Any:  # noqa: ANN401  # as _converter
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(one for one in typing.get_args(hint) if one is not types.NoneType)
    return hint


def _leaf(read: Callable[[Tree], Any], tree: Tree, where: _Path, faults: list[Fault]) -> Any:  # noqa: ANN401  # of any type
    if len(faults) >= MAX_FAULTS:
        return None  # nothing is made of the document any more
    try:
        return read(tree)
    except _Unfit as error:
        _note(faults, where, str(error))
        return None


def _list(empty: Callable[[], Any], item: _Convert, tree: Tree, where: _Path, faults: list[Fault]) -> list[Any]:
    """Return an array; null in it is an ``empty`` element."""
    if not isinstance(tree, list):
        _note(faults, where, f"expected an array, got {_kind(tree)}")
        return []
    return [empty() if one is None else item(one, (where, index), faults) for index, one in enumerate(tree)]


def _map(item: _Convert, tree: Tree, where: _Path, faults: list[Fault]) -> dict[str, Any]:
    """Return an object whose members are arrays; null is an empty one."""
    if not isinstance(tree, dict):
        _note(faults, where, f"expected an object, got {_kind(tree)}")
        return {}
    return {
        name: item([] if one is None else one, (where, name), faults)
        for name, one in tree.items()
        if _is_name(name, where, faults)
    }


def _is_name(name: str, where: _Path, faults: list[Fault]) -> bool:
    """Say whether a member name is short enough; note it where it is not."""
    if len(name) > MAX_NAME:
        _note(faults, (where, name), f"in the member name, {_TOO_LONG}")
    return len(name) <= MAX_NAME


def _quantities(tree: Tree, where: _Path, faults: list[Fault]) -> dict[str, str]:
    if not isinstance(tree, dict):
        _note(faults, where, f"expected an object, got {_kind(tree)}")
        return {}
    if len(tree) > MAX_NAMES:
        _note(faults, where, too_many_names(len(tree)))
        return {}
    return {
        name: _leaf(_quantity_text, one, (where, name), faults)
        for name, one in tree.items()
        if _is_name(name, where, faults)
    }


def _quantity_text(tree: Tree) -> str:
    if tree is None:
        return "0"  # the name is present
    if not isinstance(tree, str):
        msg = f"expected a quantity, got {_kind(tree)}"
        raise _Unfit(msg)
    try:
        Quantity.parse(tree)
    except ValueError as error:
        msg = f'"{shortened(tree, VALUE_SHOWN)}" is not a quantity: {error}{_meant(tree)}'
        raise _Unfit(msg) from None
    return str(tree)


def _meant(text: str) -> str:
    """Return what is likely meant by an amount of bytes that other tools write: 512MB, 512mb, 512K."""
    found = _BYTES.fullmatch(text)
    if found is None:
        return ""
    number, unit = found[1], found[2].upper()
    return f"; did you mean {number}{'k' if unit == 'K' else unit} or {number}{unit}i"


def _text(tree: Tree) -> str:
    if not isinstance(tree, str) or isinstance(tree, Number):
        msg = f"expected a string, got {_kind(tree)}"
        raise _Unfit(msg)
    return tree


def _name(tree: Tree) -> str:
    text = _text(tree)
    if len(text) > MAX_NAME:
        raise _Unfit(_TOO_LONG)
    return text


def _bounded_text(tree: Tree) -> str:
    text = _text(tree)
    if len(text) > MAX_TEXT:
        msg = f"{len(text)} characters, and at most {MAX_TEXT} are judged"
        raise _Unfit(msg)
    return text


def _integer(tree: Tree) -> int:
    if isinstance(tree, Number) and re.fullmatch(r"-?[0-9]{1,19}", tree) and -(2**63) <= int(tree) < 2**63:
        return int(tree)
    msg = f"expected a 64-bit integer, got {shortened(tree) if isinstance(tree, Number) else _kind(tree)}"
    raise _Unfit(msg)


def _int_or_string(tree: Tree) -> int | str:
    return _integer(tree) if isinstance(tree, Number) else _name(tree)


def _boolean(tree: Tree) -> bool:
    if isinstance(tree, bool):
        return tree
    msg = f"expected true or false, got {_kind(tree)}"
    raise _Unfit(msg)


def _raw(tree: Tree) -> msgspec.Raw:
    """Return a value as JSON again, for whoever reads it by itself or asks whether it is there."""
    return msgspec.Raw(msgspec.json.encode(_plain(tree)))


def _plain(tree: Tree) -> Any:  # noqa: ANN401  # any value of JSON
    if isinstance(tree, Number):
        return msgspec.Raw(tree.encode())  # as it was written, however large
    if isinstance(tree, dict):
        return {name: _plain(one) for name, one in tree.items()}
    return [_plain(one) for one in tree] if isinstance(tree, list) else tree


_LEAVES: Final[dict[Any, Callable[[Tree], Any]]] = {
    str: _text,
    int: _integer,
    bool: _boolean,
    msgspec.Raw: _raw,
}


def _kind(tree: Tree) -> str:
    names: dict[type, str] = {dict: "an object", list: "an array", Number: "a number", str: "a string"}
    return names.get(type(tree), "null" if tree is None else "a boolean")
