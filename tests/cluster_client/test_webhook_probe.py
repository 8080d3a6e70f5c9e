"""Whether the webhook answers: asked of a real TLS server, by the name and the CA that the API server goes by."""

from __future__ import annotations

import asyncio
import base64
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fake_api import FakeApi, Object
from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError
from tiergate.cluster.webhook_probe import ProbeResult, ServiceProbe
from tiergate_certs.issue import Pair, issue_authority, issue_leaf, service_names

NOW = datetime.now(UTC)
START, END = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
SERVICE = "/api/v1/namespaces/t/services/tiergate-webhook"
DEPLOYMENT = "/apis/apps/v1/namespaces/t/deployments/tiergate-webhook"

LABELS = {"app.kubernetes.io/name": "tiergate"}


@dataclass
class World:
    """A cluster whose Service is a server of ours."""

    api: FakeApi
    config: Object
    clock: float = 0.0

    def probe(self, *, ahead: timedelta | None = None, server: timedelta = timedelta()) -> ServiceProbe:
        return ServiceProbe(
            Api(self.api),
            namespace="t",
            service="tiergate-webhook",
            clock_offset=lambda: ahead,
            now=lambda: datetime.now(UTC) + server + (ahead or timedelta()),
            clock=lambda: self.clock,
        )

    async def ask(self, *, ahead: timedelta | None = None, server: timedelta = timedelta()) -> ProbeResult:
        """Ask with a clock that is so much ahead of the API server's, whose own is so much ahead of the real time."""
        return await self.probe(ahead=ahead, server=server).ask(self.config)


