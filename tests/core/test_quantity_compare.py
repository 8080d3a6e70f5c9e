"""Quantities are compared by amount, across formats (Q-22)."""

from __future__ import annotations

import pytest

from tiergate.core.quantity import Quantity

EQUAL = [("1Gi", "1024Mi"), ("0.1", "100m"), ("1e3", "1k"), ("1", "1.0"), ("0", "0Gi"), ("0.5Ki", "512")]
SMALLER = [
    ("1G", "1Gi"), ("0", "1n"), ("1", "10E"), ("9223372036854775807", "9223372036854775808"), ("-1", "0"),
    ("-2", "-1"), ("999m", "1"),
]  # fmt: skip


@pytest.mark.rule("Q-22")
@pytest.mark.parametrize(("left", "right"), EQUAL, ids=lambda text: f"Q-22-{text}")
def test_equal_amounts_are_equal_in_any_spelling(left: str, right: str) -> None:
    one, other = Quantity.parse(left), Quantity.parse(right)
    assert one == other
    assert not one != other  # noqa: SIM202  # two operators, and msgspec has one of its own for the second
    assert hash(one) == hash(other)
    assert one <= other <= one
    assert not one < other
    assert not one > other


@pytest.mark.rule("Q-22")
@pytest.mark.parametrize(("left", "right"), SMALLER, ids=lambda text: f"Q-22-{text}")
def test_order_is_that_of_the_exact_amounts(left: str, right: str) -> None:
    small, large = Quantity.parse(left), Quantity.parse(right)
    assert small < large
    assert large > small
    assert small != large
    assert not large <= small


def test_a_quantity_equals_nothing_but_a_quantity() -> None:
    assert Quantity.parse("1") != 10**9
    assert Quantity.parse("1") != "1"


def test_only_zero_is_false() -> None:
    assert not Quantity.parse("0Gi")
    assert Quantity.parse("-1n")
