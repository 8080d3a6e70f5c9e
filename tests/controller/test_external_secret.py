"""A certificate that somebody else keeps: its CA is published, and nothing of it is written."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fake_api import FakeApi
from tests.virtual_time import clock
from tiergate.cluster.api import Api
from tiergate.cluster.registration import CONFIGURATION_KINDS, REQUIRED_ENTRIES
from tiergate.cluster.state import ClusterState
from tiergate.controller.certificates import CertificateKeeper, ExternalSecretUnusable
from tiergate_certs.plan import Policy
from tiergate_certs.store import Stored

CA = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


class Secrets:
    """One Secret that may only be read."""

    def __init__(self, data: Mapping[str, bytes] | None) -> None:
        self.data = data

    async def read(self, name: str) -> Stored | None:
        assert name == "theirs"
        return None if self.data is None else Stored(self.data, "1")

    async def write(self, name: str, data: Mapping[str, bytes], resource_version: str | None) -> None:
        raise AssertionError((name, data, resource_version))


class World:
    """A keeper of an external Secret, and both webhook configurations as the API server has them."""

    def __init__(self, data: Mapping[str, bytes] | None, *, ca_injected: bool = False) -> None:
        self.api = FakeApi()
        self.secrets = Secrets(data)
        self.changes = 0
        for kind, resource in CONFIGURATION_KINDS.items():
            webhooks = [{"name": name, "clientConfig": {}} for name in REQUIRED_ENTRIES[kind]]
            self.api.put(resource.object("tiergate"), {"webhooks": webhooks})
        self._state = ClusterState(self.api, release_namespace="tiergate-system", controls=True, clock=clock)
        self.keeper = CertificateKeeper(
            Api(self.api),
            self.secrets,
            self._state,
            names=["gate.svc"],
            policy=Policy(),
            now=lambda: datetime.now(UTC),
            on_change=self._changed,
            external_secret="theirs",
            ca_injected=ca_injected,
        )

    def _changed(self) -> None:
        self.changes += 1

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[World]:
        """Follow what the API server has."""
        running = [asyncio.create_task(cache.run()) for cache in self._state.caches().values()]
        await self._state.configurations_known()
        try:
            yield self
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def step(self) -> None:
        await self.keeper.step()
        await asyncio.sleep(0.01)

    def published(self) -> set[bytes]:
        entries: list[Any] = [
            entry
            for resource in CONFIGURATION_KINDS.values()
            for entry in self.api.get(resource.object("tiergate"))["webhooks"]
        ]
        return {base64.b64decode(entry["clientConfig"].get("caBundle", "")) for entry in entries}


async def test_its_ca_is_published_once_and_followed() -> None:
    async with World({"tls.crt": b"", "tls.key": b"", "ca.crt": CA}).followed() as world:
        await world.step()
        assert world.published() == {CA}
        written = dict(world.api.journal)
        await world.step()
        assert dict(world.api.journal) == written
        assert world.changes == 1
        world.secrets.data = {"ca.crt": CA + CA}
        await world.step()
        assert world.published() == {CA + CA}


async def test_a_ca_that_somebody_else_injects_is_judged_and_never_written() -> None:
    async with World({"ca.crt": CA}, ca_injected=True).followed() as world:
        before = dict(world.api.journal)
        await world.step()
        assessment = world.keeper.enforcing()
        assert assessment is not None
        assert (assessment.holds, assessment.reason) == (False, "CABundlePending")
        assert dict(world.api.journal) == before
        for kind, resource in CONFIGURATION_KINDS.items():
            client = {"caBundle": base64.b64encode(CA).decode()}
            webhooks = [{"name": name, "clientConfig": client} for name in REQUIRED_ENTRIES[kind]]
            world.api.put(resource.object("tiergate"), {"webhooks": webhooks})
        await world.step()
        assessment = world.keeper.enforcing()
        assert assessment is not None
        assert assessment.holds


async def test_enforcing_follows() -> None:
    async with World({"ca.crt": CA}).followed() as world:
        await world.step()
        assessment = world.keeper.enforcing()
        assert assessment is not None
        assert assessment.holds


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(None, 'Secret "theirs" with the certificate does not exist', id="not-there"),
        pytest.param({"tls.crt": b"", "tls.key": b""}, 'Secret "theirs" has no ca.crt', id="no-ca"),
        pytest.param({"ca.crt": b""}, 'Secret "theirs" has no ca.crt', id="empty-ca"),
    ],
)
async def test_what_is_missing_is_said_and_nothing_published(data: Mapping[str, bytes] | None, words: str) -> None:
    async with World(data).followed() as world:
        with pytest.raises(ExternalSecretUnusable, match=words):
            await world.step()
        assert world.published() == {b""}


async def test_the_status_says_why_until_it_is_repaired() -> None:
    """A loop that cannot go on makes Enforcing False with the reason, and takes up what is there later."""

    async def said(world: World, *, holds: bool) -> str:
        async with asyncio.timeout(60):
            while (assessment := world.keeper.enforcing()) is None or assessment.holds is not holds:  # noqa: ASYNC110 - the keeper tells nobody here
                await asyncio.sleep(0.1)
        return f"{assessment.reason}: {assessment.message}"

    async with World(None).followed() as world:
        running = asyncio.create_task(world.keeper.run())
        missing = 'CertificateUnavailable: Secret "theirs" with the certificate does not exist'
        assert await said(world, holds=False) == missing
        world.secrets.data = {"ca.crt": CA}
        assert (await said(world, holds=True)).startswith("WebhooksRegistered")
        running.cancel()
