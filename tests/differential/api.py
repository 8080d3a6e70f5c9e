"""Raw requests to an API server named by a kubeconfig, many at once over kept-alive connections."""

from __future__ import annotations

import asyncio
import base64
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
import yaml

CONNECTIONS: Final = 16
SECONDS: Final = 60.0


class Unexpected(RuntimeError):
    """The API server answered a request that must succeed with an error."""


class Api:
    """One API server, asked as the kubeconfig's current user."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session = session
        self._server = server

    @classmethod
    @asynccontextmanager
    async def connect(cls, kubeconfig: Path) -> AsyncIterator[Api]:
        """Open connections by a token or client certificate, whichever the kubeconfig holds."""
        config = yaml.safe_load(await asyncio.to_thread(kubeconfig.read_text))
        cluster, user = _current(config)
        connector = aiohttp.TCPConnector(ssl=_context(cluster, user), limit=CONNECTIONS)
        headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
            yield cls(session, cluster["server"])

    async def ask(
        self, method: str, path: str, body: bytes | None = None, *, media: str = "application/json"
    ) -> tuple[int, bytes]:
        """Return the status and body of an answer, whatever it is."""
        status, answer, _ = await self.told(method, path, body, media=media)
        return status, answer

    async def told(
        self, method: str, path: str, body: bytes | None = None, *, media: str = "application/json"
    ) -> tuple[int, bytes, tuple[str, ...]]:
        """Return status, body and warnings of an answer."""
        headers = {} if body is None else {"Content-Type": media}
        async with self._session.request(method, self._server + path, data=body, headers=headers) as answer:
            warnings = tuple(one.partition('"')[2] for one in answer.headers.getall("Warning", ()))
            return answer.status, await answer.read(), warnings

    async def call(
        self, method: str, path: str, body: object = None, *, media: str = "application/json", beside: int = 200
    ) -> Any:  # noqa: ANN401  # JSON
        """Return the decoded answer of a request that must succeed, or end with the status ``beside``."""
        content = None if body is None else msgspec.json.encode(body)
        status, answer = await self.ask(method, path, content, media=media)
        if status >= 300 and status != beside:
            msg = f"{method} {path}: {status} {answer[:600].decode(errors='replace')}"
            raise Unexpected(msg)
        return msgspec.json.decode(answer)


def _current(config: Any) -> tuple[dict[str, Any], dict[str, Any]]:  # noqa: ANN401  # YAML
    """Return (cluster, user) of the current context."""
    context = _named(config, "context", config["current-context"])
    return _named(config, "cluster", context["cluster"]), _named(config, "user", context["user"])


def _named(config: Any, kind: str, name: str) -> dict[str, Any]:  # noqa: ANN401  # YAML
    found: dict[str, Any] = next(one[kind] for one in config[f"{kind}s"] if one["name"] == name)
    return found


def _context(cluster: dict[str, Any], user: dict[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=_content(cluster, "certificate-authority"))
    certificate, key = _content(user, "client-certificate"), _content(user, "client-key")
    if certificate and key:
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as pair:  # the library reads files only
            pair.write(certificate + key)
            pair.flush()
            context.load_cert_chain(pair.name)
    return context


def _content(section: dict[str, Any], field: str) -> str | None:
    """Return the text a kubeconfig gives inline (base64) or by the name of a file."""
    if inline := section.get(f"{field}-data"):
        return base64.b64decode(inline).decode()
    return Path(section[field]).read_text() if field in section else None
