"""The steps of reading, printing, comparing and adding quantities."""

# ruff: noqa: E501  # source text as it stands

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import steps

STEPS: Final = steps(
    "tiergate.core.quantity",
    ("Q-1", "anything may follow the number", "match = _SCANNER.fullmatch(trimmed)", "match = _SCANNER.match(trimmed)"),
    ("Q-1", "the sign is lost", 'Quantity(-nano if sign == "-" else nano, unit_format)', "Quantity(nano, unit_format)"),
    ("Q-2", "an exponent means nothing", 'return 0, exponent, "DecimalExponent"', 'return 0, 0, "DecimalExponent"'),
    ("Q-2", "there is no Ki", '{"Ki": 10, "Mi": 20,', '{"Mi": 20,'),
    ("Q-2", "a lone e is an exponent", 'r"[eE]([+-]?[0-9]+)"', 'r"[eE]([+-]?[0-9]*)"'),
    ("Q-3", "the empty text is zero", "    if match is None or not trimmed:\n", "    if match is None:\n"),
    (
        "Q-4",
        "a suffix alone is always zero",
        "    if not digits and not _zero_is_meant(two=two, ten=ten):\n",
        "    if False:\n",
    ),
    (
        "Q-4",
        "a suffix alone is never zero",
        "    if not digits and not _zero_is_meant(two=two, ten=ten):\n",
        "    if not digits:\n",
    ),
    (
        "Q-4 Q-7",
        "binary suffixes alone are all zero",
        "        return 15 - 1 - two * 3 // 10 - 1 >= 0\n",
        "        return True\n",
    ),
    ("Q-4 Q-7", "exponents alone are all zero", "    return ten >= -9\n", "    return True\n"),
    ("Q-5", "format errors have other words", "raise QuantityError(FORMAT_ERROR)", "raise QuantityError(SUFFIX_ERROR)"),
    (
        "Q-5",
        "numeric errors have other words",
        "raise QuantityError(NUMERIC_ERROR)",
        "raise QuantityError(SUFFIX_ERROR)",
    ),
    ("Q-5", "suffix errors have other words", "raise QuantityError(SUFFIX_ERROR)", "raise QuantityError(FORMAT_ERROR)"),
    (
        "Q-6",
        "exponents are not truncated to 32 bits",
        "    exponent = (exponent + 2**31) % 2**32 - 2**31  # Q-6: the reference truncates to 32 bits\n",
        "",
    ),
    (
        "Q-6",
        "exponents have no bound",
        "    if abs(exponent) > MAX_EXPONENT:\n",
        "    if abs(exponent) > 10 * MAX_EXPONENT:\n",
    ),
    ("Q-6", "texts have no bound", "    if len(text) > MAX_LENGTH:\n", "    if False:\n"),
    ("Q-8", "what is below a nano is cut off", "else _divide_up(mantissa, 10**-power)", "else mantissa // 10**-power"),
    ("Q-9", "binary amounts have no cap", "        nano = min(nano, BINARY_CAP)\n", ""),
    (
        "Q-9",
        "every amount has a cap",
        '    if unit_format == "BinarySI":\n        nano = min(nano, BINARY_CAP)\n',
        '    nano = min(nano, BINARY_CAP)\n    if unit_format == "BinarySI":\n',
    ),
    ("Q-10", "binary amounts under 1 stay binary", "        if 0 < nano < NANO:  # Q-10\n", "        if False:\n"),
    (
        "D-1 Q-11 Q-21",
        "rounding goes towards zero",
        "    return -(-number // divisor) if number >= 0 else number // divisor\n",
        "    return number // divisor if number >= 0 else -(-number // divisor)\n",
    ),
    (
        "D-1 Q-11",
        "nothing is rounded",
        "        return self if rounded == self.nano else Quantity(rounded, self.format)\n",
        "        return self\n",
    ),
    (
        "Q-12",
        "zero has a suffix",
        '    if nano == 0:\n        return "0"\n',
        '    if nano == 0:\n        return "0m"\n',
    ),
    (
        "Q-13",
        "decimal suffixes are not raised",
        "    while mantissa % 1000 == 0 and (exponent or power < 18):\n",
        "    while mantissa % 1000 == 0 and power < 0:\n",
    ),
    (
        "Q-13",
        "exponents are printed as suffixes",
        '    if exponent:\n        return f"{mantissa}e{power}"',
        '    if False:\n        return f"{mantissa}e{power}"',
    ),
    ("Q-13", "the exponent 0 is printed", " if power else str(mantissa)\n", "\n"),
    ("Q-13", "there is a suffix beyond E", "(exponent or power < 18)", "(exponent or power < 21)"),
    (
        "Q-14",
        "binary amounts are printed as decimal",
        '    if unit_format == "BinarySI" and nano % NANO == 0 and abs(nano) >= 1024 * NANO:\n',
        "    if False:\n",
    ),
    ("Q-14", "small binary amounts are printed as binary", " and abs(nano) >= 1024 * NANO:", ":"),
    (
        "Q-14",
        "binary suffixes are not raised",
        "    while value % 1024 == 0 and step < len(_BINARY):\n",
        "    while False:\n",
    ),
    ("Q-19", "blanks are not trimmed", "trimmed = text.strip(_BLANKS)", "trimmed = text"),
    (
        "Q-22",
        "equality is of texts",
        "return isinstance(other, Quantity) and self.nano == other.nano",
        "return isinstance(other, Quantity) and str(self) == str(other)",
    ),
    (
        "Q-22",
        "less is less or equal",
        "        return self.nano < other.nano\n",
        "        return self.nano <= other.nano\n",
    ),
    (
        "Q-23",
        "sums are not exact",
        "Quantity(self.nano + other.nano, ",
        "Quantity(self.nano + other.nano // 1000 * 1000, ",
    ),
    ("Q-23", "differences are sums", "Quantity(self.nano - other.nano, ", "Quantity(self.nano + other.nano, "),
    (
        "Q-24",
        "a sum has the right operand's format",
        '        """Add exactly; the left operand\'s format stays unless it is zero (Q-23, Q-24)."""\n        return Quantity(self.nano + other.nano, self.format if self.nano else other.format)',
        "        return Quantity(self.nano + other.nano, other.format)",
    ),
    (
        "Q-24",
        "a sum has a zero's format",
        '        """Add exactly; the left operand\'s format stays unless it is zero (Q-23, Q-24)."""\n        return Quantity(self.nano + other.nano, self.format if self.nano else other.format)',
        "        return Quantity(self.nano + other.nano, self.format)",
    ),
)
