"""A tier's modes as the controller serves them: quotas come before Ready, and go when nothing may be refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.controller.world import (
    VALIDATING,
    a_cluster,
    a_foreign_quota,
    a_tier,
    condition,
    controller,
    eventually,
    quota_path,
    ready,
    settled,
    tier_path,
)
from tests.fake_api import FakeApi
from tiergate.controller.tier_conditions import Assessment, assess_enforcing
from tiergate.core.mode import Mode

REPORTING = pytest.mark.parametrize("mode", ["Warn", "Audit"])


def in_mode(mode: str, **hard: str) -> dict[str, Any]:
    tier = a_tier(**hard)
    tier["spec"]["enforcement"] = mode
    return tier


def status(api: FakeApi) -> dict[str, Any]:
    found: dict[str, Any] = api.get(tier_path())["status"]
    return found


@REPORTING
async def test_leaving_enforce_removes_our_quotas_and_nobody_elses(mode: Mode) -> None:
    api = a_cluster()
    api.put(quota_path(name="theirs"), a_foreign_quota(pods="9"))
    async with controller(api):
        await settled(api)
        api.put(tier_path(), in_mode(mode))
        await eventually(ready(api, f"Mode{mode}"))
        assert quota_path() not in api
        assert quota_path(name="theirs") in api
        assert condition(api, "Ready")["status"] == "True"
        assert (status(api)["mode"], status(api)["summary"]) == (mode, {})
        api.journal.clear()
        await asyncio.sleep(0.1)
        assert api.journal == {}


@REPORTING
async def test_a_tier_that_begins_in_the_mode_gets_no_quota(mode: Mode) -> None:
    """A foreign object of our name is none of our business then."""
    api = a_cluster()
    api.put(tier_path(), in_mode(mode))
    api.put(quota_path(), a_foreign_quota(pods="9"))
    async with controller(api):
        await eventually(ready(api, f"Mode{mode}"))
        await asyncio.sleep(0.05)
    assert api.journal["POST resourcequotas"] == api.journal["DELETE resourcequotas"] == 0


@REPORTING
async def test_enforce_is_ready_only_when_its_quotas_are_in_force(mode: Mode) -> None:
    """They are created first; until the quota controller has taken them up the tier says that they are pending."""
    api = a_cluster(counts=False)
    api.put(tier_path(), in_mode(mode))
    async with controller(api):
        await eventually(ready(api, f"Mode{mode}"))
        api.put(tier_path(), in_mode("Enforce"))
        await eventually(ready(api, "QuotaPending"))
        assert condition(api, "Ready")["status"] == "False"
        assert status(api)["mode"] == "Enforce"
        quota = api.get(quota_path())
        api.put(quota_path(), {**quota, "status": {"hard": {"pods": "2"}, "used": {"pods": "0"}}})
        await eventually(ready(api))


async def test_a_quota_that_cannot_be_removed_is_no_silent_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as ours are there pods are refused, and the tier is not ready. Here a finalizer holds it."""
    held: list[str] = []
    api = a_cluster()
    api.put(tier_path(), in_mode("Warn"))
    ours = a_foreign_quota(pods="9")
    ours["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "tiergate"}
    async with controller(api):
        await eventually(ready(api, "ModeWarn"))
        monkeypatch.setattr(api, "delete", held.append)
        api.put(quota_path(), ours)
        await eventually(ready(api, "QuotaRemoval"))
        assert 'ResourceQuota "tier" still refuses in namespace dev' in condition(api, "Ready")["message"]
        assert set(held) == {quota_path()}
        monkeypatch.undo()
        api.delete(quota_path())
        await eventually(ready(api, "ModeWarn"))


@pytest.mark.parametrize(("change", "kind"), [(in_mode("Warn"), "Normal"), (None, "Warning")], ids=["mode", "fault"])
async def test_only_what_the_owner_of_a_tier_did_not_want_is_an_event_of_type_warning(
    change: dict[str, Any] | None, kind: str
) -> None:
    api = a_cluster()
    async with controller(api):
        await settled(api)
        if change is None:
            api.delete(VALIDATING)
        else:
            api.put(tier_path(), {**api.get(tier_path()), "spec": change["spec"]})
        await eventually(lambda: [one["type"] for one in api.events("NotEnforcing")] == [kind])


async def test_an_invalid_edit_leaves_the_mode_in_force() -> None:
    api = a_cluster()
    api.put(tier_path(), in_mode("Warn"))
    async with controller(api):
        await eventually(ready(api, "ModeWarn"))
        api.put(tier_path(), in_mode("Enforce", hats="1"))
        await eventually(ready(api, "Invalid"))
        assert status(api)["mode"] == "Warn"
        assert quota_path() not in api


HOLDS = Assessment(holds=True, reason="WebhooksRegistered", message="")
AWAY = Assessment(holds=False, reason="WebhookConfigurationMissing", message="gone")


@pytest.mark.parametrize(
    ("enforcing", "mode", "expected"),
    [
        pytest.param(HOLDS, "Enforce", (True, "WebhooksRegistered"), id="enforced"),
        pytest.param(HOLDS, "Warn", (False, "ModeWarn"), id="warned-of"),
        pytest.param(HOLDS, "Audit", (False, "ModeAudit"), id="audited"),
        pytest.param(AWAY, "Enforce", (False, "WebhookConfigurationMissing"), id="away"),
        pytest.param(AWAY, "Warn", (False, "WebhookConfigurationMissing"), id="not-even-warned-of"),
    ],
)
def test_only_mode_enforce_enforces(enforcing: Assessment, mode: Mode, expected: tuple[bool, str]) -> None:
    assessment = assess_enforcing(enforcing, mode)
    assert (assessment.holds, assessment.reason) == expected
