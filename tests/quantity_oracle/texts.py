"""Texts worth comparing: a table of every rule's examples, and random ones that press on the same edges."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from random import Random
from typing import Final

from tiergate.core.quantity import MAX_EXPONENT

DECIMAL: Final = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
BINARY: Final = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def _words(text: str) -> list[str]:
    return text.split()


_GRAMMAR = _words(
    "- + . m Ki Ti E e3 e-9 Pi Ei -Ei .Pi e-10 1. .5 -.5 0. +1 01 00.10 -0 +0 000 0Gi 0m abc 1,5 1_000 0x10 1/2 NaN "
    "inf 1.2.3 1g 1t 1Z 1Mib 1MB 1B 1e1.5 1e3Ki 1e-3m 1K 1ki 1mi 1e 1.5e 0e 1ee3 1i 1m3 1Ki3 1n1 1- 1+ --1 +-1 "
    "1e99999999999999999999 1e4294967297 1e9223372036854775807 1e-9223372036854775808 1e9223372036854775808 "
    "1e000000000000000000000001 -+1 +.5 +-Ki 1Kim 1Eim 1E+ 1E- 1e+ E+3 E-3 .e3 ..5 5..  -. +. .Ki .Ti n u k M G T P "
    "Mi Gi"
)
_PRECISION = _words(
    "0.1n 1.5n 0.0000000001 1.0000000001 -0.1n 0.0000000000n 8Ei 16Ei -9Ei 7Ei 7.9999999999999999999Ei 8.0Ei -8Ei "
    "9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 10E 1e19 100000000000000000000 "
    "18446744073709551616 999999999999999999 1000000000000000000 99999999999999999999E 999E 1000E 1001E 1000000E 1e21 "
    "0.0001Ki 0.001Ki 0.9Ki 0.00001Ei 1e-1000 1e1000 9e999 1e-999 0e1000 123456789.123456789 123456789.1234567890 "
    "8191Pi 8192Pi 9Pi 1024Pi 9007199254740992Ki 9007199254740991Ki 1E 1.5E 9.3E 1.5Ei 0.5Ei 7.99Ei 1n -1n 1u -1u"
)
_CANONICAL = _words(
    "0.5 1024Mi 0.1Mi 100000000n 0.1 0.250 1.0 2.0 1.10 1500m 2000m 0.1m 0.5m 1.5u 1000000n 1000 1500 1024 10000 "
    "1000000 1500000 1000k 1000G 1000Gi 1024Ki 1048576Ki 2048Mi 1536Mi 1023Mi 1.25Gi 0.5Gi 0.5Ki 1.5Ki 2.5Ki 3.14159Gi "
    "0.1Ki 1.0001Ki 1e2 15e2 1.5e3 1000e3 0.5e0 1e-10 1000m 1e3 1.5Gi 1.1Gi 1000Ki 1023Ki 1025Ki 1Ki -1Ki -1024 "
    "1024 -1023"
)
_RETAINED = _words(
    "1.500 1.5e1 1E3 1e+3 1e0 1.Ki 0.500 8Ki 9Ki 16Mi 1000Mi 512Mi 0.999 1.000 010 0100 00 1.0000 +1Gi 01Gi"
)
_ODD = (
    "",
    " ",
    "1 Gi",
    " 100Mi ",
    "  1",
    "1\n",
    "\t1",
    "1\0",
    'a"b',
    "1\\",
    "\u00a01\u00a0",
    "\u00851",
    "1\u3000",
    "\u2028" + "1",
    "1\u200a",
    "1\u200b",  # zero width: no space
    "\ufeff1",
    "\N{MINUS SIGN}1",
    "\N{ARABIC-INDIC DIGIT ONE}",
    "\N{FULLWIDTH DIGIT ONE}",
    "1\N{KELVIN SIGN}i",
    "é",
    "true",
    "null",
    "[]",
)
TABLE: Final = tuple(dict.fromkeys((*_GRAMMAR, *_PRECISION, *_CANONICAL, *_RETAINED, *_ODD)))
"""Every example of rules Q-1 to Q-24, once."""

TOKENS: Final = ("null", "true", "false", "[]", "{}", "1", "0.5", "1e3", "1E-3", "-0", "-1.50", "100000000000000000000")
"""JSON tokens that are no strings (Q-16 to Q-18)."""

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_CHARACTERS: Final = "+-..0011223456789eEEinumkKMGTPi "
_EDGES: Final = (2**63, 2**53, 10**18, 10**15, 10**9, 1000, 1024, 8, 2**60, 2**50, 9223372036854775)


def tokens(rng: Random, count: int) -> Iterator[str]:
    """Yield JSON tokens of quantities: mostly strings, some numbers as JSON allows them."""
    for _ in range(count):
        text = random_text(rng)
        bare = rng.random() < 0.1 and _NUMBER.fullmatch(text)
        yield text if bare else quoted(text)


def quoted(text: str) -> str:
    """Return the JSON string of a text, with no escapes but those JSON demands."""
    return json.dumps(text, ensure_ascii=False)


def random_text(rng: Random) -> str:
    """Return one text; what it would be in the Go library is finished in bounded time."""
    kind = rng.choices((_shaped, _edge, _noise, _altered), weights=(10, 5, 3, 3))[0]
    text = kind(rng)
    return text if _bounded(text) else _edge(rng)


def _bounded(text: str) -> bool:
    """Say whether the exponent, as the library truncates it, is one that it can evaluate quickly (Q-6)."""
    match = re.search(r"[eE]([+-]?[0-9]+)\Z", text.strip())
    exponent = (int(match[1]) + 2**31) % 2**32 - 2**31 if match else 0
    return abs(exponent) <= MAX_EXPONENT


def _shaped(rng: Random) -> str:
    sign = rng.choice(("", "", "", "-", "+"))
    zeros = "0" * rng.choice((0, 0, 0, 1, 3))
    whole = _digits(rng, rng.choice((0, 1, 1, 2, 3, 4, 8, 15, 17, 18, 19, 25)))
    fraction = "." + _digits(rng, rng.choice((0, 1, 2, 3, 6, 9, 10, 12, 18, 22))) if rng.random() < 0.5 else ""
    return f"{sign}{zeros}{whole}{fraction}{_suffix(rng)}"


def _digits(rng: Random, count: int) -> str:
    digits = "".join(rng.choices("0123456789", k=count))
    keep = rng.randrange(count + 1) if rng.random() < 0.3 else count
    return digits[:keep] + rng.choice("09") * (count - keep)


def _suffix(rng: Random) -> str:
    match rng.randrange(8):
        case 0 | 1 | 2:
            return rng.choice(DECIMAL)
        case 3 | 4 | 5:
            return rng.choice(BINARY)
        case 6:
            return (
                rng.choice("eE")
                + rng.choice(("", "+", "-"))
                + str(rng.choice((rng.randrange(31), rng.randrange(1001))))
            )
        case _:
            return "".join(rng.choices("eEinumkKMGTP+-0123456789", k=rng.randrange(4)))


def _edge(rng: Random) -> str:
    """Return a number at, just under or just over a power that some form or cap turns on."""
    number = rng.choice(_EDGES) * rng.choice((1, 1, 1, 2, 3, 7, 1000, 1024)) + rng.choice((-1, 0, 0, 1))
    point = rng.choice(("", "", "", ".", ".0", ".000000001", ".0000000001", ".5", ".999999999999"))
    return f"{rng.choice(('', '', '-'))}{number}{point}{rng.choice((*DECIMAL, *BINARY, 'e0', 'e-9', 'e3', 'E1'))}"


def _noise(rng: Random) -> str:
    return "".join(rng.choices(_CHARACTERS, k=rng.randrange(12)))


def _altered(rng: Random) -> str:
    text = rng.choice(TABLE)
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(("", rng.choice(_CHARACTERS))) + text[at + rng.randrange(2) :]
