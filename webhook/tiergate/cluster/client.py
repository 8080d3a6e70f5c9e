"""One raw client of the API server: bytes in, bytes out, errors with names.

Inside a pod everything needed is the service account folder and two environment variables, so that path does not
import the ``kubernetes`` library: it would cost each replica 0.2 s and 21 MB (measured, 37.0.2) for reading two files,
and sees a rotated token up to a minute late. A kubeconfig is the library's business: it knows exec plugins, OIDC and
client certificates; we take its ``Configuration`` and the TLS context of its ``ApiClient``, and send ourselves.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import aiohttp
import msgspec

from tiergate.cluster.lines import LineSplitter, LineTooLong

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping

CONNECT_TIMEOUT: Final = 10.0
WATCH_SECONDS: Final = (300, 600)
"""The server is asked to end each watch after a random time in this range, so that replicas spread over API servers."""
WATCH_SILENCE: Final = 100.0
"""Seconds without a byte after which a watch counts as cut: bookmarks come every 60 to 75 s."""
READ_BUFFER: Final = 2**20
EXEC_REFRESH: Final = 60.0

_IDENTITY: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "tiergate"}


NOT_FOUND: Final = 404
CONFLICT: Final = 409


class ApiError(RuntimeError):
    """The API server answered, and the answer is an error.

    ``status`` is the HTTP code, ``reason`` and ``message`` are those of the Status object (empty where there is none).
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        """Keep the three parts; the text is all of them."""
        super().__init__(f"{status} {reason}: {message}".rstrip(": "))
        self.status = status
        self.reason = reason
        self.message = message


class Unreachable(RuntimeError):
    """There was no answer: connection refused or cut, TLS failure, time is up."""


class ConfigError(RuntimeError):
    """No usable way to an API server was given; the message says what is missing."""


class _Status(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _Access(Protocol):
    """Where the API server is and how to prove who we are."""

    base: str
    proxy: str | None
    server_hostname: str | None

    def tls(self) -> ssl.SSLContext | bool:
        """Return the context to verify the server with (and our own certificate, where that is the proof)."""

    async def authorization(self) -> str | None:
        """Return the current Authorization header."""


class Client:
    """Requests and watches against one API server, with connections kept alive."""

    def __init__(self, access: _Access, session: aiohttp.ClientSession) -> None:
        """Use ``connect`` instead."""
        self._access = access
        self._session = session

    @classmethod
    async def connect(cls, *, kubeconfig: str | None = None, service_account_dir: str | None = None) -> Client:
        """Prepare a client from exactly one named source; nothing is sent yet.

        Args:
            kubeconfig: Path of a kubeconfig file; it wins over the other source.
            service_account_dir: Folder with ``token`` and ``ca.crt``; the address comes from KUBERNETES_SERVICE_HOST
                and KUBERNETES_SERVICE_PORT. The files are read again whenever they change.

        Raises:
            ConfigError: The source is missing, unreadable or its exec plugin failed.
        """
        access: _Access
        if kubeconfig is not None:
            access = await _KubeConfig.load(kubeconfig)
        elif service_account_dir is not None:
            access = _ServiceAccount.load(Path(service_account_dir), os.environ)
        else:
            msg = "no API server: give a kubeconfig or a service account folder"
            raise ConfigError(msg)
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
    ) -> bytes:
        """Send one request and return the body of a 2xx answer.

        Args:
            method: HTTP verb.
            path: Absolute and already escaped, for example ``/api/v1/namespaces/dev``.
            query: Query parameters, not escaped.
            body: Sent as it is.
            content_type: Media type of the body; patches need their own.
            timeout: Seconds for everything.

        Raises:
            ApiError: The API server answered with an error.
            Unreachable: It did not answer.
        """
        limits = aiohttp.ClientTimeout(total=timeout)
        headers = {} if body is None else {"Content-Type": content_type}
        async with self._send(method, path, query, limits, body=body, headers=headers) as response:
            return await response.read()

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
            Unreachable: It could not be opened, was cut, or said nothing for ``WATCH_SILENCE`` seconds.
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
            async for chunk in response.content.iter_any():
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
        """Open a request, turn refusals into ApiError and everything the transport can say into Unreachable."""
        access = self._access
        sent = dict(headers or {})
        if proof := await access.authorization():
            sent["Authorization"] = proof
        try:
            async with self._session.request(
                method,
                access.base + path,
                params=query,
                data=body,
                headers=sent,
                timeout=limits,
                ssl=access.tls(),
                proxy=access.proxy,
                server_hostname=access.server_hostname,
                allow_redirects=False,
            ) as response:
                if not 200 <= response.status < 300:
                    raise _refusal(response.status, response.reason or "", await response.read())
                yield response
        except (aiohttp.ClientError, OSError, LineTooLong) as error:  # TimeoutError and ssl.SSLError are OSErrors
            raise Unreachable(f"{method} {path}: {str(error) or type(error).__name__}") from error


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_IDENTITY,
        read_bufsize=READ_BUFFER,
        trust_env=False,  # a proxy of the environment must never see the API server's traffic
    )


