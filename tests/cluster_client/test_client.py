"""The raw client against a small HTTP server: who it says it is, and what it makes of answers."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web

from tests.server.pairs import a_pair, write
from tiergate.cluster import client as module
from tiergate.cluster.client import ApiError, Client, ConfigError, Unreachable
from tiergate.cluster.lines import LineSplitter

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Account(NamedTuple):
    """A service account folder and a server it trusts."""

    folder: Path
    files: Path


@pytest.fixture
def account(tmp_path: Path) -> Account:
    pair = a_pair()
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text("first\n")
    (folder / "ca.crt").write_bytes(pair.certificate)
    return Account(folder, write(tmp_path / "server", pair))


@contextlib.asynccontextmanager
async def serving(handler: Handler, files: Path | None) -> AsyncIterator[int]:
    """Serve every path with one handler on a free port, over TLS where files are given."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    context = None
    if files is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files / "tls.crt", files / "tls.key")
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.fixture
def talk(account: Account, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that runs a conversation of a pod's client with a handler."""

    def run(handler: Handler, conversation: Callable[[Client], Awaitable[None]]) -> None:
        async def main() -> None:
            async with serving(handler, account.files) as port:
                monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
                monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
                client = await Client.connect(service_account_dir=str(account.folder))
                try:
                    await conversation(client)
                finally:
                    await client.close()

        asyncio.run(main())

    return run


async def echo(request: web.Request) -> web.Response:
    body = (await request.read()).decode()
    names = ("Authorization", "Content-Type", "User-Agent", "Accept-Encoding")
    headers = {name: request.headers.get(name) for name in names}
    return web.json_response({"line": f"{request.method} {request.path_qs}", "body": body, **headers})


def test_a_request_as_a_pod_sends_it(talk: Callable[..., None]) -> None:
    async def conversation(client: Client) -> None:
        answer = json.loads(
            await client.request(
                "PATCH", "/api/v1/x", query={"a": "b c"}, body=b"[1]", content_type="application/x+json"
            )
        )
        assert answer == {
            "line": "PATCH /api/v1/x?a=b+c",
            "body": "[1]",
            "Authorization": "Bearer first",
            "Content-Type": "application/x+json",
            "User-Agent": "tiergate",
            "Accept-Encoding": "identity",
        }

    talk(echo, conversation)


def test_a_rotated_token_is_used_at_once(talk: Callable[..., None], account: Account) -> None:
    async def conversation(client: Client) -> None:
        fresh = account.folder / "fresh"
        fresh.write_text("second")
        fresh.replace(account.folder / "token")
        assert json.loads(await client.request("GET", "/"))["Authorization"] == "Bearer second"

    talk(echo, conversation)


def test_a_proxy_of_the_environment_is_not_used(talk: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")

    async def conversation(client: Client) -> None:
        assert await client.request("GET", "/")

    talk(echo, conversation)


@pytest.mark.parametrize(
    ("answer", "status", "reason", "message"),
    [
        pytest.param(
            (409, '{"kind":"Status","reason":"AlreadyExists","message":"is there"}'),
            409,
            "AlreadyExists",
            "is there",
            id="status-object",
        ),
        pytest.param((500, "Internal"), 500, "Internal Server Error", "Internal", id="plain-text"),
        pytest.param((302, ""), 302, "Found", "", id="a-redirect-is-not-followed"),
    ],
)
def test_refusals_have_names(
    talk: Callable[..., None], answer: tuple[int, str], status: int, reason: str, message: str
) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=answer[0], text=answer[1], headers={"Location": "/elsewhere"})

    async def conversation(client: Client) -> None:
        with pytest.raises(ApiError) as refusal:
            await client.request("GET", "/")
        assert (refusal.value.status, refusal.value.reason, refusal.value.message) == (status, reason, message)

    talk(handler, conversation)


def test_no_answer_in_time_is_unreachable(talk: Callable[..., None]) -> None:
    async def handler(_request: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.Response()

    async def conversation(client: Client) -> None:
        with pytest.raises(Unreachable, match=r"GET /slow: .*Timeout"):
            await client.request("GET", "/slow", timeout=0.05)

    talk(handler, conversation)


def test_another_servers_certificate_is_unreachable(talk: Callable[..., None], account: Account) -> None:
    async def conversation(client: Client) -> None:
        (account.folder / "ca.crt").write_bytes(a_pair("another").certificate)
        with pytest.raises(Unreachable):
            await client.request("GET", "/")

    talk(echo, conversation)


def test_a_huge_event_arrives_whole(talk: Callable[..., None]) -> None:
    """One pod with 1.2 MB of '<' in an env value makes a line of 7.2 MB."""
    line = json.dumps({"type": "ADDED", "object": {"value": "\\u003c" * 1_200_000}}).encode()

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.query["watch"] == "1"
        assert request.query["allowWatchBookmarks"] == "true"
        assert request.query["resourceVersion"] == "7"
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(line + b"\n" + b'{"type":"BOOKMARK"}\n' + b'{"type":"cut off')
        return response

    async def conversation(client: Client) -> None:
        opened: list[bool] = []
        lines = [one async for one in client.watch("/things", resource_version="7", opened=lambda: opened.append(True))]
        assert lines == [line, b'{"type":"BOOKMARK"}']
        assert opened == [True]

    talk(handler, conversation)


def test_a_line_without_end_is_unreachable(talk: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LineSplitter.__init__, "__defaults__", (1000,))

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * 2000)
        return response

    async def conversation(client: Client) -> None:
        with pytest.raises(Unreachable, match="longer than 1000 bytes"):
            async for _ in client.watch("/things", resource_version="7"):
                pass

    talk(handler, conversation)


def test_silence_cuts_a_watch(talk: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_SILENCE", 0.05)

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(1)
        return response

    async def conversation(client: Client) -> None:
        with pytest.raises(Unreachable):
            async for _ in client.watch("/things", resource_version="7"):
                pass

    talk(handler, conversation)


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        pytest.param("env", "this is no pod", id="no-environment"),
        pytest.param("token", "token", id="no-token"),
        pytest.param("ca.crt", "ca.crt", id="no-ca"),
        pytest.param("empty", "the token file is empty", id="empty-token"),
        pytest.param("garbage", "service account folder", id="garbage-ca"),
    ],
)
def test_an_incomplete_service_account_is_said(
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
    with pytest.raises(ConfigError, match=says):
        asyncio.run(Client.connect(service_account_dir=str(account.folder)))


def test_no_source_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(ConfigError, match="give a kubeconfig"):
        asyncio.run(Client.connect())


def a_kubeconfig(folder: Path, server: str, user: dict[str, object]) -> str:
    path = folder / "kubeconfig"
    named = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
    }
    path.write_text(json.dumps(named))
    return str(path)


