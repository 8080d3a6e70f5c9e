"""However much is found of one object, little is put into words: the event loop waits meanwhile (ADR 21)."""

from __future__ import annotations

import pytest

from tests.builders import a_pod_object, an_admission_request
from tests.calls import calls_of
from tests.reviews import a_review
from tiergate.admission.notices import message
from tiergate.admission.request import read
from tiergate.admission.response import respond
from tiergate.core.decision import Decision, Finding
from tiergate.core.mode import Effect, Mode
from tiergate.core.quantity import Quantity

MOST = 1000
"""Findings of one object: it has no more."""
MOST_CALLS = 30_000
"""About 3 ms; with a line for each finding it was 10 times as much."""

CASES: list[tuple[Mode, Effect]] = [("Enforce", "deny"), ("Enforce", "warn"), ("Warn", "deny"), ("Warn", "warn")]
AUDIT: list[tuple[Mode, Effect]] = [("Audit", "deny"), ("Audit", "warn")]

either = pytest.mark.parametrize("distinct", [True, False], ids=["distinct", "equal"])


def a_decision(mode: Mode, effect: Effect, *, distinct: bool) -> Decision:
    found = [
        Finding(
            "limit-max",
            "/spec",
            container=f"c{number if distinct else 0}",
            resource="limits.cpu",
            actual=Quantity.parse("2"),
            bound=Quantity.parse("1"),
            effect=effect,
        )
        for number in range(MOST)
    ]
    if mode == "Enforce" and effect == "warn":  # beside a refusal
        found[0] = Finding("limit-zero", "/spec", container="a", resource="limits.cpu", bound=Quantity.parse("1"))
    return Decision(tuple(found), tier="dev", mode=mode)


@pytest.mark.parametrize(("mode", "effect"), CASES + AUDIT)
@either
def test_an_answer_costs_little(mode: Mode, effect: Effect, *, distinct: bool) -> None:
    decision = a_decision(mode, effect, distinct=distinct)
    assert calls_of(lambda: respond(an_admission_request(), decision)) < MOST_CALLS


@pytest.mark.parametrize(("mode", "effect"), CASES)  # in mode Audit there is no Event
@either
def test_an_event_costs_little(mode: Mode, effect: Effect, *, distinct: bool) -> None:
    request, decision = read("validate", a_review(a_pod_object())), a_decision(mode, effect, distinct=distinct)
    assert calls_of(lambda: message(request, decision)) < MOST_CALLS
