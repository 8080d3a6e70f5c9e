"""A pod's identity: read from two files, and read again when they change."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web

from tests.cluster_client.serving import Account, a_pods_client, echo
from tests.server.pairs import a_pair
from tiergate.cluster import watch
from tiergate.cluster.client import Client
from tiergate.cluster.errors import ConfigError, Unreachable
from tiergate.cluster.resource import NAMESPACES
from tiergate.cluster.watch import Cache


async def test_a_rotated_token_is_used_at_once(account: Account) -> None:
    async with a_pods_client(echo, account) as client:
        fresh = account.folder / "fresh"
        fresh.write_text("second")
        fresh.replace(account.folder / "token")
        assert json.loads(await client.request("GET", "/"))["Authorization"] == "Bearer second"


async def test_another_servers_certificate_is_unreachable(account: Account) -> None:
    async with a_pods_client(echo, account) as client:
        (account.folder / "ca.crt").write_bytes(a_pair("another").certificate)
        with pytest.raises(Unreachable):
            await client.request("GET", "/")


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        pytest.param("env", "this is not a pod", id="no-environment"),
        pytest.param("token", "token", id="no-token"),
        pytest.param("ca.crt", "ca.crt", id="no-ca"),
        pytest.param("empty", "the token file is empty", id="empty-token"),
        pytest.param("garbage", "service account folder", id="garbage-ca"),
        pytest.param("empty-ca", "ca.crt is empty", id="empty-ca"),
    ],
)
async def test_an_incomplete_service_account_is_said(
    account: Account, monkeypatch: pytest.MonkeyPatch, missing: str, says: str
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "" if missing == "env" else "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    if missing in {"token", "ca.crt"}:
        (account.folder / missing).unlink()
    if missing == "empty":
        (account.folder / "token").write_text("\n")
    if missing == "garbage":
        (account.folder / "ca.crt").write_text("garbage")
    if missing == "empty-ca":
        (account.folder / "ca.crt").write_text("")
    with pytest.raises(ConfigError, match=says):
        await Client.connect(service_account_dir=str(account.folder))


BROKEN = [
    pytest.param("token", None, "token", id="no-token"),
    pytest.param("token", b"", "the token file is empty", id="empty-token"),
    pytest.param("token", b"\n \n", "the token file is empty", id="blank-token"),
    pytest.param("token", b"\xff\xfe", "decode", id="token-is-not-text"),
    pytest.param("token", b"first\nsecond", "a header cannot hold", id="token-of-two-lines"),
    pytest.param("ca.crt", None, "ca.crt", id="no-ca"),
    pytest.param("ca.crt", b"", "ca.crt is empty", id="empty-ca"),
    pytest.param("ca.crt", b"garbage", "no credentials", id="garbage-ca"),
    pytest.param("ca.crt", b"\xff\xfe", "decode", id="ca-is-not-text"),
]


def replace(path: Path, content: bytes | None) -> None:
    """Replace a file as the kubelet does, or remove it."""
    if content is None:
        path.unlink()
        return
    fresh = path.with_name("fresh")
    fresh.write_bytes(content)
    fresh.replace(path)


@pytest.mark.parametrize(("name", "content", "says"), BROKEN)
async def test_a_file_that_breaks_while_running_is_unreachable_until_it_is_replaced(
    account: Account, name: str, content: bytes | None, says: str
) -> None:
    path = account.folder / name
    good = path.read_bytes()
    async with a_pods_client(echo, account) as client:
        await client.request("GET", "/")
        replace(path, content)
        for _ in range(2):
            with pytest.raises(Unreachable, match=says):
                await client.request("GET", "/")
            with pytest.raises(Unreachable, match=says):
                await anext(client.watch("/things", resource_version="7"))
        replace(path, good)
        assert await client.request("GET", "/")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "content", "says"), BROKEN)
async def test_a_cache_outlives_a_broken_file(
    account: Account, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None, says: str
) -> None:
    del says
    monkeypatch.setattr(watch, "FIRST_PAUSE", 0.01)

    async def handler(request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            await asyncio.sleep(60)
        return web.json_response({"metadata": {"resourceVersion": "7"}, "items": []})

    path = account.folder / name
    good = path.read_bytes()
    async with a_pods_client(handler, account) as client:
        replace(path, content)
        cache = Cache(client, NAMESPACES, decode=bytes)
        running = asyncio.create_task(cache.run())
        await asyncio.sleep(0.02)
        assert not running.done()
        assert not cache.synced
        replace(path, good)
        assert await cache.changed(5)
        assert cache.resource_version == "7"
        running.cancel()
