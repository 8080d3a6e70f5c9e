from collections.abc import Callable

from tiergate.core.memo import LONGEST, Memo, is_short
from tiergate.core.quantity import Quantity


def test_a_value_is_made_once_and_large_arguments_are_not_kept() -> None:
    made: list[str] = []

    def noted(text: str) -> int:
        made.append(text)
        return len(text)

    memo = Memo(noted, is_short, most=3)
    texts = ["a", "a", "b" * LONGEST, "b" * LONGEST, "c" * (LONGEST + 1), "c" * (LONGEST + 1)]
    assert [memo[text] for text in texts] == list(map(len, texts))
    assert made == [texts[0], texts[2], texts[4], texts[5]]


def test_it_never_keeps_more_than_it_may() -> None:
    memo: Memo[str, str] = Memo(str, is_short, most=3)
    for number in range(20):
        assert memo[str(number)] == str(number)
        assert len(memo) <= 3


def test_amounts_of_thousands_of_digits_leave_nothing_behind() -> None:
    texts: Callable[[int], str] = lambda number: str(Quantity.parse(f"{number}e900"))  # noqa: E731  # said once
    before = len(Quantity.__str__.__globals__["_TEXTS"])
    assert [texts(number) for number in range(1, 5)] == [f"{number}e900" for number in range(1, 5)]
    assert len(Quantity.__str__.__globals__["_TEXTS"]) == before
