"""Values as YAML text that Kubernetes' own reader takes for what they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from tiergate.manifests.scalars import TEXT, plain
from tiergate.wire.tree import Number

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*")
"""Texts without a character that means something in YAML."""
_ASTRAL: Final = 0x10000
"""From here on a character has eight digits in YAML, where JSON has a pair of surrogates."""


def read(raw: bytes | str) -> Any:  # noqa: ANN401  # any value of JSON
    """Return the value of JSON whose numbers stay as they are written."""
    return json.loads(raw, parse_int=Number, parse_float=Number)


def scalar(value: Any) -> str:  # noqa: ANN401  # any scalar of JSON
    """Return a scalar; a text that YAML would take for something else is quoted."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) is not None and plain[value] is TEXT
        return value if is_plain else f'"{"".join(map(_character, value))}"'
    return json.dumps(value)


def _character(char: str) -> str:
    """Return a character as a double-quoted scalar has it."""
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < _ASTRAL else f"\\U{ord(char):08x}"


def flow(value: Any) -> str:  # noqa: ANN401  # any value of JSON
    """Return a value in one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{scalar(name)}: {flow(one)}' for name, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value)


def block(value: Any, indent: int = 0) -> Iterator[str]:  # noqa: ANN401  # any value of JSON
    """Yield the lines of a value, each member of an object on its own."""
    blank = " " * indent
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from _entry(f"{blank}{scalar(name)}:", one, indent + (0 if isinstance(one, list) else 2))
    elif isinstance(value, list) and value:
        for one in value:
            first, *rest = block(one, indent + 2)
            yield f"{blank}- {first.lstrip(' ')}"
            yield from rest
    else:
        yield f"{blank}{flow(value)}"


def _entry(start: str, value: Any, indent: int) -> Iterator[str]:  # noqa: ANN401  # any value of JSON
    if isinstance(value, dict | list) and value:
        yield start
        yield from block(value, indent)
    else:
        yield f"{start} {flow(value)}"
