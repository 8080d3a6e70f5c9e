"""How much a tier that only warns may say (A-54: beyond 4096 characters the API server cuts every warning)."""

from __future__ import annotations

import json

from tests.builders import UID, a_pod
from tiergate.admission import answer
from tiergate.admission.question import Question
from tiergate.core.decision import Decision, Violation
from tiergate.core.quantity import Quantity


def test_warnings_stay_within_what_the_api_server_passes_on() -> None:
    two, one = Quantity.parse("2"), Quantity.parse("1")
    violations = tuple(
        Violation("limit-max", "", container=f"agent-{index}", resource="limits.cpu", actual=two, bound=one)
        for index in range(100)
    )
    question = Question(UID, "pods", "CREATE", "dev", "agent", False, "alice", (), a_pod())  # noqa: FBT003  # no dry run
    response = json.loads(answer.answer(question, Decision(violations, mode="Warn"), tier="dev"))["response"]
    assert response["allowed"]
    assert 1 < len(response["warnings"]) < len(violations)
    assert sum(map(len, response["warnings"])) <= 4096
    assert response["warnings"][-1].endswith(" more")
