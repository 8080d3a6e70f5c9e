"""Which texts are quantities, and which amount they mean: the tables of the grammar (Q-1 to Q-11, Q-16 to Q-19)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tiergate.core.quantity import (
    FORMAT_ERROR,
    MAX_LENGTH,
    MILLI_IN_NANO,
    NANO,
    NUMERIC_ERROR,
    SUFFIX_ERROR,
    Format,
    Quantity,
    QuantityError,
)


def amount(text: str) -> Fraction:
    return Fraction(Quantity.parse(text).nano, NANO)


@pytest.mark.rule("Q-2")
@pytest.mark.parametrize(
    ("suffix", "factor", "remembered"),
    [
        ("", 1, "DecimalSI"),
        ("n", Fraction(1, 10**9), "DecimalSI"),
        ("u", Fraction(1, 10**6), "DecimalSI"),
        ("m", Fraction(1, 10**3), "DecimalSI"),
        ("k", 10**3, "DecimalSI"),
        ("M", 10**6, "DecimalSI"),
        ("G", 10**9, "DecimalSI"),
        ("T", 10**12, "DecimalSI"),
        ("P", 10**15, "DecimalSI"),
        ("E", 10**18, "DecimalSI"),
        ("Ki", 2**10, "BinarySI"),
        ("Mi", 2**20, "BinarySI"),
        ("Gi", 2**30, "BinarySI"),
        ("Ti", 2**40, "BinarySI"),
        ("Pi", 2**50, "BinarySI"),
        ("Ei", 2**60, "BinarySI"),
        ("e3", 10**3, "DecimalExponent"),
        ("E3", 10**3, "DecimalExponent"),
        ("e+3", 10**3, "DecimalExponent"),
        ("E-3", Fraction(1, 10**3), "DecimalExponent"),
        ("e0", 1, "DecimalExponent"),
    ],
    ids=lambda value: f"Q-2-{value}" if isinstance(value, str) else "",
)
def test_a_suffix_scales_the_number_and_names_the_format(
    suffix: str, factor: Fraction | int, remembered: Format
) -> None:
    parsed = Quantity.parse(f"7{suffix}")
    assert (Fraction(parsed.nano, NANO), parsed.format) == (7 * factor, remembered)


@pytest.mark.rule("Q-1", "Q-4", "Q-6", "Q-7", "Q-8", "Q-9", "Q-17", "Q-19")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("-", 0, id="Q-4-sign-alone"),
        pytest.param("+", 0, id="Q-4-plus-alone"),
        pytest.param(".", 0, id="Q-4-point-alone"),
        pytest.param("m", 0, id="Q-4-suffix-alone"),
        pytest.param("Ki", 0, id="Q-4-missing-mantissa-is-zero"),
        pytest.param("Ti", 0, id="Q-4-largest-binary-suffix-alone"),
        pytest.param("E", 0, id="Q-4-lone-E-is-a-suffix"),
        pytest.param("e3", 0, id="Q-4-exponent-alone"),
        pytest.param("e-9", 0, id="Q-4-nano-exponent-alone"),
        pytest.param("1.", 1, id="Q-4-empty-fraction"),
        pytest.param(".5", Fraction(1, 2), id="Q-4-no-integer"),
        pytest.param("-.5", Fraction(-1, 2), id="Q-4-negative-without-integer"),
        pytest.param("0.", 0, id="Q-4-zero-point"),
        pytest.param("+1", 1, id="Q-4-plus"),
        pytest.param("01", 1, id="Q-4-leading-zero"),
        pytest.param("00.10", Fraction(1, 10), id="Q-4-leading-zeros"),
        pytest.param("-0", 0, id="Q-4-minus-zero"),
        pytest.param("+0", 0, id="Q-4-plus-zero"),
        pytest.param("000", 0, id="Q-4-zeros"),
        pytest.param("0Gi", 0, id="Q-4-zero-binary"),
        pytest.param("0m", 0, id="Q-4-zero-milli"),
        pytest.param("1.Ki", 1024, id="Q-7-empty-fraction-before-a-binary-suffix"),
        pytest.param("1e4294967297", 10, id="Q-6-exponent-truncated-to-32-bits"),
        pytest.param("1e1000", 10**1000, id="Q-6-largest-exponent-we-evaluate"),
        pytest.param("0.1n", Fraction(1, NANO), id="Q-8-up-to-a-nano"),
        pytest.param("1.5n", Fraction(2, NANO), id="Q-8-up-to-the-next-nano"),
        pytest.param("0.0000000001", Fraction(1, NANO), id="Q-8-ten-digits"),
        pytest.param("1.0000000001", Fraction(1000000001, NANO), id="Q-8-ten-digits-above-one"),
        pytest.param("-0.1n", Fraction(-1, NANO), id="Q-8-away-from-zero"),
        pytest.param("0.0000000000n", 0, id="Q-8-zero-stays-zero"),
        pytest.param("8Ei", 2**63 - 1, id="Q-9-binary-cap"),
        pytest.param("16Ei", 2**63 - 1, id="Q-9-binary-cap-far"),
        pytest.param("10Ei", 2**63 - 1, id="P2-10Ei-capped"),
        pytest.param("-9Ei", -(2**63 - 1), id="Q-9-negative-binary-cap"),
        pytest.param("7Ei", 7 * 2**60, id="Q-9-below-the-cap"),
        pytest.param("9223372036854775808", 2**63, id="Q-9-decimal-has-no-cap"),
        pytest.param("10E", 10**19, id="Q-9-SI-has-no-cap"),
        pytest.param("1e19", 10**19, id="Q-9-exponent-has-no-cap"),
        pytest.param("100000000000000000000", 10**20, id="Q-9-digits-have-no-cap"),
        pytest.param("100u", Fraction(1, 10**4), id="P2-micro"),
        pytest.param("0.1m", Fraction(1, 10**4), id="P2-tenth-of-a-milli"),
        pytest.param("1E3", 1000, id="P2-E-with-digits-is-an-exponent"),
        pytest.param("0.1", Fraction(1, 10), id="Q-17-no-float-step"),
        pytest.param(" 100Mi ", 100 * 2**20, id="Q-19-blanks-around"),
    ],
)
def test_an_accepted_text_means_exactly_one_amount(text: str, value: Fraction | int) -> None:
    assert amount(text) == value


FORMAT = [
    "", " ", "abc", "1 Gi", "1,5", "1_000", "0x10", "1/2", "NaN", "inf", "1.2.3", "1g", "1t", "1Z", "1Mib", "1MB",
    "1B", "1e1.5", "1e3Ki", "1e-3m", "1Zi", "\N{ARABIC-INDIC DIGIT ONE}", "true", "[]", "{}", "1\n", "\t1", "1\0",
    "\N{MINUS SIGN}1", "1Gi1", "é",
]  # fmt: skip
SUFFIX = [
    "1K", "1ki", "1mi", "1e", "1.5e", "0e", "1ee3", "1i", "1m3", "1Ki3", "1n1", "1-", "1+", "--1", "+-1",
    "1e99999999999999999999", "1Kim", "e", "1e+", "1em", "1eE3", "1Ee",
]  # fmt: skip
NUMERIC = ["Pi", "Ei", "-Ei", ".Pi", "e-10", "+e-10"]


@pytest.mark.rule("Q-1", "Q-3", "Q-4", "Q-5")
@pytest.mark.parametrize(
    ("text", "error"),
    [
        *(pytest.param(text, FORMAT_ERROR, id=f"Q-5-format-{text!r}") for text in FORMAT if text != "1Gi1"),
        *(pytest.param(text, SUFFIX_ERROR, id=f"Q-5-suffix-{text!r}") for text in (*SUFFIX, "1Gi1")),
        *(pytest.param(text, NUMERIC_ERROR, id=f"Q-4-numeric-{text!r}") for text in NUMERIC),
    ],
)
def test_a_refused_text_is_refused_in_the_words_of_the_api_server(text: str, error: str) -> None:
    with pytest.raises(QuantityError) as refused:
        Quantity.parse(text)
    assert str(refused.value) == error


@pytest.mark.rule("Q-6")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1e999999999", id="Q-6-issue"),
        pytest.param("1e2147483648", id="Q-6-wraps-to-a-negative-giant"),
        pytest.param("1e1001", id="Q-6-just-beyond"),
        pytest.param("1e-1001", id="Q-6-just-beyond-below"),
        pytest.param("-1E+2000000000", id="Q-6-signed"),
        pytest.param("0e999999999", id="Q-6-zero-times-a-giant"),
    ],
)
def test_a_giant_exponent_is_refused_without_being_evaluated(text: str) -> None:
    with pytest.raises(QuantityError, match="exponents beyond 1000 are not supported"):
        Quantity.parse(text)


def test_a_text_of_any_length_takes_bounded_time() -> None:
    assert amount("1" * MAX_LENGTH) == int("1" * MAX_LENGTH)
    with pytest.raises(QuantityError, match="longer than"):
        Quantity.parse("1" * (MAX_LENGTH + 1))


@pytest.mark.rule("D-1")
@pytest.mark.parametrize(
    ("text", "rounded"),
    [
        pytest.param("1u", "1m", id="D-1-micro"),
        pytest.param("1500u", "2m", id="D-1-up"),
        pytest.param("0.9999", "1", id="D-1-carry"),
        pytest.param("1.0001Ki", "1024103m", id="D-1-binary"),
        pytest.param("100000000n", "100m", id="D-1-exact"),
        pytest.param("1e-9", "1e-3", id="D-1-keeps-the-exponent-format"),
        pytest.param("3.14159Gi", "3373256576861m", id="D-1-large-binary"),
        pytest.param("0.1Mi", "104857600m", id="D-1-unchanged"),
        pytest.param("-1u", "-1m", id="D-1-away-from-zero"),
        pytest.param("0", "0", id="D-1-zero"),
    ],
)
def test_api_defaulting_rounds_up_to_milli(text: str, rounded: str) -> None:
    assert str(Quantity.parse(text).rounded_up(MILLI_IN_NANO)) == rounded


@pytest.mark.rule("Q-21")
@pytest.mark.parametrize(
    ("text", "whole"),
    [
        pytest.param("1500m", 2, id="Q-21-1500m"),
        pytest.param("1n", 1, id="Q-21-1n"),
        pytest.param("0.1Mi", 104858, id="Q-21-binary"),
        pytest.param("1.1Gi", 1181116007, id="Q-21-1.1Gi"),
        pytest.param("-1500m", -2, id="Q-21-negative"),
        pytest.param("10E", 10**19, id="Q-21-no-wrap"),
    ],
)
def test_whole_units_are_rounded_away_from_zero(text: str, whole: int) -> None:
    assert Quantity.parse(text).rounded_up(NANO).nano == whole * NANO
