"""Amounts as integers of milli-units, the many legal ways to write one in JSON, and when two scopes are the same."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any, Final

from msgspec import Raw

from tiergate.core.quantity import MILLI_IN_NANO, Quantity

MILLI: Final = 1000
Spelling = str | Raw
"""A JSON string, or a JSON number by its text: ``1.50`` and ``1e3`` must reach the server as they stand."""

ENORMOUS: Final = 2**50 * MILLI
_PLAIN: Final = 0.75
_BINARY: Final = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_DECIMAL: Final = {"k": 10**3, "M": 10**6, "G": 10**9, "E": 10**18}


def canonical(milli: int) -> str:
    """Return the plainest text of an amount."""
    whole, rest = divmod(milli, MILLI)
    if rest:
        return f"{milli}m"
    for suffix, unit in reversed(_BINARY.items()):
        if whole and whole % unit == 0:
            return f"{whole // unit}{suffix}"
    return str(whole)


def spelled(random: Random, milli: int) -> Spelling:
    """Return the amount, mostly plain, now and then in an odd but legal spelling.

    Enormous amounts are written as the API server prints them: its 64-bit arithmetic depends on the spelling (Q-21).
    """
    if milli >= ENORMOUS:
        return str(Quantity(milli * MILLI_IN_NANO))
    return canonical(milli) if random.random() < _PLAIN else random.choice(spellings(milli))


def fractional(milli: int) -> str:
    """Return the amount as a fraction of Gi, which the server holds as a decimal (Q-7)."""
    exact = Fraction(milli, MILLI << 30)
    digits = (exact.denominator - 1).bit_length()  # of a power of two
    scaled = exact * 10**digits
    if digits > 30 or scaled.denominator != 1:
        return canonical(milli)
    whole, rest = divmod(scaled.numerator, 10**digits)
    return f"{whole}.{rest:0{digits}d}Gi" if digits else f"{whole}.0Gi"


def spellings(milli: int) -> list[Spelling]:
    """Return every spelling we know of an amount of zero or more; all mean the same to Kubernetes (Q-1 to Q-19)."""
    whole, rest = divmod(milli, MILLI)
    decimal = f"{whole}.{rest:03d}"
    found: list[Spelling] = [f"{milli}m", f"{milli * 1000}u", f"{milli * 10**6}n", f"+{milli}m", f"00{milli}m"]
    found += [f" {milli}m ", decimal, decimal.rstrip("0"), f"{milli}e-3", f"{milli}E-3"]
    found += [_number(decimal), _number(f"{milli}e-3")]
    if rest:
        return found
    found += [f"{whole}", f"{whole}.", f"{whole}e0", f"0{whole}"]
    found += [_number(f"{whole}"), _number(f"{whole}.0"), _number(f"{whole}E0")]
    found += [f"{whole // unit}{suffix}" for suffix, unit in (_BINARY | _DECIMAL).items() if whole % unit == 0]
    found += [f"{whole // unit}.50{suffix}" for suffix, unit in _BINARY.items() if 2 * whole % (2 * unit) == unit]
    if whole % 1000 == 0:
        found += [f"{whole // 1000}e3", _number(f"{whole // 1000}E+3")]
    if milli == 0:
        found += ["0Gi", "0m", "-0", "Ki", "."]
    return found


def _number(text: str) -> Raw:
    return Raw(text.encode())


def scope_key(scopes: dict[str, Any]) -> str:
    """Return the same for two spellings of one set of scopes."""
    selector = scopes.get("scopeSelector", {}).get("matchExpressions", [])
    expressions = {(one["scopeName"], one["operator"], *sorted(one.get("values", ()))) for one in selector}
    return f"{sorted(set(scopes.get('scopes', ())))} {sorted(expressions)}"