def a_plugin(folder: Path, text: str) -> dict[str, object]:
    script = folder / "plugin"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    return {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script), "interactiveMode": "Never"}
    }


CREDENTIAL = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"of-plugin"}}'


@pytest.mark.parametrize(
    ("plugin", "proof"),
    [pytest.param(False, "Bearer of-file", id="token"), pytest.param(True, "Bearer of-plugin", id="exec-plugin")],
)
def test_a_kubeconfig_says_who_we_are(tmp_path: Path, *, plugin: bool, proof: str) -> None:
    of_file: dict[str, object] = {"token": "of-file"}
    user = a_plugin(tmp_path, f"echo '{CREDENTIAL}'") if plugin else of_file

    async def main() -> None:
        async with serving(echo, None) as port:
            client = await Client.connect(kubeconfig=a_kubeconfig(tmp_path, f"http://127.0.0.1:{port}", user))
            assert json.loads(await client.request("GET", "/"))["Authorization"] == proof
            await client.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda folder: str(folder / "none"), "no such file", id="missing"),
        pytest.param(
            lambda folder: a_kubeconfig(folder, "http://127.0.0.1:1", a_plugin(folder, "echo no ticket >&2; exit 7")),
            "no ticket",
            id="exec-plugin-fails",
        ),
        pytest.param(
            lambda folder: a_kubeconfig(folder, "http://127.0.0.1:1", a_plugin(folder, "echo '{}'")),
            "missing key",
            id="exec-plugin-says-nothing",
        ),
    ],
)
def test_a_bad_kubeconfig_is_an_error_and_never_anonymous(
    tmp_path: Path, make: Callable[[Path], str], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        asyncio.run(Client.connect(kubeconfig=make(tmp_path)))


def test_a_broken_kubeconfig_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("clusters: 3")
    with pytest.raises(ConfigError):
        asyncio.run(Client.connect(kubeconfig=str(path)))
