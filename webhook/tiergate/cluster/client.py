"""One raw client of the API server: bytes in, bytes out, errors with names.

Where the server is and who we are comes from a service account (``service_account``) or a kubeconfig (``kubeconfig``,
which needs the extra ``live``).
"""

from __future__ import annotations

import contextlib
import os
import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import aiohttp
import msgspec

from tiergate.cluster.errors import (
    ApiError,
    BodyTooLarge,
    ConfigError,
    Silence,
    Unreachable,
    in_words,
)
from tiergate.cluster.lines import LineSplitter, LineTooLong
from tiergate.cluster.service_account import ServiceAccount

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Mapping

CONNECT_TIMEOUT: Final = 10.0
WATCH_SECONDS: Final = (300, 600)
"""The server is asked to end each watch after a random time in this range, so that replicas spread over API servers."""
WATCH_SILENCE: Final = 100.0
"""Seconds without a byte after which a watch counts as cut: bookmarks come every 60 to 75 s."""
READ_BUFFER: Final = 2**20
MAX_BODY: Final = 64 * 2**20
"""Bytes of one answer: the largest object is a fraction of it, and lists are read in pages."""

_IDENTITY: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "tiergate"}


class _Status(msgspec.Struct):
    reason: str = ""
    message: str = ""


class CredentialSource(Protocol):
    """Where the API server is and how to prove who we are.

    Both methods may raise any exception. The client turns it into Unreachable: the next try may find the credentials.
    """

    base: str
    proxy: str | None
    server_hostname: str | None

    def tls(self) -> ssl.SSLContext | bool:
        """Return the context to verify the server with (and our own certificate, where that is the proof)."""

    async def authorization(self) -> str | None:
        """Return the current Authorization header."""


