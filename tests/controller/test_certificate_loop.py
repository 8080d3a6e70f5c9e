"""The CA in the webhook configurations, as the controller keeps it."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest

from tests.certs.bad_secrets import bad_authorities, bad_servings
from tests.controller.world import (
    MUTATING,
    RELEASE,
    SECRETS,
    VALIDATING,
    a_cluster,
    a_configuration,
    condition,
    controller,
    eventually,
    ready,
    secret_path,
    settled,
    written,
)
from tiergate.cluster.client import off_by
from tiergate.cluster.errors import ApiError
from tiergate_certs.bundle import leaf_problems
from tiergate_certs.issue import Pair, service_names

BAD_SECRETS = [
    *(pytest.param(SECRETS[0], data, id=f"authority-{name}") for name, data in bad_authorities().items()),
    *(pytest.param(SECRETS[1], data, id=f"serving-{name}") for name, data in bad_servings().items()),
]
PATIENT = {"within": 90.0, "every": 1.0}
"""What failed is tried again after growing pauses."""


async def test_the_authority_is_published_and_repaired() -> None:
    """Every entry of both configurations trusts the stored CA, also after somebody removed it."""
    api = a_cluster()
    async with controller(api):
        await settled(api)
        secret = api.get(secret_path(SECRETS[1]))
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


@pytest.mark.parametrize("name", SECRETS)
async def test_a_missing_secret_is_said_and_helm_restores_it(name: str) -> None:
    """The controller may not create Secrets; when they are there again, empty, it goes on."""
    api = a_cluster()
    api.delete(secret_path(name))
    async with controller(api):
        await eventually(lambda: condition(api, "Enforcing").get("reason") == "CertificateUnavailable")
        message = condition(api, "Enforcing")["message"]
        assert message.startswith(f'Secret "{name}" does not exist')
        assert "helm upgrade" in message
        api.put(secret_path(name), {"type": "Opaque"})
        await eventually(lambda: condition(api, "Enforcing")["status"] == "True", within=40)
    assert api.journal["POST secrets"] == 0


@pytest.mark.parametrize(("name", "data"), [*BAD_SECRETS])
async def test_whatever_a_secret_holds_the_controller_enforces_again(name: str, data: dict[str, bytes]) -> None:
    """No content of a Secret ends the loop: no task fails meanwhile (``controller`` asserts that)."""
    api = a_cluster()
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    api.put(secret_path(name), {"type": "Opaque", "data": encoded})
    async with controller(api):
        await settled(api)
    served = {key: base64.b64decode(value) for key, value in api.get(secret_path(SECRETS[1]))["data"].items()}
    published = base64.b64decode(api.get(MUTATING)["webhooks"][0]["clientConfig"]["caBundle"])
    leaf = Pair(served["tls.crt"], served["tls.key"])
    names = service_names(service="tiergate-webhook", namespace=RELEASE)
    assert leaf_problems(leaf, trusted=published, names=names, at=datetime.now(UTC)) == ()


@pytest.mark.parametrize("sign", [1, -1], ids=["ahead", "behind"])
async def test_a_clock_that_is_off_changes_nothing_and_is_said(sign: int) -> None:
    """Whether there are certificates or none; when the clock is right again, what was lost is repaired."""
    api, off = a_cluster(), sign * timedelta(minutes=6)

    async def nothing_changes() -> None:
        api.journal.clear()
        await eventually(lambda: condition(api, "Enforcing").get("reason") == "ClockSkew", **PATIENT)
        assert f"the controller's clock is {off_by(off)}" in condition(api, "Enforcing")["message"]
        await asyncio.sleep(60)
        assert not [verb for verb in written(api) if "secrets" in verb or "webhookconfigurations" in verb]

    def trusted() -> str:
        found: str = api.get(MUTATING)["webhooks"][0]["clientConfig"]["caBundle"]
        return found

    api.clock_offset = off
    async with controller(api):
        await nothing_changes()
        api.clock_offset = timedelta(0)
        await eventually(trusted, **PATIENT)
        await eventually(lambda: condition(api, "Enforcing")["status"] == "True", **PATIENT)
        before, api.clock_offset = trusted(), off
        api.put(MUTATING, a_configuration("pods.mutate.tiergate.io"))
        await nothing_changes()
        api.clock_offset = timedelta(0)
        await eventually(lambda: trusted() == before, **PATIENT)
