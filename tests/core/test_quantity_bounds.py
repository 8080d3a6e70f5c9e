"""The edges of texts and of formats: the last one on each side."""

from __future__ import annotations

import pytest

from tiergate.core.quantity import Quantity


@pytest.mark.rule("Q-10")
@pytest.mark.parametrize(
    ("text", "unit_format"),
    [
        pytest.param("0Ki", "BinarySI", id="zero"),
        pytest.param("0.0000000009Ki", "DecimalSI", id="rounded-up-to-less-than-one"),
        pytest.param("0.00000000000001Ki", "DecimalSI", id="one-nano"),
        pytest.param("0.0009765625Ki", "BinarySI", id="exactly-one"),
        pytest.param("1Ki", "BinarySI", id="more-than-one"),
    ],
)
def test_a_binary_amount_between_zero_and_one_is_decimal(text: str, unit_format: str) -> None:
    assert Quantity.parse(text).format == unit_format


def test_quantities_compare_in_both_directions() -> None:
    one, same, two = Quantity.parse("1"), Quantity.parse("1000m"), Quantity.parse("2")
    assert one >= same
    assert two >= one
    assert not one >= two
    assert one <= same
    assert hash(one) == hash(same) != hash(two)


@pytest.mark.rule("Q-6")
@pytest.mark.parametrize("exponent", [2**63 - 1, 2**63, -(2**63), -(2**63) - 1])
def test_an_exponent_of_64_bits_is_read_and_a_larger_one_is_no_number(exponent: int) -> None:
    """Within 64 bits it is truncated to 32: here to -1, 0 and 0."""
    text = f"1e{exponent}"
    if -(2**63) <= exponent < 2**63:
        assert Quantity.parse(text) == Quantity.parse({2**63 - 1: "100m", -(2**63): "1"}[exponent])
    else:
        with pytest.raises(ValueError, match=r".+"):
            Quantity.parse(text)
