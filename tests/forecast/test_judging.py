"""A forecast that does not come true is found, whatever it says."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.forecast.forecasts import Answer, Forecast, forecast
from tests.forecast.judging import (
    EXACT,
    IN_TURNS,
    LATE,
    MISSED,
    NO_STALL,
    OTHER_NUMBER,
    OVERRUN,
    RAN,
    REFUSED,
    UNKNOWN,
    UNSETTLED,
    WARNED,
    judge,
)
from tests.forecast.observing import Outcome
from tests.forecast.running import Report
from tests.forecast.workloads import Change

DONE = Outcome(4, 4, 4, done=True)
NONE = Outcome(4, 0, 0)
MIXED = Outcome(4, 4, 1)
TWO = Outcome(4, 2, 2)


@pytest.mark.parametrize(
    ("kind", "change", "said", "before", "seen", "judgement"),
    [
        ("Deployment", "created", Forecast("all"), NONE, DONE, EXACT),
        ("Deployment", "created", Forecast("all"), NONE, TWO, MISSED),
        ("Deployment", "up", Forecast("all"), TWO, TWO, MISSED),
        ("Deployment", "image", Forecast("all"), DONE, Outcome(4, 3, 3, late=True), LATE),
        ("Deployment", "created", Forecast("some", 3), NONE, Outcome(4, 2, 2, late=True), OTHER_NUMBER),
        ("Deployment", "bigger", Forecast("all"), DONE, TWO, MISSED),
        ("Deployment", "created", Forecast("never"), NONE, NONE, EXACT),
        ("Deployment", "created", Forecast("never"), NONE, TWO, RAN),
        ("Deployment", "created", Forecast("never"), NONE, DONE, WARNED),
        ("Deployment", "created", Forecast("never", denied=True), NONE, DONE, REFUSED),
        ("Deployment", "up", Forecast("never"), TWO, TWO, EXACT),
        ("Deployment", "up", Forecast("never"), TWO, Outcome(4, 3, 3), RAN),
        ("Deployment", "bigger", Forecast("never"), DONE, Outcome(4, 3, 0), EXACT),
        ("Deployment", "bigger", Forecast("never"), DONE, MIXED, RAN),
        ("Deployment", "created", Forecast("some", 2), NONE, TWO, EXACT),
        ("Deployment", "created", Forecast("some", 3), NONE, TWO, OTHER_NUMBER),
        ("Deployment", "created", Forecast("some", 1, denied=True), NONE, TWO, OTHER_NUMBER),
        ("Deployment", "up", Forecast("some", 3, denied=True), NONE, DONE, REFUSED),
        ("Deployment", "bigger", Forecast("some", 2), DONE, MIXED, EXACT),
        ("Deployment", "bigger", Forecast("some", 1), DONE, TWO, OTHER_NUMBER),
        ("Deployment", "image", Forecast("stalls"), DONE, MIXED, EXACT),
        ("Deployment", "image", Forecast("stalls"), DONE, TWO, NO_STALL),
        ("Deployment", "image", Forecast("stalls"), DONE, DONE, WARNED),
        ("Job", "created", Forecast("some", 2), NONE, DONE, IN_TURNS),
        ("Job", "created", Forecast("never", denied=True), NONE, DONE, REFUSED),
        ("Deployment", "bigger", Forecast("some", 1), DONE, Outcome(4, 2, 2, overrun=True), OVERRUN),
        ("Deployment", "bigger", Forecast("all"), DONE, Outcome(4, 2, 2, overrun=True), MISSED),
        ("Deployment", "bigger", Forecast("all"), DONE, Outcome(4, 2, 2, settled=False), UNSETTLED),
        ("Deployment", "created", Forecast("unchecked"), NONE, DONE, UNKNOWN),
        ("Deployment", "created", Forecast("unasked"), NONE, DONE, UNKNOWN),
    ],
)
def test_a_forecast_is_judged_by_what_became_of_it(  # noqa: PLR0913, RUF100  # a table
    kind: str, change: Change, said: Forecast, before: Outcome, seen: Outcome, judgement: str
) -> None:
    assert judge(kind, change, said, seen, before) == judgement


@pytest.mark.parametrize(
    ("answer", "logged", "said"),
    [
        (Answer(denied=False, rules=(), words=()), (), Forecast("all")),
        (Answer(denied=False, rules=(), words=()), None, Forecast("unasked")),
        (Answer(denied=True, rules=("workload-never-runs",), words=()), None, Forecast("never", denied=True)),
        (Answer(denied=False, rules=(), words=("x",)), ("workload-rollout-stalls",), Forecast("stalls", words=("x",))),
        (
            Answer(denied=False, rules=(), words=("3 of 4 pods fit into a", "2 of 4 pods fit into b")),
            ("workload-does-not-fit",),
            Forecast("some", 2, words=("3 of 4 pods fit into a", "2 of 4 pods fit into b")),
        ),
    ],
)
def test_a_forecast_is_read_from_rules(answer: Answer, logged: tuple[str, ...] | None, said: Forecast) -> None:
    assert forecast(answer, logged) == said


@pytest.mark.parametrize(
    ("judged", "good"),
    [
        ({EXACT: 80}, True),
        ({EXACT: 80, LATE: 2}, True),
        ({EXACT: 80, MISSED: 1, LATE: 2}, False),
        ({EXACT: 400, MISSED: 8}, True),
        ({EXACT: 400, MISSED: 9}, False),
        ({EXACT: 400, WARNED: 1}, False),
        ({EXACT: 400, REFUSED: 1}, False),
        ({EXACT: 85, UNSETTLED: 15}, True),
        ({EXACT: 84, UNSETTLED: 16}, False),
    ],
)
def test_a_run_is_good_where_nobody_is_told_of_what_is_not_and_nearly_all_comes_true(
    judged: dict[str, int],
    good: bool,  # noqa: FBT001  # a table
) -> None:
    assert Report(seed=0, judged=Counter(judged)).good is good
