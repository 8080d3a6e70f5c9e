"""A thin Kubernetes client for the harness itself; the product's own client is under test and not used here."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

Object = dict[str, Any]
MERGE: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
_LOG: Final = logging.getLogger(__name__)


class ApiError(RuntimeError):
    """The API server answered with an error; `status` is the HTTP code."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text[:500]}")
        self.status = status


# What a call raises while the API server is away; a caller that must go on retries.
UNREACHABLE: Final = (aiohttp.ClientError, TimeoutError, ConnectionError)


class Api:
    """Calls to one API server as the administrator."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server

    @classmethod
    @asynccontextmanager
    async def connect(cls, *, server: str, token: str, authority: str) -> AsyncIterator[Api]:
        """Open a session; `authority` is the PEM text that the server's certificate is checked with."""
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=authority), limit=0)
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
            yield cls(session, server)

    async def call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Return the decoded answer, or raise ApiError or one of UNREACHABLE."""
        async with self._session.request(
            method,
            self._server + path,
            params=query,
            data=None if body is None else json.dumps(body).encode(),
            headers={} if body is None else {"Content-Type": content_type},
            timeout=aiohttp.ClientTimeout(total=15),
        ) as response:
            text = await response.text()
            if response.status >= 400:
                raise ApiError(response.status, text)
            return _decoded(text)

    async def watch(self, path: str, resource_version: str) -> AsyncIterator[Object]:
        """Yield watch events until the server ends the watch; lines may be of any length."""
        query = {"watch": "true", "resourceVersion": resource_version}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        async with self._session.get(self._server + path, params=query, timeout=timeout) as response:
            if response.status >= 400:
                raise ApiError(response.status, await response.text())
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)


def _decoded(text: str) -> Object:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:  # /readyz and its like answer with plain text
        return {"text": text}
    return value if isinstance(value, dict) else {"value": value}


class Mirror:
    """The objects of one path, kept up to date by list and watch."""

    def __init__(self, api: Api, path: str, on_change: Callable[[], None]) -> None:
        self.objects: dict[str, Object] = {}
        self._api = api
        self._path = path
        self._on_change = on_change

    async def run(self) -> None:
        """Follow the path for ever; a broken connection or an expired version means a new list."""
        while True:
            try:
                await self._follow()
            except (ApiError, *UNREACHABLE) as error:
                _LOG.warning("%s: %s %s; listing again", self._path, type(error).__name__, error)
            await asyncio.sleep(0.2)

    async def _follow(self) -> None:
        listed = await self._api.call("GET", self._path)
        self.objects = {item["metadata"]["name"]: item for item in listed["items"]}
        self._on_change()
        async for event in self._api.watch(self._path, listed["metadata"]["resourceVersion"]):
            self._apply(event)

    def _apply(self, event: Object) -> None:
        match event["type"]:
            case "ADDED" | "MODIFIED":
                self.objects[event["object"]["metadata"]["name"]] = event["object"]
            case "DELETED":
                self.objects.pop(event["object"]["metadata"]["name"], None)
            case "ERROR":
                raise ApiError(event["object"].get("code", 500), event["object"].get("message", ""))
        self._on_change()
