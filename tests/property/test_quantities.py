"""Laws of quantities.

> Quantity is a fixed-point representation of a number. [...] No matter which of the three exponent forms is
> used, no quantity may represent a number greater than 2^63-1 in magnitude, nor may it have more than 3 decimal
> places. (apimachinery; the code keeps nine places and caps binary forms alone: Q-8, Q-9.)
"""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.property.strategies import any_texts, quantity_texts
from tiergate.core.quantity import (
    EXPONENT_ERROR,
    FORMAT_ERROR,
    MILLI_IN_NANO,
    NUMERIC_ERROR,
    SUFFIX_ERROR,
    Quantity,
    QuantityError,
)

pytestmark = pytest.mark.property


@given(quantity_texts)
def test_the_printed_text_means_the_same_amount(text: str) -> None:
    parsed = Quantity.parse(text)
    assert Quantity.parse(str(parsed)) == parsed
    assert str(Quantity.parse(str(parsed))) == str(parsed)


@given(any_texts)
def test_a_text_is_a_quantity_or_refused_in_known_words(text: str) -> None:
    try:
        parsed = Quantity.parse(text)
    except QuantityError as error:
        said = str(error)
    else:
        said = ""
        assert Quantity.parse(str(parsed)) == parsed
    assert said in {"", FORMAT_ERROR, NUMERIC_ERROR, SUFFIX_ERROR, EXPONENT_ERROR}


@given(quantity_texts, quantity_texts, quantity_texts)
def test_sums_are_exact_in_any_order(one: str, two: str, three: str) -> None:
    a, b, c = Quantity.parse(one), Quantity.parse(two), Quantity.parse(three)
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert (a + b) - b == a
    assert (a + b).nano == a.nano + b.nano


@given(quantity_texts, quantity_texts, quantity_texts)
def test_adding_keeps_order(one: str, two: str, three: str) -> None:
    a, b, c = Quantity.parse(one), Quantity.parse(two), Quantity.parse(three)
    assert (a < b) == (a + c < b + c)
    assert (a <= b) == (not b < a)
    assert (a == b) == (hash(a) == hash(b) and a.nano == b.nano)


@given(quantity_texts)
def test_rounding_goes_away_from_zero_by_less_than_a_milli(text: str) -> None:
    parsed = Quantity.parse(text)
    rounded = parsed.rounded_up(MILLI_IN_NANO)
    assert rounded.nano % MILLI_IN_NANO == 0
    assert 0 <= abs(rounded.nano) - abs(parsed.nano) < MILLI_IN_NANO
    assert rounded.rounded_up(MILLI_IN_NANO) == rounded
    assert rounded.nano * parsed.nano >= 0
