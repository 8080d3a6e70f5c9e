"""Quantity: Kubernetes' exact number with a unit suffix.

An integer of nano-units, never a float. Grammar, rounding, caps and canonical text follow
apimachinery ``pkg/api/resource/quantity.go`` (rules Q-1 to Q-24 of our semantics notes). Not kept: the
spelling of the input (Q-15), since quantities are compared by value and printed canonically.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from tiergate.core.memo import Memo, is_short

Format = Literal["DecimalSI", "BinarySI", "DecimalExponent"]

NANO: Final = 10**9
MILLI_IN_NANO: Final = 10**6
BINARY_CAP: Final = (2**63 - 1) * NANO
"""Q-9: only BinarySI values are capped."""
MAX_EXPONENT: Final = 1000
"""Q-6: beyond it the reference builds integers it does not return from; we refuse instead."""
EXPONENT_ERROR: Final = f"exponents beyond {MAX_EXPONENT} are not supported"
MAX_BITS: Final = 128
"""Of an amount in nano-units whose text is kept; no real one has more."""
MAX_LENGTH: Final = 1000
"""Longer texts cannot be evaluated in bounded time."""

_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_TEXT: Final = {power: suffix for suffix, power in _DECIMAL.items()}
_BINARY_TEXT: Final = ("", *_BINARY)
_BLANKS: Final = " \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""Q-19: white space as Unicode has it, without the control characters: JSON holds those as escapes only,
which the reference does not decode."""
_SCANNER: Final = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_EXPONENT: Final = re.compile(r"[eE]([+-]?[0-9]+)")


class QuantityError(ValueError):
    """A text that is not a quantity; the message says why, in the words of the API server (Q-5)."""


FORMAT_ERROR: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
NUMERIC_ERROR: Final = "unable to parse numeric part of quantity"
SUFFIX_ERROR: Final = "unable to parse quantity's suffix"


class Quantity(msgspec.Struct, frozen=True, eq=False):
    """An exact amount in nano-units, with the format its text is printed in.

    Two quantities are equal when their amounts are, in whatever format (Q-22).
    """

    nano: int
    format: Format = "DecimalSI"

    @staticmethod
    def parse(text: str) -> Quantity:
        """Return the quantity a text means; raise QuantityError for any other text."""
        return _KNOWN[text]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.nano == other.nano

    def __ne__(self, other: object) -> bool:
        return not self == other  # msgspec's base brings a `!=` of its own, which compares identity

    def __hash__(self) -> int:
        return hash(self.nano)

    def __lt__(self, other: Quantity) -> bool:
        return self.nano < other.nano

    def __le__(self, other: Quantity) -> bool:
        return self.nano <= other.nano

    def __gt__(self, other: Quantity) -> bool:
        return self.nano > other.nano

    def __ge__(self, other: Quantity) -> bool:
        return self.nano >= other.nano

    def __bool__(self) -> bool:
        return self.nano != 0

    def __add__(self, other: Quantity) -> Quantity:
        """Add exactly; the left operand's format stays unless it is zero (Q-23, Q-24)."""
        return Quantity(self.nano + other.nano, self.format if self.nano else other.format)

    def __sub__(self, other: Quantity) -> Quantity:
        """Subtract exactly; the format is chosen as for a sum."""
        return Quantity(self.nano - other.nano, self.format if self.nano else other.format)

    def __str__(self) -> str:
        """Return the canonical text (Q-12 to Q-14)."""
        return _TEXTS[self.nano, self.format]

    def rounded_up(self, unit: int) -> Quantity:
        """Return the amount rounded away from zero to a multiple of ``unit`` nano-units.

        ``MILLI_IN_NANO`` is what API defaulting does to every typed ResourceList (D-1), ``NANO`` gives
        whole units (Q-21, without its 64-bit wrap).
        """
        rounded = _divide_up(self.nano, unit) * unit
        return self if rounded == self.nano else Quantity(rounded, self.format)


ZERO: Final = Quantity(0)


def _divide_up(number: int, divisor: int) -> int:
    """Divide rounding away from zero; the divisor is positive."""
    return -(-number // divisor) if number >= 0 else number // divisor


def _parse(text: str) -> Quantity:
    if len(text) > MAX_LENGTH:
        msg = f"quantities longer than {MAX_LENGTH} characters are not supported"
        raise QuantityError(msg)
    trimmed = text.strip(_BLANKS)
    match = _SCANNER.fullmatch(trimmed)
    if match is None or not trimmed:
        raise QuantityError(FORMAT_ERROR)
    sign, integer, fraction, suffix = match[1], match[2], match[3] or "", match[4]
    two, ten, unit_format = _unit(suffix)
    digits = integer + fraction
    if not digits and not _zero_is_meant(two=two, ten=ten):
        raise QuantityError(NUMERIC_ERROR)
    mantissa = int(digits or "0") * (1 << two) * NANO
    power = ten - len(fraction)
    nano = mantissa * 10**power if power >= 0 else _divide_up(mantissa, 10**-power)
    if unit_format == "BinarySI":
        nano = min(nano, BINARY_CAP)
        if 0 < nano < NANO:
            unit_format = "DecimalSI"
    return Quantity(-nano if sign == "-" else nano, unit_format)


_KNOWN: Final = Memo(_parse, is_short)


def _unit(suffix: str) -> tuple[int, int, Format]:
    """Return (power of two, power of ten, format) of a suffix (Q-2)."""
    if (ten := _DECIMAL.get(suffix)) is not None:
        return 0, ten, "DecimalSI"
    if (two := _BINARY.get(suffix)) is not None:
        return two, 0, "BinarySI"
    match = _EXPONENT.fullmatch(suffix)
    if match is None or not -(2**63) <= (exponent := int(match[1])) < 2**63:
        raise QuantityError(SUFFIX_ERROR)
    exponent = (exponent + 2**31) % 2**32 - 2**31  # the reference truncates to 32 bits
    if abs(exponent) > MAX_EXPONENT:
        raise QuantityError(EXPONENT_ERROR)
    return 0, exponent, "DecimalExponent"


def _zero_is_meant(*, two: int, ten: int) -> bool:
    """Say whether a suffix without any digit counts as zero (Q-4): only where the pair form applies."""
    if two:
        return 15 - 1 - two * 3 // 10 - 1 >= 0
    return ten >= -9


def _canonical(amount: tuple[int, Format]) -> str:
    nano, unit_format = amount
    if nano == 0:
        return "0"
    if unit_format == "BinarySI" and nano % NANO == 0 and abs(nano) >= 1024 * NANO:
        return _binary_text(nano // NANO)
    return _decimal_text(nano, exponent=unit_format == "DecimalExponent")


def _is_small(amount: tuple[int, Format]) -> bool:
    """Say whether the text may be kept: an amount may have thousands of digits."""
    return amount[0].bit_length() <= MAX_BITS


_TEXTS: Final = Memo(_canonical, _is_small)


def _binary_text(value: int) -> str:
    step = 0
    while value % 1024 == 0 and step < len(_BINARY):
        value //= 1024
        step += 1
    return f"{value}{_BINARY_TEXT[step]}"


def _decimal_text(nano: int, *, exponent: bool) -> str:
    mantissa, power = nano, -9
    # The reference loses the unit of decimal values from 1000E on; we keep printing in E.
    while mantissa % 1000 == 0 and (exponent or power < 18):
        mantissa //= 1000
        power += 3
    if exponent:
        return f"{mantissa}e{power}" if power else str(mantissa)
    return f"{mantissa}{_DECIMAL_TEXT[power]}"
