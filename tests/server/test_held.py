"""All that a review makes us do holds the event loop, so all of it counts for the pace of its namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import RELEASE_NAMESPACE, a_pod_object, a_tier, an_item
from tests.reviews import a_review
from tests.server.admission_fakes import FakePermissions, FakeState
from tiergate.admission import response
from tiergate.server import admission
from tiergate.server.admission import Admission
from tiergate.server.loop_pass import LoopPass

if TYPE_CHECKING:
    from tiergate.admission.request import AdmissionRequest
    from tiergate.core.decision import Decision

SECONDS = 0.02


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Busy:
    """Takes its time for each decision."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def note(self, *_: object, **__: object) -> None:
        self._clock.now += SECONDS


async def test_the_answer_and_what_others_are_told_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()

    def respond(request: AdmissionRequest, decision: Decision) -> bytes:
        clock.now += SECONDS
        return response.respond(request, decision)

    monkeypatch.setattr(admission, "respond", respond)
    served = Admission(
        FakeState(tiers={"dev": a_tier(an_item(high={"cpu": "1"}))}),
        FakePermissions(),
        release_namespace=RELEASE_NAMESPACE,
        observers=[Busy(clock)],
        loop_pass=LoopPass(clock, clock),
    )
    refused = a_pod_object({"name": "a", "resources": {"limits": {"cpu": "2"}}})
    answer = await served.answer("validate", a_review(refused))
    assert answer.record.held == pytest.approx(2 * SECONDS)
    assert served._pass.is_spent  # others have their turn first
