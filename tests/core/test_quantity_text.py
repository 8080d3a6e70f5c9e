"""The one spelling a quantity is printed in (Q-12 to Q-15) and the text of sums (Q-23, Q-24)."""

from __future__ import annotations

import pytest

from tiergate.core.quantity import Quantity


def printed(text: str) -> str:
    return str(Quantity.parse(text))


# Q-14's vectors, computed with the reference library; retained spellings (Q-15) are printed canonically.
VECTORS = {
    "0.5": "500m", "1000m": "1", "1e3": "1e3",
    "1024Mi": "1Gi", "1.5Gi": "1536Mi", "0.1Mi": "104857600m",
    "100000000n": "100m", "0.1": "100m", "0.250": "250m",
    "1.0": "1", "2.0": "2", "1.10": "1100m",
    "1500m": "1500m", "2000m": "2", "0.1m": "100u",
    "0.5m": "500u", "1.5u": "1500n", "1000000n": "1m",
    "1000": "1k", "1500": "1500", "1024": "1024",
    "10000": "10k", "1000000": "1M", "1500000": "1500k",
    "1000k": "1M", "1000G": "1T", "1000Gi": "1000Gi",
    "1024Ki": "1Mi", "1048576Ki": "1Gi", "2048Mi": "2Gi",
    "1536Mi": "1536Mi", "1023Mi": "1023Mi", "1.25Gi": "1280Mi",
    "0.5Gi": "512Mi", "0.5Ki": "512", "1.5Ki": "1536",
    "2.5Ki": "2560", "0.9Ki": "921600m", "3.14159Gi": "3373256576860160u",
    "0.1Ki": "102400m", "0.001Ki": "1024m", "1.0001Ki": "1024102400u",
    "1E": "1E", "1.5E": "1500P", "9.3E": "9300P",
    "1.5Ei": "1536Pi", "0.5Ei": "512Pi", "7.99Ei": "9211842821808707338240m",
    "1e2": "100", "15e2": "1500", "1.5e3": "1500",
    "1000e3": "1e6", "0.5e0": "500e-3", "1e-10": "1e-9",
}  # fmt: skip
CAPPED = {
    "8Ei": "9223372036854775807", "16Ei": "9223372036854775807", "-9Ei": "-9223372036854775807", "7Ei": "7Ei",
    "9223372036854775808": "9223372036854775808", "10E": "10E", "1e19": "10e18", "100000000000000000000": "100E",
}  # fmt: skip
ROUNDED = {
    "0.1n": "1n", "1.5n": "2n", "0.0000000001": "1n", "1.0000000001": "1000000001n", "-0.1n": "-1n",
}  # fmt: skip
NOT_RETAINED = {
    "+1": "1", "01": "1", "1.": "1", "1.500": "1500m", "1.5e1": "15", "1E3": "1e3", "1e+3": "1e3", "1e0": "1",
    "1.Ki": "1Ki", "123456789.123456789": "123456789123456789n", "0.500": "500m",
}  # fmt: skip
ZEROS = ["0", "-0", "0Gi", "0e3", "Ki", "m", "0.000"]


@pytest.mark.rule("Q-8", "Q-9", "Q-10", "Q-12", "Q-13", "Q-14")
@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        *(pytest.param(zero, "0", id=f"Q-12-{zero}") for zero in ZEROS),
        *(pytest.param(text, to, id=f"Q-14-{text}") for text, to in VECTORS.items()),
        *(pytest.param(text, to, id=f"Q-9-{text}") for text, to in CAPPED.items()),
        *(pytest.param(text, to, id=f"Q-8-{text}") for text, to in ROUNDED.items()),
        *(pytest.param(text, to, id=f"Q-15-not-kept-{text}") for text, to in NOT_RETAINED.items()),
        pytest.param("0.0001Ki", "102400u", id="Q-10-below-one-is-decimal"),
        pytest.param("1000Mi", "1000Mi", id="Q-14-not-divisible-further"),
        pytest.param("1.1Gi", "1181116006400m", id="Q-14-no-whole-number"),
        pytest.param("-1Ki", "-1Ki", id="Q-14-negative-binary"),
        pytest.param("-0.5Ki", "-512", id="Q-14-negative-small-binary"),
        pytest.param("1500E", "1500E", id="Q-13-above-1000E-keeps-its-unit"),
        pytest.param("1000E", "1000E", id="Q-13-1000E-keeps-its-unit"),
    ],
)
def test_a_quantity_prints_its_canonical_text(text: str, canonical: str) -> None:
    assert printed(text) == canonical


@pytest.mark.rule("Q-10", "Q-14", "Q-23", "Q-24")
@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        pytest.param("1", "500m", "1500m", id="Q-24-decimal"),
        pytest.param("500m", "500m", "1", id="Q-24-carry"),
        pytest.param("1Gi", "512Mi", "1536Mi", id="Q-24-binary"),
        pytest.param("512Mi", "512Mi", "1Gi", id="Q-24-binary-carry"),
        pytest.param("1Gi", "1G", "2073741824", id="Q-24-left-binary"),
        pytest.param("1G", "1Gi", "2073741824", id="Q-24-left-decimal"),
        pytest.param("1Ki", "1", "1025", id="Q-24-binary-and-one"),
        pytest.param("1Ki", "100m", "1024100m", id="Q-24-binary-and-milli"),
        pytest.param("0", "1Gi", "1Gi", id="Q-24-zero-takes-the-right-format"),
        pytest.param("0Gi", "1000", "1k", id="Q-24-binary-zero-takes-the-right-format"),
        pytest.param("1e3", "1", "1001", id="Q-24-exponent-left"),
        pytest.param("1", "1e3", "1001", id="Q-24-exponent-right"),
        pytest.param("1e3", "1k", "2e3", id="Q-24-exponent-format-stays"),
        pytest.param("1k", "1e3", "2k", id="Q-24-SI-format-stays"),
        pytest.param("0.1Mi", "0.9Mi", "1Mi", id="Q-24-binary-fractions"),
        pytest.param("0.00048828125Ki", "1023500m", "1024", id="Q-10-binary-under-1-is-decimal"),
        pytest.param("1000Ki", "1", "1024001", id="Q-14-binary-that-does-not-divide"),
        pytest.param("1", "1n", "1000000001n", id="Q-23-to-the-nano"),
        pytest.param("8Ei", "8Ei", "18446744073709551614", id="Q-23-no-cap-on-sums"),
        pytest.param("9223372036854775807", "1", "9223372036854775808", id="Q-23-beyond-64-bits"),
    ],
)
def test_a_sum_is_exact_and_keeps_the_left_format(left: str, right: str, text: str) -> None:
    assert str(Quantity.parse(left) + Quantity.parse(right)) == text


@pytest.mark.rule("Q-14")
def test_a_small_binary_amount_prints_as_decimal() -> None:
    """Q-14: 1000 bytes are 1k, not 1000."""
    assert str(Quantity.parse("2024Ki") - Quantity.parse("2071576")) == "1k"


@pytest.mark.rule("Q-12", "Q-23", "Q-24")
@pytest.mark.parametrize(
    ("left", "right", "text"),
    [
        pytest.param("4", "3500m", "500m", id="Q-23-room"),
        pytest.param("1Gi", "512Mi", "512Mi", id="Q-23-binary"),
        pytest.param("0", "1Gi", "-1Gi", id="Q-24-zero-takes-the-right-format"),
        pytest.param("3", "3", "0", id="Q-12-nothing-left"),
    ],
)
def test_a_difference_is_exact(left: str, right: str, text: str) -> None:
    assert str(Quantity.parse(left) - Quantity.parse(right)) == text
