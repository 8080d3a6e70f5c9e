"""The raw client against a small HTTP server: what it sends, and what it makes of answers."""

import asyncio
import contextlib
import json
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest
from aiohttp import web

from tests.cluster_client.serving import Account, a_pods_client, echo
from tiergate.cluster import client as module
from tiergate.cluster.client import Client
from tiergate.cluster.errors import ApiError, BodyTooLarge, ConfigError, Silence, Unreachable
from tiergate.cluster.lines import LineSplitter


async def test_a_request_as_a_pod_sends_it(account: Account) -> None:
    async with a_pods_client(echo, account) as client:
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


async def test_a_proxy_of_the_environment_is_not_used(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")

    async with a_pods_client(echo, account) as client:
        assert await client.request("GET", "/")


@pytest.mark.parametrize("status", [200, 404], ids=["answer", "refusal"])
@pytest.mark.parametrize("ahead", [timedelta(minutes=7), timedelta(0), timedelta(minutes=-7)], ids=str)
async def test_our_clock_is_compared_with_the_servers(account: Account, ahead: timedelta, status: int) -> None:
    """A date that cannot be read leaves what was known before."""

    async def handler(request: web.Request) -> web.Response:
        date = request.query.get("date") or format_datetime(datetime.now(UTC) - ahead, usegmt=True)
        return web.Response(status=status, headers={"Date": date})

    async with a_pods_client(handler, account) as client:
        assert offset_of(client) is None
        for query in ({}, {"date": "yesterday"}, {"date": "Mon, 99 Foo 99999 99:99:99 GMT"}):
            with contextlib.suppress(ApiError):
                await client.request("GET", "/", query=query)
            offset = offset_of(client)
            assert offset is not None
            assert abs(offset - ahead) < timedelta(minutes=1)


def offset_of(client: Client) -> timedelta | None:
    return client.clock_offset


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
async def test_refusals_have_names(
    account: Account, answer: tuple[int, str], status: int, reason: str, message: str
) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=answer[0], text=answer[1], headers={"Location": "/elsewhere"})

    async with a_pods_client(handler, account) as client:
        with pytest.raises(ApiError) as refusal:
            await client.request("GET", "/")
        assert (refusal.value.status, refusal.value.reason, refusal.value.message) == (status, reason, message)


async def test_no_answer_in_time_is_unreachable(account: Account) -> None:
    async def handler(_request: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.Response()

    async with a_pods_client(handler, account) as client:
        with pytest.raises(Unreachable, match=r"GET /slow: no answer in time"):
            await client.request("GET", "/slow", timeout=0.05)


async def test_a_huge_event_arrives_whole(account: Account) -> None:
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

    async with a_pods_client(handler, account) as client:
        opened: list[bool] = []
        lines = [one async for one in client.watch("/things", resource_version="7", opened=lambda: opened.append(True))]
        assert lines == [line, b'{"type":"BOOKMARK"}']
        assert opened == [True]


async def test_a_line_without_end_is_unreachable(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LineSplitter.__init__, "__defaults__", (1000,))

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x" * 2000)
        return response

    async with a_pods_client(handler, account) as client:
        with pytest.raises(Unreachable, match="longer than 1000 bytes"):
            async for _ in client.watch("/things", resource_version="7"):
                pass


async def test_silence_cuts_a_watch(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_SILENCE", 0.05)

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(1)
        return response

    async with a_pods_client(handler, account) as client:
        with pytest.raises(Silence):
            async for _ in client.watch("/things", resource_version="7"):
                pass


async def test_no_more_of_an_answer_is_read_than_was_asked_for(account: Account) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:  # without an end
            await response.write(b"x" * 1000)

    async with a_pods_client(handler, account) as client:
        with pytest.raises(BodyTooLarge):
            await client.request("GET", "/things", most=10**5)


async def test_no_source_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(ConfigError, match="give a kubeconfig"):
        await Client.connect()


class Failing:
    """A source of credentials that raises."""

    base = "http://127.0.0.1:1"
    proxy: str | None = None
    server_hostname: str | None = None

    def __init__(self, error: Exception, *, tls: bool) -> None:
        self._error = error
        self._tls = tls

    def tls(self) -> bool:
        raise self._error

    async def authorization(self) -> str | None:
        if self._tls:
            return None
        raise self._error


@pytest.mark.parametrize("tls", [False, True], ids=["authorization", "tls"])
@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        FileNotFoundError("x"),
        KeyError("x"),
        TypeError("x"),
        ssl.SSLError("x"),
        json.JSONDecodeError("x", "", 0),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_a_source_of_credentials_raises_is_unreachable(error: Exception, *, tls: bool) -> None:
    async with aiohttp.ClientSession() as session:
        client = Client(Failing(error, tls=tls), session)
        with pytest.raises(Unreachable, match=r"GET /: no credentials: .*x"):
            await client.request("GET", "/")
        with pytest.raises(Unreachable, match=r"GET /things: no credentials: .*x"):
            async for _ in client.watch("/things", resource_version="7"):
                pass
