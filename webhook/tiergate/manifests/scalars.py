"""Plain YAML scalars as Kubernetes' own reader resolves them (Q-20a).

Source: go.yaml.in/yaml/v2 ``resolve.go`` and ``decode.go``, sigs.k8s.io/yaml ``yaml.go``, and ``encoding/json`` for the
text of a floating point number: YAML 1.1 words, octal numbers and underscores, but no numbers of base 60 and no times.
"""

from __future__ import annotations

import binascii
import re
from typing import Final, TypeAlias

import msgspec

from tiergate.core.memo import Memo, is_short
from tiergate.core.text import VALUE_SHOWN, shortened


class Mark:
    """A value of its own kind."""

    __slots__ = ()


TEXT: Final = Mark()
"""The scalar is a text, as it stands."""
MERGE: Final = Mark()
"""The key ``<<``."""
NOT_A_NUMBER: Final = Mark()
"""``.nan`` or ``.inf``, which JSON has not."""

Resolved: TypeAlias = "Mark | bool | int | msgspec.Raw | None"
"""What a plain scalar is; a floating point number is the text that JSON gives it."""

_WORDS: Final[dict[str, Resolved]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), NOT_A_NUMBER),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), NOT_A_NUMBER),
    "<<": MERGE,
}
_INTEGER: Final = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_BASES: Final = (16, 2, 8, 10)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_FRACTION: Final = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?")
_MOST_DIGITS: Final = 400
"""Characters of a number: a longer one is beyond what 64 bits hold, as an integer or not."""
_HIGHEST: Final = 2**63 - 1
_HIGHEST_UNSIGNED: Final = 2**64 - 1
_LONG_TAG: Final = "tag:yaml.org,2002:"
_FIXED: Final = 1e21
"""From here on, and below the reciprocal of _SMALL, Go's JSON has an exponent."""
_SMALL: Final = 1e-6


class BadScalar(ValueError):
    """A scalar that has no value in JSON, or not the one that its tag says."""


def _resolve(text: str) -> Resolved:
    word = _WORDS.get(text, TEXT)
    if word is not TEXT:
        return word
    if text[0] not in "+-.0123456789" or len(text) > _MOST_DIGITS:
        return TEXT
    if text[0] == ".":
        return _float(text) if _FRACTION.fullmatch(text) else TEXT
    digits = text.replace("_", "")
    if (found := _INTEGER.fullmatch(digits)) and (number := _integer(found)) is not None:
        return number
    return _float(digits) if _FLOAT.fullmatch(digits) else TEXT


def _integer(found: re.Match[str]) -> int | None:
    """Return the number; None where it does not fit 64 bits."""
    sign, *digits = found.groups()
    number = next(int(text, base) for text, base in zip(digits, _BASES, strict=True) if text)
    if sign == "-":
        return -number if number <= _HIGHEST + 1 else None
    return number if number <= (_HIGHEST if sign else _HIGHEST_UNSIGNED) else None


def _float(text: str) -> Resolved:
    number = float(text)
    return TEXT if number in (float("inf"), float("-inf")) else msgspec.Raw(json_of_float(number).encode())


def json_of_float(number: float) -> str:
    """Return the text that Go's ``encoding/json`` gives a number: the shortest digits, an exponent only at the ends."""
    sign, text = ("-", repr(number)[1:]) if repr(number)[0] == "-" else ("", repr(number))
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    if number and not _SMALL <= abs(number) < _FIXED:
        power = int(exponent)
        return f"{sign}{mantissa.removesuffix('.0')}e{'-' if power < 0 else '+'}{abs(power)}"
    power = int(exponent or "0")
    if power >= 0:
        whole, fraction = whole + fraction[:power].ljust(power, "0"), fraction[power:]
    else:
        whole, fraction = "0", whole.rjust(-power, "0") + fraction
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


plain: Final = Memo(_resolve, is_short)
"""What a plain scalar without a tag is."""


def tagged(tag: str, text: str) -> str | Resolved:
    """Return a scalar with a tag of its own, plain or not; raise BadScalar."""
    name = tag.removeprefix(_LONG_TAG) if tag.startswith(_LONG_TAG) else ""
    if name == "binary":
        return _decoded(text)
    if name not in ("bool", "int", "float", "null"):
        return text  # also the tag of an application: Kubernetes' reader passes over it
    value = plain[text]
    if name == "float" and isinstance(value, int) and not isinstance(value, bool):
        return msgspec.Raw(json_of_float(float(value)).encode())
    if _kind(value) == name:
        return value
    msg = f'"{shortened(text, VALUE_SHOWN)}" is not a !!{name}'
    raise BadScalar(msg)


def _decoded(text: str) -> str:
    try:
        return binascii.a2b_base64("".join(text.splitlines()), strict_mode=True).decode()
    except ValueError as error:
        msg = "!!binary that is not text in base64"
        raise BadScalar(msg) from error


def _kind(value: Resolved) -> str:
    if isinstance(value, Mark):
        return "float" if value is NOT_A_NUMBER else "str"
    if value is None:
        return "null"
    return "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "float"
