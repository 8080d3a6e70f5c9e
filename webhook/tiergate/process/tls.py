"""TLS from mounted files: checked before use, replaced without a restart.

The server keeps one context for its whole life. The SNI callback of this context, which OpenSSL calls for every
handshake (with or without a server name), replaces it by the current context, so a new pair serves the next connection.
A pair becomes current only after a context was built from it. An unusable pair is logged once and changes nothing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from cryptography import x509

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POLL_SECONDS: Final = 1.0
"""Seconds between two reads of the files; mounted Secrets give no reliable events."""

logger = logging.getLogger(__name__)


class Unusable(ValueError):
    """The files cannot serve; the message says why and never holds key material."""


class Material(msgspec.Struct, frozen=True):
    """The bytes of one version of the mounted files."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None = None


class Trust(Protocol):
    """Knows which certificates clients trust."""

    def serves(self, certificate: bytes, *, expires: datetime, at: datetime) -> bool:
        """Note what is served now (PEM, with its chain), at each look; say whether it is still good."""

    def fault(self, certificate: bytes) -> str:
        """Say why clients would accept another certificate (PEM, with its chain) at no time; "" if nothing is known."""

    def may_replace(self, certificate: bytes, *, at: datetime) -> bool:
        """Say whether another certificate may be served now, instead of one that is good."""


class LoadedContext(msgspec.Struct, frozen=True):
    """A server context, and the end of its certificate's validity."""

    context: ssl.SSLContext
    expires: datetime


class Files(msgspec.Struct, frozen=True):
    """The folder with ``tls.crt`` and ``tls.key``, and the CA bundle for client certificates, if they are needed."""

    folder: Path
    client_ca: Path | None = None

    def read(self) -> Material:
        """Read one version of everything.

        The kubelet swaps all files of a mounted Secret at once by replacing the link ``..data``: it is resolved once,
        so that certificate and key belong together.

        Raises:
            Unusable: A file is missing or unreadable.
        """
        version = self.folder / "..data"
        try:
            folder = version.resolve() if version.exists() else self.folder
            return Material(
                (folder / "tls.crt").read_bytes(),
                (folder / "tls.key").read_bytes(),
                None if self.client_ca is None else self.client_ca.read_bytes(),
            )
        except OSError as error:
            raise Unusable(f"{error.filename}: {error.strerror}") from error


class Tls(msgspec.Struct, frozen=True):
    """How a port serves TLS.

    Attributes:
        files: No port is opened before the pair there can serve. With a client CA, POST needs a client certificate that
            it signed.
        client_names: Names of which that certificate must have one; none: any will do.
        trust: Knows which certificates clients trust; without it a new pair is served at once.
        on_certificate: Called after each read, in the worker, with the end of the served certificate's validity.
    """

    files: Files
    client_names: frozenset[str] = frozenset()
    trust: Trust | None = None
    on_certificate: Callable[[datetime], None] = lambda _expires: None


def load_context(material: Material, *, at: datetime) -> LoadedContext:
    """Build a server context from bytes.

    Raises:
        Unusable: Something does not parse, the key is not the certificate's, or ``at`` is outside its validity.
    """
    try:
        leaf = x509.load_pem_x509_certificates(material.certificate)[0]
    except ValueError as error:
        raise Unusable(f"tls.crt: {error}") from error
    if not leaf.not_valid_before_utc <= at < leaf.not_valid_after_utc:
        raise Unusable(
            f"tls.crt is valid from {leaf.not_valid_before_utc:%Y-%m-%d %H:%M:%S} "
            f"to {leaf.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC, which is not now"
        )
    return LoadedContext(_context(material), leaf.not_valid_after_utc)


def _context(material: Material) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0  # a resumed session would outlive a change of the client CA; the API server resumes none
    try:
        with _as_file(material.certificate) as certificate, _as_file(material.key) as key:
            context.load_cert_chain(certificate, key, password=_no_password)
        if material.client_ca is not None:
            context.load_verify_locations(cadata=material.client_ca.decode("ascii"))
            # Probes come without a certificate; the endpoints that need one check for it (see asgi).
            context.verify_mode = ssl.CERT_OPTIONAL
    except (ssl.SSLError, ValueError) as error:
        raise Unusable(f"the pair does not load: {error}") from error
    return context


def _no_password() -> str:
    """Refuse encrypted keys; without this OpenSSL would ask on the terminal."""
    msg = "the key is encrypted"
    raise ValueError(msg)


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """Give bytes a path, as the ssl module wants one: in memory where the system can, so that no disk sees a key."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("tls")
        path = f"/proc/self/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as stream:
            stream.write(content)
        yield path
    finally:
        os.close(descriptor)
        if not path.startswith("/proc/"):
            Path(path).unlink()


class ReloadingContext:
    """The context that the server keeps, and the current context that handshakes get."""

    def __init__(self, files: Files, *, trust: Trust | None = None, now: datetime | None = None) -> None:
        """Load the files as they are now; with ``trust`` a new pair waits until clients trust it.

        Raises:
            Unusable: A server cannot serve with them.
        """
        self._files = files
        self._trust = trust
        self._material = files.read()
        self._current = load_context(self._material, at=now or datetime.now(UTC))
        self._said = "", ""
        self._context = _context(self._material)
        self._context.sni_callback = self._on_handshake

    @property
    def context(self) -> ssl.SSLContext:
        """The context for the server; it never changes."""
        return self._context

    @property
    def expires(self) -> datetime:
        """The end of validity of the certificate that new connections get."""
        return self._current.expires

    def reload(self, *, now: datetime | None = None) -> bool:
        """Read the files; if they changed and are usable, new connections use them from now on.

        Returns:
            Whether the current context was replaced. A bad or missing pair is logged once and the old one stays. It is
            checked again each time, as a pair may become valid later.
        """
        at = now or datetime.now(UTC)
        good = self._trust is None or self._trust.serves(self._material.certificate, expires=self.expires, at=at)
        try:
            found = self._files.read()
            if found != self._material:
                loaded = self._load(found, at)
                if self._trust is not None and good and not self._trust.may_replace(found.certificate, at=at):
                    self._log_once(logging.INFO, "the next certificate waits until it has been trusted for a while", "")
                    return False
                self._replace(found, loaded)
                return True
        except Unusable as error:
            self._log_once(logging.ERROR, "certificate files cannot be used, the old ones stay", str(error))
        return False

    def _load(self, found: Material, at: datetime) -> LoadedContext:
        loaded = load_context(found, at=at)
        if self._trust is not None and (fault := self._trust.fault(found.certificate)):
            raise Unusable(fault)
        return loaded

    def _replace(self, found: Material, loaded: LoadedContext) -> None:
        self._material, self._current, self._said = found, loaded, ("", "")
        logger.info("certificate replaced", extra={"fields": {"expires": self.expires.isoformat()}})

    def _log_once(self, level: int, message: str, fault: str) -> None:
        if (message, fault) != self._said:
            self._said = message, fault
            logger.log(level, message, extra={"fields": {"fault": fault} if fault else {}})

    def _on_handshake(
        self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _kept: ssl.SSLContext
    ) -> None:
        connection.context = self._current.context
