"""A certificate that somebody else keeps: its CA is published, and nothing of it is written."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fake_api import FakeApi
from tests.following import following
from tests.virtual_time import clock
from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError
from tiergate.cluster.registration import CONFIGURATION_KINDS, REQUIRED_ENTRIES
from tiergate.cluster.state import ClusterState
from tiergate.controller.certificates import CertificateKeeper, ExternalSecretUnusable
from tiergate_certs.bundle import LARGEST_PEM, serving_data
from tiergate_certs.issue import Pair, issue_authority, issue_leaf
from tiergate_certs.plan import Policy
from tiergate_certs.store import Stored

NAME = "webhook.svc"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW, OTHER = (issue_authority(not_before=NOW - DAY, not_after=NOW + 90 * DAY) for _ in range(3))


def a_secret(authority: Pair, *trusted: Pair, name: str = NAME, ends: timedelta = DAY) -> dict[str, bytes]:
    """Return what the owner of the certificate keeps: a leaf of a CA, and whom to trust."""
    leaf = issue_leaf(authority, names=[name], not_before=NOW - 2 * DAY, not_after=NOW + ends)
    return serving_data(leaf, trusted=b"".join(one.certificate for one in trusted or (authority,)))


GOOD = a_secret(OLD)


class Secrets:
    """One Secret that may only be read."""

    def __init__(self, data: Mapping[str, bytes] | None) -> None:
        self.data = data
        self.error: Exception | None = None

    async def read(self, name: str) -> Stored | None:
        assert name == "theirs"
        if self.error is not None:
            raise self.error
        return None if self.data is None else Stored(self.data, "1")

    async def write(
        self,
        name: str,
        data: Mapping[str, bytes],
        resource_version: str,
        *,
        annotations: Mapping[str, str | None],
    ) -> None:
        raise AssertionError((name, data, resource_version, annotations))


class World:
    """A keeper of an external Secret, and both webhook configurations as the API server has them."""

    def __init__(self, data: Mapping[str, bytes] | None, *, published: bytes = b"", ca_injected: bool = False) -> None:
        self.now, self.offset = NOW, timedelta(0)
        self.api = FakeApi()
        self.secrets = Secrets(data)
        self.changes = 0
        for kind, resource in CONFIGURATION_KINDS.items():
            found = {"caBundle": base64.b64encode(published).decode()} if published else {}
            webhooks = [{"name": name, "clientConfig": found} for name in REQUIRED_ENTRIES[kind]]
            self.api.put(resource.object("tiergate"), {"webhooks": webhooks})
        self._state = ClusterState(self.api, release_namespace="tiergate-system", controls=True, clock=clock)
        self.keeper = CertificateKeeper(
            Api(self.api),
            self.secrets,
            self._state,
            names=[NAME, "a.name.that.others.need.not.have"],
            policy=Policy(),
            now=lambda: self.now,
            on_change=self._changed,
            external_secret="theirs",
            clock=clock,
            clock_offset=lambda: self.offset,
            ca_injected=ca_injected,
        )

    def _changed(self) -> None:
        self.changes += 1

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[World]:
        """Follow what the API server has."""
        async with following(self._state, self._state.configurations_known):
            yield self

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
    async with World(GOOD).followed() as world:
        await world.step()
        assert world.published() == {OLD.certificate}
        written = dict(world.api.journal)
        await world.step()
        assert dict(world.api.journal) == written
        assert world.changes == 1
        world.secrets.data = a_secret(OLD, OLD, NEW)
        await world.step()
        assert world.published() == {OLD.certificate + NEW.certificate}


async def test_another_ca_is_trusted_beside_the_former_one() -> None:
    """Its owner replaces everything at once, as cert-manager does: replicas pick it up when they can."""
    async with World(GOOD).followed() as world:
        await world.step()
        world.secrets.data = a_secret(NEW)
        await world.step()
        assert world.published() == {NEW.certificate + OLD.certificate}
        world.now = NOW + DAY
        world.secrets.data = a_secret(NEW, ends=9 * DAY)
        await world.step()
        assert world.published() == {NEW.certificate + OLD.certificate}
        world.now += timedelta(seconds=1)
        await world.step()
        assert world.published() == {NEW.certificate}


async def test_what_was_published_before_us_is_former_and_what_comes_later_is_not_ours() -> None:
    """A change of mode leaves its CA in caBundle, and its leaf with replicas; who writes there later is undone."""
    async with World(GOOD, published=OTHER.certificate).followed() as world:
        await world.step()
        assert world.published() == {OLD.certificate + OTHER.certificate}
        for resource in CONFIGURATION_KINDS.values():
            document = world.api.get(resource.object("tiergate"))
            for entry in document["webhooks"]:
                entry["clientConfig"]["caBundle"] = base64.b64encode(NEW.certificate).decode()
            world.api.put(resource.object("tiergate"), document)
        await asyncio.sleep(0.01)
        await world.step()
        assert world.published() == {OLD.certificate + OTHER.certificate}


async def test_a_ca_that_somebody_else_injects_is_judged_and_never_written() -> None:
    async with World(GOOD, ca_injected=True).followed() as world:
        before = dict(world.api.journal)
        await world.step()
        assessment = world.keeper.enforcing()
        assert assessment is not None
        assert (assessment.holds, assessment.reason) == (False, "CABundlePending")
        assert dict(world.api.journal) == before
        for kind, resource in CONFIGURATION_KINDS.items():
            client = {"caBundle": base64.b64encode(OLD.certificate).decode()}
            webhooks = [{"name": name, "clientConfig": client} for name in REQUIRED_ENTRIES[kind]]
            world.api.put(resource.object("tiergate"), {"webhooks": webhooks})
        await world.step()
        assessment = world.keeper.enforcing()
        assert assessment is not None
        assert assessment.holds


async def test_enforcing_follows() -> None:
    async with World(GOOD).followed() as world:
        await world.step()
        assessment = world.keeper.enforcing()
        assert assessment is not None
        assert assessment.holds


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(None, 'Secret "theirs" with the certificate does not exist', id="not-there"),
        pytest.param({}, 'Secret "theirs" has no ca.crt', id="empty"),
        pytest.param({"tls.crt": b"", "tls.key": b""}, 'Secret "theirs" has no ca.crt', id="no-ca"),
        pytest.param({**GOOD, "ca.crt": b""}, 'Secret "theirs" has no ca.crt', id="empty-ca"),
        pytest.param({**GOOD, "ca.crt": b"\xff\x00"}, "ca.crt cannot be read", id="garbage"),
        pytest.param({**GOOD, "ca.crt": GOOD["ca.crt"][:-60]}, "ca.crt cannot be read", id="cut-off"),
        pytest.param({**GOOD, "ca.crt": GOOD["ca.crt"] + b"#" * LARGEST_PEM}, "ca.crt cannot be read", id="huge"),
    ],
)
async def test_what_is_missing_is_said_and_nothing_published(data: Mapping[str, bytes] | None, words: str) -> None:
    async with World(data).followed() as world:
        with pytest.raises(ExternalSecretUnusable, match=words):
            await world.step()
        assert world.published() == {b""}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param({"ca.crt": OLD.certificate}, "the serving certificate cannot be read", id="no-certificate"),
        pytest.param({**GOOD, "tls.key": b"no key"}, "the serving private key cannot be read", id="no-key"),
        pytest.param({**GOOD, "tls.key": OLD.key}, "does not belong to the serving certificate", id="another-key"),
        pytest.param(a_secret(NEW, OLD), "not signed by a CA that is trusted", id="another-ca"),
        pytest.param(a_secret(OLD, ends=-DAY), "the serving certificate expired", id="expired"),
        pytest.param(a_secret(OLD, name="x.y"), f"does not name {NAME}", id="another-name"),
    ],
)
async def test_a_certificate_that_cannot_serve_is_said(data: Mapping[str, bytes], words: str) -> None:
    """Whom to trust is published all the same: replicas may still serve the pair from before."""
    async with World(data).followed() as world:
        with pytest.raises(ExternalSecretUnusable, match=words):
            await world.step()
        assert world.published() == {OLD.certificate}


async def said(world: World, reason: str) -> str:
    """Return the message of Enforcing once it has this reason."""
    async with asyncio.timeout(120):
        while (assessment := world.keeper.enforcing()) is None or assessment.reason != reason:  # noqa: ASYNC110 - the keeper tells nobody here
            await asyncio.sleep(0.1)
    assert assessment.holds is (reason == "WebhooksRegistered")
    return assessment.message


async def test_the_status_says_why_until_it_is_repaired() -> None:
    """A loop that cannot go on makes Enforcing False with the reason, and takes up what is there later."""
    async with World(None).followed() as world:
        running = asyncio.create_task(world.keeper.run())
        missing = 'Secret "theirs" with the certificate does not exist'
        assert await said(world, "CertificateUnavailable") == missing
        world.secrets.data = GOOD
        await said(world, "WebhooksRegistered")
        world.secrets.data = None
        assert await said(world, "CertificateUnavailable") == missing
        running.cancel()


@pytest.mark.parametrize(
    "error",
    [ValueError("odd"), TypeError("odd"), RuntimeError("odd"), ApiError(403, "Forbidden", "odd")],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_goes_wrong_is_said_and_tried_again(error: Exception) -> None:
    """A refusal of the API server is given half a minute: restarts of it are no outage of ours."""
    async with World(GOOD).followed() as world:
        running = asyncio.create_task(world.keeper.run())
        await said(world, "WebhooksRegistered")
        world.secrets.error, began = error, clock()
        assert "odd" in await said(world, "CertificateUnavailable")
        assert (clock() - began > 30) is isinstance(error, ApiError)
        world.secrets.error = None
        await said(world, "WebhooksRegistered")
        assert not running.done()
        running.cancel()


@pytest.mark.parametrize("sign", [1, -1], ids=["ahead", "behind"])
async def test_a_clock_that_is_off_changes_nothing_and_is_said(sign: int) -> None:
    async with World(GOOD).followed() as world:
        world.offset = sign * timedelta(minutes=5)
        await world.step()
        written = dict(world.api.journal)
        world.secrets.data = a_secret(NEW)
        world.offset = sign * timedelta(minutes=5, seconds=1)
        running = asyncio.create_task(world.keeper.run())
        side = "ahead of" if sign > 0 else "behind"
        assert f"clock is 301 s {side} the API server's" in await said(world, "ClockSkew")
        assert dict(world.api.journal) == written
        world.offset = timedelta(0)
        await said(world, "WebhooksRegistered")
        assert world.published() == {NEW.certificate + OLD.certificate}
        running.cancel()
