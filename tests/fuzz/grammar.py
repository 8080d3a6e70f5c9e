"""JSON by the grammar of RFC 8259, for comparison: no code of the webhook, nor of the standard library's `json`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

_ESCAPE: Final = r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})'
_TOKEN: Final = re.compile(
    rf"""[ \t\r\n]*(?:
        (?P<mark>[{{}}\[\],:])
      | "(?P<text>[^"\\\x00-\x1f]*(?:{_ESCAPE}[^"\\\x00-\x1f]*)*)"
      | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<word>true|false|null)
      | (?P<end>\Z)
      | (?P<none>.))""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES: Final = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\.")
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_SHORT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

Token = tuple[str, str]
"""What it is (a group of the pattern; a mark is itself) and its text."""


class NotJson(ValueError):
    """Not in the grammar."""


class Num(str):
    """A number as its text."""

    __slots__ = ()


@lru_cache(maxsize=2)
def read(text: str) -> Any:  # noqa: ANN401  # JSON
    """Return the document, numbers as Num, the last of duplicate members; raise NotJson or RecursionError.

    Every check of an execution reads the same document, and none changes it.
    """
    tokens = _Tokens(text)
    value = tokens.value(tokens.next())
    if tokens.next()[0] != "end":
        raise NotJson("something follows the document")
    return value


class _Tokens:
    """The rest of a document, token by token."""

    def __init__(self, text: str) -> None:
        self._matches = _TOKEN.finditer(text)

    def next(self) -> Token:
        """Return the next token; there is none after the end."""
        match = next(self._matches)
        kind, token = str(match.lastgroup), match[match.lastindex or 0]
        if kind == "none":
            raise NotJson(f"no token at character {match.start()}")
        return (token if kind == "mark" else kind, token)

    def value(self, token: Token) -> Any:  # noqa: ANN401  # JSON
        """Return the value that begins with the token."""
        match token:
            case ("text", text):
                return _unescaped(text)
            case ("number", text):
                return Num(text)
            case ("word", text):
                return _WORDS[text]
            case ("{", _):
                return self._object()
            case ("[", _):
                return self._array()
        raise NotJson(f"no value begins with {token[1]!r}")

    def _object(self) -> dict[str, Any]:
        members: dict[str, Any] = {}
        token = self.next()
        while token[0] != "}":
            if members:
                token = self._after_comma(token)
            if token[0] != "text" or self.next()[0] != ":":
                raise NotJson("a member is a text, a colon and a value")
            name = _unescaped(token[1])
            members[name] = self.value(self.next())
            token = self.next()
        return members

    def _array(self) -> list[Any]:
        items: list[Any] = []
        token = self.next()
        while token[0] != "]":
            if items:
                token = self._after_comma(token)
            items.append(self.value(token))
            token = self.next()
        return items

    def _after_comma(self, token: Token) -> Token:
        if token[0] != ",":
            raise NotJson(f"{token[1]!r} in the place of a comma")
        return self.next()


def _unescaped(text: str) -> str:
    return _ESCAPES.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    """Return what an escape, or a row of escapes by code unit, stands for: two may be a pair of surrogates."""
    escape = match[0]
    if escape[1] != "u":
        return _SHORT.get(escape[1], escape[1])
    units = "".join(chr(int(code, 16)) for code in escape.split("\\u")[1:])
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def equal(tree: object, expected: object, *, number: type[str]) -> bool:
    """Say whether two documents are alike, ``number`` being the type of a number in the first."""
    pending = [(tree, expected)]
    while pending:
        one, other = pending.pop()
        if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
            pending += [(value, other[name]) for name, value in one.items()]
        elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
            pending += zip(one, other, strict=True)
        elif isinstance(one, dict | list) or one != other or type(one) is not _counterpart(other, number):
            return False
    return True


def _counterpart(value: object, number: type[str]) -> type:
    return number if isinstance(value, Num) else type(value)
