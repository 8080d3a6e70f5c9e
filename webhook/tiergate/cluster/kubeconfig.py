"""Access to the API server by a kubeconfig, read by the ``kubernetes`` library (extra ``live``).

The library knows exec plugins, OIDC and client certificates. We take its ``Configuration`` and the TLS context of its
``ApiClient``, and send requests ourselves. This is the only module that imports the library, and only a command that is
given a kubeconfig imports this module: pods do not.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

import yaml
from kubernetes.aio import client, config

from tiergate.cluster.errors import ConfigError, Unreachable

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping, MutableMapping

EXEC_REFRESH: Final = 60.0
"""Seconds between two checks whether an exec plugin's token is about to expire."""
LIBRARY_LOGGER: Final = "kubernetes.aio.config.kube_config"


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


class KubeConfig:
    """A kubeconfig's current context, as the ``kubernetes`` library reads it."""

    def __init__(self, configuration: _Configuration, loader: _Loader, context: ssl.SSLContext) -> None:
        """Use ``load`` instead."""
        self.base = configuration.host.rstrip("/")
        self.proxy = configuration.proxy
        self.server_hostname = configuration.tls_server_name
        self._configuration = configuration
        self._loader = loader
        self._context = context
        self._checked = time.monotonic()

    @classmethod
    async def load(
        cls, path: str, *, context: str | None = None, environment: Mapping[str, str] | None = None
    ) -> KubeConfig:
        """Load a context.

        Args:
            path: Of the file, or of several with the separator of KUBECONFIG between them.
            context: Its name; None: the current one.
            environment: For a proxy where the file names none, as ``kubectl`` does; None: no other proxy.

        Raises:
            ConfigError: No such file, a bad one, or an exec plugin that failed (the library only logs that, and the
                calls would go out anonymous).
        """
        _must_exist(path)
        configuration = client.Configuration()
        with _errors_logged_by(LIBRARY_LOGGER) as errors:
            try:
                loader = await config.load_kube_config(
                    path, context=context or _current(path), client_configuration=configuration, persist_config=False
                )
                tls = client.ApiClient(configuration).rest_client.ssl_context
            except Exception as error:  # the library also raises TypeError and KeyError for bad files
                raise ConfigError(f"kubeconfig {path}: {error}") from error
        if errors:
            raise ConfigError(f"kubeconfig {path}: {'; '.join(errors)}")
        if not configuration.proxy and environment is not None:
            configuration.proxy = proxy_for(configuration.host, environment)
        return cls(configuration, loader, tls)

    def tls(self) -> ssl.SSLContext:
        """Return the context with the CA and the client certificate of the kubeconfig."""
        return self._context

    async def authorization(self) -> str | None:
        """Return the Authorization header, None where a client certificate is the credential.

        Raises:
            Unreachable: The exec plugin failed; the library raises errors of its own, too.
        """
        if time.monotonic() - self._checked > EXEC_REFRESH:
            checked, self._checked = self._checked, time.monotonic()  # requests of the meantime do not check, too
            try:
                await self._refresh()
            except Exception:
                self._checked = checked
                raise
        return await self._configuration.get_api_key_with_prefix("BearerToken")

    async def _refresh(self) -> None:
        """Run an exec plugin again when its token is about to expire (the library keeps the expiry)."""
        if not hasattr(self._loader, "exec_plugin_expiry"):
            return
        with _errors_logged_by(LIBRARY_LOGGER) as errors:
            await self._loader.load_from_exec_plugin()
        if errors:
            raise Unreachable(f"exec plugin: {'; '.join(errors)}")
        self._configuration.api_key["BearerToken"] = self._loader.token


def proxy_for(host: str, environment: Mapping[str, str]) -> str | None:
    """Return the proxy that the environment names for a server; never one for this machine itself."""
    found = urlsplit(host)
    name = found.hostname or ""
    if name == "localhost" or name.startswith("127.") or name == "::1":
        return None
    variables = {key.lower(): value for key, value in environment.items() if value}
    if any(_is_named(name, entry.strip()) for entry in variables.get("no_proxy", "").split(",")):
        return None
    return variables.get(f"{found.scheme}_proxy")


def _is_named(host: str, entry: str) -> bool:
    """Say whether an entry of NO_PROXY names a host: it, a domain that it is in, or a network."""
    entry = entry.partition(":")[0] if entry.count(":") == 1 else entry  # a port is not looked at
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        domain = entry.lstrip(".").lower()
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _current(path: str) -> str | None:
    """Return the current context: of several files the first one that names any, where the library takes the last."""
    paths = [Path(one).expanduser() for one in path.split(os.pathsep) if one]
    for one in paths if len(paths) > 1 else ():
        found = yaml.safe_load(one.read_text()) if one.is_file() else None
        if isinstance(found, dict) and isinstance(found.get("current-context"), str) and found["current-context"]:
            return str(found["current-context"])
    return None


def _must_exist(path: str) -> None:
    if not any(Path(one).expanduser().is_file() for one in path.split(os.pathsep)):
        raise ConfigError(f"kubeconfig {path}: no such file")


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
