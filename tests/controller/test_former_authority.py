"""A former CA of ours leaves the Secret and every caBundle a day after it was last needed, whoever leads by then."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fake_api import FakeApi
from tests.following import following
from tests.virtual_time import clock
from tiergate.cluster.api import Api
from tiergate.cluster.registration import CONFIGURATION_KINDS, REQUIRED_ENTRIES
from tiergate.cluster.secrets import ClusterSecrets
from tiergate.cluster.state import ClusterState
from tiergate.controller.certificates import CertificateKeeper
from tiergate_certs.bundle import read_certificates
from tiergate_certs.plan import Policy
from tiergate_certs.rotate import AUTHORITY_NAME, ROTATE, SERVING_NAME

NAMESPACE = "tiergate-system"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def path(name: str) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/secrets/{name}"


class World:
    """A cluster with both Secrets and both webhook configurations, and one leader after the other; no step waits."""

    def __init__(self) -> None:
        self.now = NOW
        self.api = FakeApi()
        for name in (AUTHORITY_NAME, SERVING_NAME):
            self.api.put(path(name), {"type": "Opaque"})
        for kind, resource in CONFIGURATION_KINDS.items():
            webhooks = [{"name": name, "clientConfig": {}} for name in REQUIRED_ENTRIES[kind]]
            self.api.put(resource.object("tiergate"), {"webhooks": webhooks})
        self._state = ClusterState(self.api, release_namespace=NAMESPACE, controls=True, clock=clock)
        self.lead()

    def lead(self) -> None:
        """Have another process lead from now on; it knows nothing."""
        api = Api(self.api)
        self._keeper = CertificateKeeper(
            api,
            ClusterSecrets(api, NAMESPACE),
            self._state,
            names=["webhook.svc"],
            policy=Policy(settle=timedelta(0)),
            now=lambda: self.now,
            on_change=lambda: None,
            clock=clock,
        )

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[World]:
        """Follow what the API server has."""
        async with following(self._state, self._state.configurations_known):
            yield self

    async def after(self, hours: int) -> set[int]:
        """Let so many hours pass with a step in each; return how many CAs the Secret and each caBundle then hold."""
        for _ in range(hours):
            self.now += HOUR
            await self._keeper.step()
            await asyncio.sleep(0.01)
        return {len(read_certificates(one)) for one in self._trusted()}

    async def change(self) -> None:
        """Have the CA replaced."""
        secret = self.api.get(path(AUTHORITY_NAME))
        secret["metadata"].setdefault("annotations", {})[ROTATE] = "now"
        self.api.put(path(AUTHORITY_NAME), secret)
        await self.after(1)

    def _trusted(self) -> list[bytes]:
        entries: list[Any] = [
            entry["clientConfig"]["caBundle"]
            for resource in CONFIGURATION_KINDS.values()
            for entry in self.api.get(resource.object("tiergate"))["webhooks"]
        ]
        return [base64.b64decode(one) for one in (*entries, self.api.get(path(SERVING_NAME))["data"]["ca.crt"])]


async def test_a_former_authority_leaves_after_its_day() -> None:
    async with World().followed() as world:
        assert await world.after(1) == {1}
        await world.change()
        assert await world.after(24) == {2}
        assert await world.after(1) == {1}
        before = len(world.api.writes)
        assert await world.after(50) == {1}
        assert len(world.api.writes) == before


async def test_a_new_leader_begins_the_day_anew_and_no_more() -> None:
    async with World().followed() as world:
        await world.after(1)
        await world.change()
        await world.after(20)
        world.lead()
        assert await world.after(24) == {2}
        assert await world.after(2) == {1}


async def test_each_of_several_former_authorities_has_its_own_day() -> None:
    async with World().followed() as world:
        await world.after(1)
        for _ in range(3):
            await world.change()
            await world.after(7)
        assert await world.after(1) == {4}
        counts = [min(await world.after(1)) for _ in range(24)]
        assert counts == sorted(counts, reverse=True)
        assert set(counts) == {3, 2, 1}
