"""The CA in the webhook configurations, as the controller keeps it."""

from __future__ import annotations

import asyncio
import base64

from tests.controller.world import (
    MUTATING,
    RELEASE,
    VALIDATING,
    a_cluster,
    a_configuration,
    condition,
    controller,
    eventually,
    ready,
    settled,
    written,
)
from tiergate.cluster.client import ApiError


async def test_the_authority_is_published_and_repaired() -> None:
    """Every entry of both configurations trusts the stored CA, also after somebody removed it."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        secret = api.get(f"/api/v1/namespaces/{RELEASE}/secrets/tiergate-webhook-tls")
        trusted = secret["data"]["ca.crt"]
        assert base64.b64decode(trusted).startswith(b"-----BEGIN CERTIFICATE-----")
        api.put(VALIDATING, a_configuration("pods.validate.tiergate.io"))
        await eventually(lambda: api.get(VALIDATING)["webhooks"][0]["clientConfig"] == {"caBundle": trusted})
    entries = api.get(MUTATING)["webhooks"]
    assert [entry["clientConfig"]["caBundle"] for entry in entries] == [trusted]


async def test_a_deleted_webhook_configuration_stays_deleted() -> None:
    """That is how uninstalling and breaking the glass work: Enforcing=False and an Event, nothing else."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        api.delete(MUTATING)
        await eventually(lambda: condition(api, "Enforcing")["reason"] == "WebhookConfigurationMissing")
        await eventually(lambda: api.events("NotEnforcing"))
        await asyncio.sleep(0.1)
    assert MUTATING not in api
    assert written(api) == {"PATCH tiers": 1, "POST events": 1}
    assert condition(api, "Ready")["status"] == "True"


async def test_without_certificates_quotas_are_kept_all_the_same() -> None:
    """One thing that fails does not take another with it, and the status says why enforcement is missing."""
    api = a_cluster()
    api.refuse["GET secrets"] = ApiError(403, "Forbidden", "no secrets for you")
    async with controller(api):
        await eventually(ready(api))
        await eventually(lambda: condition(api, "Enforcing").get("reason") == "CertificateUnavailable")
    assert "no secrets for you" in condition(api, "Enforcing")["message"]