def _context(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pair.pem"
        file.touch(mode=0o600)
        file.write_bytes(pair.certificate + pair.key)
        context.load_cert_chain(file)
    return context


@asynccontextmanager
async def a_webhook(
    *, answer: bytes = b"200 OK", name: str = "tiergate-webhook", ready: int = 2, ca_ends: datetime = END
) -> AsyncIterator[World]:
    authority = issue_authority(not_before=START, not_after=ca_ends)
    names = service_names(service=name, namespace="t")
    leaf = issue_leaf(authority, names=names, not_before=START, not_after=END)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        assert line == b"GET /decides HTTP/1.1\r\n"
        if answer:
            writer.write(b"HTTP/1.1 " + answer + b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=_context(leaf))
    port = server.sockets[0].getsockname()[1]
    api = FakeApi()
    api.put(SERVICE, {"spec": {"clusterIP": "127.0.0.1", "ports": [{"port": port}], "selector": LABELS}})
    template = {"metadata": {"labels": {**LABELS, "more": "labels"}}}
    api.put(DEPLOYMENT, {"spec": {"template": template}, "status": {"readyReplicas": ready}})
    bundle = base64.b64encode(authority.certificate).decode()
    async with server:
        yield World(api, {"service": {"name": "tiergate-webhook", "port": port}, "caBundle": bundle})


async def test_a_ready_replica_answers() -> None:
    async with a_webhook() as world:
        assert await world.ask() == ProbeResult(answered=True)


@pytest.mark.parametrize("answer", [b"503 Service Unavailable", b"", b"garbage"])
async def test_one_that_is_not_ready_does_not(answer: bytes) -> None:
    """Whether the API server reaches another one is what its own status says."""
    async with a_webhook(answer=answer) as world:
        probe = await world.ask()
        assert (probe.answered, probe.unreachable) == (False, False)
        assert "2 replicas are said to be ready" in probe.detail
    async with a_webhook(answer=answer, ready=0) as world:
        assert (await world.ask()).unreachable


@pytest.mark.parametrize(
    ("change", "words", "is_certain"),
    [
        (None, "does not exist", True),
        ({"ports": [{"port": 8}]}, "has no port", True),
        ({"selector": {"no": "pod"}}, "does not select the replicas", True),
        ({"selector": {}}, "though 2 replicas are said to be ready", False),
        ({}, "though 2 replicas are said to be ready", False),
    ],
)
async def test_a_service_that_leads_to_no_replica_is_of_no_use_to_anybody(
    change: Object | None, words: str, *, is_certain: bool
) -> None:
    """What is wrong with it can be read; where nothing is, or somebody else keeps its endpoints, nobody can tell."""
    async with a_webhook(answer=b"") as world:
        service = world.api.get(SERVICE)
        world.api.delete(SERVICE)
        if change is not None:
            world.api.put(SERVICE, {"spec": {**service["spec"], **change}})
        found = await world.ask()
        assert (found.answered, found.unreachable) == (False, is_certain)
        assert words in found.detail


async def test_replicas_that_give_no_verdict_are_of_no_use_to_anybody() -> None:
    """They have lost the API server for good; while it is away itself, or for a moment after, nothing is certain."""
    answer = b"503 Service Unavailable\r\nx: y\r\n\r\nout of touch with the API server: 403 Forbidden"
    async with a_webhook(answer=answer) as world:
        probe = world.probe()
        first = await probe.ask(world.config)
        assert "no verdict is possible: out of touch with the API server: 403 Forbidden" in first.detail
        seen = {0.0: first.unreachable}
        for world.clock in (9.0, 10.0):
            seen[world.clock] = (await probe.ask(world.config)).unreachable
        world.api.refuse["GET deployments"] = ApiError(500, "Internal", "no")
        for world.clock in (11.0, 12.0, 21.0, 22.0):
            seen[world.clock] = (await probe.ask(world.config)).unreachable
            world.api.refuse.clear()
    assert seen == {0.0: False, 9.0: False, 10.0: True, 11.0: False, 12.0: False, 21.0: False, 22.0: True}


async def test_a_replica_of_an_earlier_release_is_ready_by_its_services_word() -> None:
    async with a_webhook(answer=b"404 Not Found") as world:
        assert await world.ask() == ProbeResult(answered=True)


async def test_a_certificate_that_is_not_trusted_is_of_no_use_to_anybody() -> None:
    """Of another CA, for another name, or no CA published: the API server refuses it as we do."""
    async with a_webhook() as world:
        other = issue_authority(not_before=START, not_after=END).certificate
        for bundle in (base64.b64encode(other).decode(), "", "QUFB", "?"):
            probe = await World(world.api, {**world.config, "caBundle": bundle}).ask()
            assert (probe.answered, probe.unreachable) == (False, True), bundle
    async with a_webhook(name="somebody-else") as world:
        probe = await world.ask()
        assert (probe.answered, probe.unreachable) == (False, True)
        assert "certificate is not trusted" in probe.detail


@pytest.mark.parametrize("ahead", [timedelta(days=-400), timedelta(minutes=-10), timedelta(days=400), None])
async def test_what_is_valid_is_judged_at_the_time_of_the_api_server(ahead: timedelta | None) -> None:
    """A clock of ours that is off finds a good certificate good, and one that has expired expired; the CA likewise."""
    async with a_webhook() as world:
        assert await world.ask(ahead=ahead) == ProbeResult(answered=True)
        for server, words in ((timedelta(hours=2), "it expired at"), (timedelta(hours=-2), "not valid before")):
            probe = await world.ask(ahead=ahead, server=server)
            assert (probe.answered, probe.unreachable) == (False, True)
            assert words in probe.detail or "the published CA is not valid now" in probe.detail
    async with a_webhook(ca_ends=END + timedelta(days=2)) as world:
        assert (
            "its certificate is not trusted: it expired"
            in (await world.ask(ahead=ahead, server=timedelta(days=1))).detail
        )


async def test_a_refused_connection_is_certain_only_with_the_api_servers_word() -> None:
    """The way from us to the webhook may be what is broken."""
    async with a_webhook() as world:
        pass
    probe = await world.ask()
    assert (probe.answered, probe.unreachable) == (False, False)
    world.api.put(DEPLOYMENT, {"spec": {}, "status": {}})
    assert (await world.ask()).unreachable
    world.api.refuse["GET deployments"] = ApiError(403, "Forbidden", "no")
    assert not (await world.ask()).unreachable
    world.api.refuse.clear()
    world.api.delete(DEPLOYMENT)
    world.api.delete(SERVICE)
    probe = await world.ask()
    assert probe.unreachable
    assert "does not exist" in probe.detail


async def test_a_configuration_that_calls_elsewhere_is_not_asked() -> None:
    """What somebody wrote by hand must not end the loop that asks."""
    async with a_webhook() as world:
        for service in (None, "text", {"port": "https"}):
            probe = await World(world.api, {**world.config, "service": service}).ask()
            assert (probe.answered, probe.unreachable) == (False, False)