class Client:
    """Requests and watches against one API server, with connections kept alive."""

    def __init__(self, access: CredentialSource, session: aiohttp.ClientSession) -> None:
        """Use ``connect`` instead."""
        self._access = access
        self._session = session
        self._clock_offset: timedelta | None = None

    @property
    def clock_offset(self) -> timedelta | None:
        """By how much our clock was ahead of the API server's at its latest answer; None while that is not known.

        The server tells its time in whole seconds, and the answer has travelled: a second or two mean nothing.
        """
        return self._clock_offset

    @classmethod
    async def connect(cls, *, kubeconfig: str | None = None, service_account_dir: str | None = None) -> Client:
        """Prepare a client from exactly one named source; nothing is sent yet.

        Args:
            kubeconfig: Path of a kubeconfig file; it wins over the other source.
            service_account_dir: Folder with ``token`` and ``ca.crt``; the address comes from KUBERNETES_SERVICE_HOST
                and KUBERNETES_SERVICE_PORT. The files are read again whenever they change.

        Raises:
            ConfigError: The source is missing, unreadable or its exec plugin failed.
            ModuleNotFoundError: A kubeconfig is given and the extra ``live`` is not installed.
        """
        access: CredentialSource
        if kubeconfig is not None:
            from tiergate.cluster.kubeconfig import KubeConfig  # noqa: PLC0415 - pods run without its library

            access = await KubeConfig.load(kubeconfig)
        elif service_account_dir is not None:
            access = ServiceAccount.load(Path(service_account_dir), os.environ)
        else:
            msg = "no API server: give a kubeconfig or a service account folder"
            raise ConfigError(msg)
        return cls.of(access)

    @classmethod
    def of(cls, access: CredentialSource) -> Client:
        """Return a client with this access; nothing is sent yet."""
        return cls(access, _session())

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = 10.0,  # noqa: ASYNC109 - one number for connecting, sending and reading, as the caller thinks of it
        most: int = MAX_BODY,
    ) -> bytes:
        """Send one request and return the body of a 2xx answer.

        Args:
            method: HTTP verb.
            path: Absolute and already escaped, for example ``/api/v1/namespaces/dev``.
            query: Query parameters, not escaped.
            body: Sent as it is.
            content_type: Media type of the body; patches need their own.
            timeout: Seconds for everything.
            most: Bytes of the answer that are read.

        Raises:
            ApiError: The API server answered with an error.
            BodyTooLarge: The answer is longer than ``most``; the rest was not read.
            Unreachable: It did not answer, or there are no credentials to ask it with.
        """
        limits = aiohttp.ClientTimeout(total=timeout)
        headers = {} if body is None else {"Content-Type": content_type}
        async with self._send(method, path, query, limits, body=body, headers=headers) as response:
            return await _body(response, most)

    async def watch(
        self,
        path: str,
        *,
        resource_version: str,
        query: Mapping[str, str] | None = None,
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[bytes]:
        """Yield the raw events of one watch, one JSON text each, until the server ends it.

        Bookmarks are asked for. Close the iterator (``contextlib.aclosing``) when leaving early.

        Args:
            path: Collection path.
            resource_version: Where to start, from a list or an earlier event.
            query: Selectors.
            opened: Called once the server has accepted the watch; the first event may be a minute away.

        Raises:
            ApiError: The watch was refused.
            Silence: It said nothing for ``WATCH_SILENCE`` seconds.
            Unreachable: It could not be opened, or was cut.
        """
        asked = {
            **(query or {}),
            "watch": "1",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(random.randint(*WATCH_SECONDS)),  # noqa: S311 - spreads load, guards nothing
        }
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=WATCH_SILENCE)
        splitter = LineSplitter()
        async with self._send("GET", path, asked, limits) as response:
            if opened is not None:
                opened()
            while chunk := await _chunk(response, path):
                for line in splitter.feed(chunk):
                    yield line

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    @contextlib.asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        limits: aiohttp.ClientTimeout,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a request; an error answer becomes ApiError, a failure of credentials or transport Unreachable."""
        access = self._access
        try:
            authorization, context = await access.authorization(), access.tls()
            sent = {**(headers or {}), **_authorization(authorization)}
        except Exception as error:
            raise Unreachable(f"{method} {path}: no credentials: {in_words(error)}") from error
        try:
            async with self._session.request(
                method,
                access.base + path,
                params=query,
                data=body,
                headers=sent,
                timeout=limits,
                ssl=context,
                proxy=access.proxy,
                server_hostname=access.server_hostname,
                allow_redirects=False,
            ) as response:
                self._note_time(response.headers.get("Date", ""))
                if not 200 <= response.status < 300:
                    raise _refusal(response.status, response.reason or "", await response.read())
                yield response
        except (aiohttp.ClientError, OSError, LineTooLong) as error:  # TimeoutError and ssl.SSLError are OSErrors
            where = f"{access.base} cannot be reached: " if isinstance(error, aiohttp.ClientConnectorError) else ""
            raise Unreachable(f"{method} {path}: {where}{in_words(error)}") from error

    def _note_time(self, date: str) -> None:
        with contextlib.suppress(ValueError, OverflowError):  # no date, or none that can be read
            told = parsedate_to_datetime(date)
            self._clock_offset = datetime.now(UTC) - told.replace(tzinfo=told.tzinfo or UTC)


async def _body(response: aiohttp.ClientResponse, most: int) -> bytes:
    parts: list[bytes] = []
    length = 0
    async for chunk in response.content.iter_any():
        length += len(chunk)
        if length > most:
            response.close()
            raise BodyTooLarge(f"an answer is longer than {most} bytes")
        parts.append(chunk)
    return b"".join(parts)


async def _chunk(response: aiohttp.ClientResponse, path: str) -> bytes:
    """Return the next bytes of a watch, none at its end."""
    try:
        return await response.content.readany()
    except TimeoutError:
        pass  # raised below, without the traceback of what waited
    raise Silence(f"GET {path}: the watch said nothing for {WATCH_SILENCE:g} s")


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_IDENTITY,
        read_bufsize=READ_BUFFER,
        trust_env=False,  # a proxy of the environment must never see the API server's traffic
    )


def _authorization(value: str | None) -> dict[str, str]:
    """Return the header as a mapping, empty where there is none; the message of an error never shows the value."""
    if value is None:
        return {}
    if not (value.isascii() and value.isprintable()):
        msg = "the token has characters that a header cannot hold"
        raise ValueError(msg)
    return {"Authorization": value}


def _refusal(status: int, phrase: str, body: bytes) -> ApiError:
    try:
        answer = msgspec.json.decode(body, type=_Status)
    except msgspec.DecodeError:  # no Status object: a proxy in between, or the server's plain text
        return ApiError(status, phrase, body[:500].decode("utf-8", "replace").strip())
    return ApiError(status, answer.reason or phrase, answer.message)


def off_by(offset: timedelta) -> str:
    """Say how our clock stands to the API server's, for people."""
    side = "ahead of" if offset > timedelta(0) else "behind"
    return f"{abs(offset) // timedelta(seconds=1)} s {side} the API server's"
