"""Conditions of tiers as a metric: what says that nothing is enforced any more."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.controller.fake_api import FakeApi
from tiergate.cluster.paths import TIERS
from tiergate.metrics.prometheus import PrometheusRecorder
from tiergate.metrics.snapshot import TierCondition
from tiergate.server.conditions import Conditions, read_conditions

READY = {"type": "Ready", "status": "True", "reason": "QuotasInForce", "message": "m"}
ENFORCING = {"type": "Enforcing", "status": "False", "reason": "WebhookConfigurationMissing"}


@pytest.mark.parametrize("status", [None, {}, {"conditions": None}, {"conditions": "soon"}, {"conditions": [1]}])
def test_a_tier_without_usable_conditions_has_none(status: object) -> None:
    assert read_conditions(json.dumps({"metadata": {"name": "dev"}, "status": status}).encode()) == ()


def test_what_is_not_true_does_not_hold() -> None:
    unknown = {"type": "Enforcing", "status": "Unknown", "reason": "Starting"}
    raw = json.dumps({"metadata": {"name": "dev"}, "status": {"conditions": [READY, unknown]}}).encode()
    assert read_conditions(raw) == (
        TierCondition("dev", "Ready", "QuotasInForce", holds=True),
        TierCondition("dev", "Enforcing", "Starting", holds=False),
    )


def test_they_are_followed_and_a_tier_that_goes_takes_its_own_with_it() -> None:
    async def follow() -> tuple[str, str]:
        api = FakeApi()
        api.put(f"{TIERS}/dev", {"spec": {}, "status": {"conditions": [READY, ENFORCING]}})
        conditions, recorder = Conditions(api), PrometheusRecorder()  # type: ignore[arg-type]  # it has what a cache asks for
        running = asyncio.create_task(conditions.run())
        texts = []
        for expected in (2, 0):
            async with asyncio.timeout(10):
                while len(conditions.rows()) != expected:  # noqa: ASYNC110 - the cache tells nobody here
                    await asyncio.sleep(0.01)
            recorder.tier_conditions(conditions.rows())
            texts.append(recorder.exposition().decode())
            if expected:
                api.delete(f"{TIERS}/dev")
        running.cancel()
        return texts[0], texts[1]

    there, gone = asyncio.run(follow())
    assert 'tiergate_tier_condition{condition="Ready",reason="QuotasInForce",tier="dev"} 1.0' in there
    assert 'tiergate_tier_condition{condition="Enforcing",reason="WebhookConfigurationMissing",tier="dev"} 0.0' in there
    assert "tiergate_tier_condition{" not in gone
