"""The decision that is measured is the server's own, and the report's verdicts are its numbers'."""

from __future__ import annotations

import json

import pytest

from bench.decision import MOST, Sample, decided, known, measured, report, reviews
from tests.server.admission_fakes import FakeState, answer
from tiergate.core.request import Endpoint


@pytest.mark.parametrize("endpoint", ["mutate", "validate"])
async def test_the_answer_is_the_handlers(endpoint: Endpoint) -> None:
    """Byte for byte, under the same tier and quota."""
    facts, body = known(), reviews()[endpoint]
    answered = await answer(endpoint, body, FakeState(tiers={"dev": facts.tier}, quotas=facts.quotas))
    assert answered.status == 200
    assert decided(endpoint, body, facts) == answered.body


def test_the_pod_is_defaulted_and_judged() -> None:
    """Under a tier with ranges and a quota in use: the answers are a patch and an allowance that was earned."""
    facts = known()
    assert facts.tier.limits
    assert [sorted(quota.used) for quota in facts.quotas] == [sorted(quota.hard) for quota in facts.quotas] != []
    patched = json.loads(decided("mutate", reviews()["mutate"], facts))["response"]
    assert patched["allowed"]
    assert patched["patchType"] == "JSONPatch"
    allowed = json.loads(decided("validate", reviews()["validate"], facts))["response"]
    assert allowed == {"uid": patched["uid"], "allowed": True}
    undefaulted = json.loads(decided("validate", reviews()["mutate"], facts))["response"]
    assert not undefaulted["allowed"]


def test_both_endpoints_are_measured_in_every_round_but_the_first() -> None:
    samples = measured(rounds=2, calls=1)
    assert [sample.endpoint for sample in samples] == ["mutate", "validate"] * 2


def test_ratio_is_taken_inside_each_round() -> None:
    """A round in which the whole machine was slow changes the microseconds and not the ratio."""
    rounds = [Sample("mutate", 1e-6, 2e-6), Sample("mutate", 5e-5, 1e-4), Sample("mutate", 1e-6, 2e-6)]
    assert report(rounds).splitlines()[-1].startswith("/mutate: 0.50 x json.loads")


@pytest.mark.parametrize(("ratio", "verdict"), [(MOST, "reached"), (MOST + 0.01, "missed")])
def test_report_says_whether_the_target_is_reached(ratio: float, verdict: str) -> None:
    last = report([Sample("validate", ratio, 1.0)]).splitlines()[-1]
    assert last == f"/validate: {ratio:.2f} x json.loads, the target is at most {MOST:g} x: {verdict}"
