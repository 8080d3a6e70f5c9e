"""A certificate that somebody else keeps: its CA is published, and nothing of it is written."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.controller.fake_api import FakeApi
from tiergate.cluster.registration import CONFIGURATION_KINDS, REQUIRED_ENTRIES
from tiergate.controller.certificates import CertificateKeeper, NotGiven
from tiergate.controller.facts import Facts
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
    """A keeper of a given certificate, and both webhook configurations as the API server has them."""

    def __init__(self, data: Mapping[str, bytes] | None) -> None:
        self.api = FakeApi()
        self.secrets = Secrets(data)
        self.changes = 0
        for kind, path in CONFIGURATION_KINDS.items():
            webhooks = [{"name": name, "clientConfig": {}} for name in REQUIRED_ENTRIES[kind]]
            self.api.put(f"{path}/tiergate", {"webhooks": webhooks})
        self._facts = SimpleNamespace(knows_configurations=lambda: True)
        self.keeper = CertificateKeeper(
            self.api,
            self.secrets,
            cast(Facts, self._facts),
            names=["gate.svc"],
            policy=Policy(),
            now=lambda: datetime.now(UTC),
            on_change=self._changed,
            given="theirs",
        )
        self._look()

    def _changed(self) -> None:
        self.changes += 1

    def _look(self) -> None:
        """Show the keeper what the API server has."""
        found = {
            kind: SimpleNamespace(items={"tiergate": json.dumps(self.api.get(f"{path}/tiergate")).encode()})
            for kind, path in CONFIGURATION_KINDS.items()
        }
        self._facts.configurations = found

    def step(self) -> None:
        asyncio.run(self.keeper.step())
        self._look()

    def published(self) -> set[bytes]:
        entries: list[Any] = [
            entry for path in CONFIGURATION_KINDS.values() for entry in self.api.get(f"{path}/tiergate")["webhooks"]
        ]
        return {base64.b64decode(entry["clientConfig"].get("caBundle", "")) for entry in entries}


def test_its_ca_is_published_once_and_followed() -> None:
    world = World({"tls.crt": b"", "tls.key": b"", "ca.crt": CA})
    world.step()
    assert world.published() == {CA}
    written = dict(world.api.journal)
    world.step()
    assert dict(world.api.journal) == written
    assert world.changes == 1
    world.secrets.data = {"ca.crt": CA + CA}
    world.step()
    assert world.published() == {CA + CA}


def test_enforcing_follows() -> None:
    world = World({"ca.crt": CA})
    world.step()
    verdict = world.keeper.enforcing()
    assert verdict is not None
    assert verdict.holds


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(None, 'Secret "theirs" with the certificate does not exist', id="not-there"),
        pytest.param({"tls.crt": b"", "tls.key": b""}, 'Secret "theirs" has no ca.crt', id="no-ca"),
        pytest.param({"ca.crt": b""}, 'Secret "theirs" has no ca.crt', id="empty-ca"),
    ],
)
def test_what_is_missing_is_said_and_nothing_published(data: Mapping[str, bytes] | None, words: str) -> None:
    world = World(data)
    with pytest.raises(NotGiven, match=words):
        world.step()
    assert world.published() == {b""}


def test_the_status_says_why_until_it_is_repaired() -> None:
    """A loop that cannot go on makes Enforcing False with the reason, and takes up what is there later."""
    world = World(None)

    async def run_until(holds: bool) -> str:  # noqa: FBT001
        running = asyncio.create_task(world.keeper.run())
        try:
            async with asyncio.timeout(20):
                while (verdict := world.keeper.enforcing()) is None or verdict.holds is not holds:
                    await asyncio.sleep(0.01)
                    world._look()
            return f"{verdict.reason}: {verdict.message}"
        finally:
            running.cancel()

    async def known() -> None:
        """The configurations are listed."""

    world._facts.configurations_known = known
    said = asyncio.run(run_until(holds=False))
    assert said == 'CertificateUnavailable: Secret "theirs" with the certificate does not exist'
    world.secrets.data = {"ca.crt": CA}
    assert asyncio.run(run_until(holds=True)).startswith("WebhooksRegistered")