def _refusal(status: int, phrase: str, body: bytes) -> ApiError:
    try:
        answer = msgspec.json.decode(body, type=_Status)
    except msgspec.DecodeError:  # no Status object: a proxy in between, or the server's plain text
        return ApiError(status, phrase, body[:500].decode("utf-8", "replace").strip())
    return ApiError(status, answer.reason or phrase, answer.message)


class _ServiceAccount:
    """A pod's own identity: two files, replaced by the kubelet while we run."""

    proxy: str | None = None
    server_hostname: str | None = None

    def __init__(self, base: str, folder: Path) -> None:
        self.base = base
        self._token = _WatchedFile(folder / "token")
        self._ca = _WatchedFile(folder / "ca.crt")
        self._context = ssl.create_default_context(cadata=self._ca.text())

    @classmethod
    def load(cls, folder: Path, environment: Mapping[str, str]) -> _ServiceAccount:
        """Read the source once, so that what is missing is said at the start."""
        host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT")
        if not host or not port:
            msg = "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod"
            raise ConfigError(msg)
        address = f"[{host}]" if ":" in host else host
        try:
            access = cls(f"https://{address}:{port}", folder)
            access._bearer()
        except (OSError, ValueError) as error:  # an unparsable ca.crt is an ssl.SSLError, so an OSError
            raise ConfigError(f"service account folder {folder}: {error}") from error
        return access

    def tls(self) -> ssl.SSLContext:
        if self._ca.changed():
            self._context = ssl.create_default_context(cadata=self._ca.text())
        return self._context

    async def authorization(self) -> str | None:
        return self._bearer()

    def _bearer(self) -> str:
        token = self._token.text().strip()
        if not token:
            msg = "the token file is empty"
            raise ValueError(msg)
        return f"Bearer {token}"


class _WatchedFile:
    """A small text file that somebody else replaces: read again only when its inode or times change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._text = ""

    def changed(self) -> bool:
        """Say whether the file is another one than at the last ``text``."""
        return self._seen != self._signature()

    def text(self) -> str:
        """Return the current content."""
        if (signature := self._signature()) != self._seen:
            self._text = self._path.read_text(encoding="utf-8")
            self._seen = signature
        return self._text

    def _signature(self) -> tuple[int, int, int]:
        status = self._path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size


class _Configuration(Protocol):
    """The part we use of the library's ``Configuration``."""

    host: str
    proxy: str | None
    tls_server_name: str | None
    api_key: MutableMapping[str, str]

    async def get_api_key_with_prefix(self, identifier: str) -> str | None:
        """Return the Authorization header."""


class _Loader(Protocol):
    """The part we use of the library's kubeconfig loader."""

    token: str

    async def load_from_exec_plugin(self) -> object:
        """Run the plugin, if its token is about to expire."""


def _must_exist(path: str) -> None:
    if not Path(path).is_file():
        raise ConfigError(f"kubeconfig {path}: no such file")


class _KubeConfig:
    """A kubeconfig's current context, as the ``kubernetes`` library reads it."""

    def __init__(self, configuration: _Configuration, loader: _Loader, context: ssl.SSLContext) -> None:
        self.base = configuration.host.rstrip("/")
        self.proxy = configuration.proxy
        self.server_hostname = configuration.tls_server_name
        self._configuration = configuration
        self._loader = loader
        self._context = context
        self._checked = time.monotonic()

    @classmethod
    async def load(cls, path: str) -> _KubeConfig:
        """Load the current context.

        Raises:
            ConfigError: No such file, a bad one, or an exec plugin that failed (the library only logs that, and the
                calls would go out anonymous).
        """
        from kubernetes.aio import client, config  # noqa: PLC0415 - pods do without it

        _must_exist(path)
        configuration = client.Configuration()
        with _errors_logged_by("kubernetes.aio.config.kube_config") as complaints:
            try:
                loader = await config.load_kube_config(path, client_configuration=configuration, persist_config=False)
                context = client.ApiClient(configuration).rest_client.ssl_context
            except Exception as error:  # the library lets TypeError and KeyError of bad files out, too
                raise ConfigError(f"kubeconfig {path}: {error}") from error
        if complaints:
            raise ConfigError(f"kubeconfig {path}: {'; '.join(complaints)}")
        return cls(configuration, loader, context)

    def tls(self) -> ssl.SSLContext:
        return self._context

    async def authorization(self) -> str | None:
        if time.monotonic() - self._checked > EXEC_REFRESH:
            await self._refresh()
        return await self._configuration.get_api_key_with_prefix("BearerToken")

    async def _refresh(self) -> None:
        """Run an exec plugin again when its token is about to expire (the library keeps the expiry)."""
        self._checked = time.monotonic()
        if not hasattr(self._loader, "exec_plugin_expiry"):
            return
        with _errors_logged_by("kubernetes.aio.config.kube_config") as complaints:
            await self._loader.load_from_exec_plugin()
        if complaints:
            raise Unreachable(f"exec plugin: {'; '.join(complaints)}")
        self._configuration.api_key["BearerToken"] = self._loader.token


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextlib.contextmanager
def _errors_logged_by(name: str) -> Iterator[list[str]]:
    """Collect what a library logs as an error instead of raising it."""
    collector = _Collector()
    logger = logging.getLogger(name)
    logger.addHandler(collector)
    try:
        yield collector.messages
    finally:
        logger.removeHandler(collector)
