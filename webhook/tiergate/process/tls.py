"""TLS from mounted files: judged before use, swapped without a restart.

The server is given one front context for its whole life. Its SNI callback, which OpenSSL calls for every handshake
(with or without a server name), puts the current context in its place, so a new pair serves the next connection. A
pair becomes current only after a context has been built from it from scratch; whatever else is found is logged once
and changes nothing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import ssl
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography import x509

if TYPE_CHECKING:
    from collections.abc import Iterator

POLL: Final = 1.0
"""Seconds between two looks at the files; mounted Secrets give no reliable events."""

logger = logging.getLogger(__name__)


class Unusable(ValueError):
    """The files cannot serve; the message says why and never holds key material."""


class Material(msgspec.Struct, frozen=True):
    """The bytes of one version of the mounted files."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None = None


class Proven(msgspec.Struct, frozen=True):
    """A context that works, and until when its certificate does."""

    context: ssl.SSLContext
    expires: datetime


class Files:
    """Where the pair and the optional client CA are."""

    def __init__(self, folder: Path, client_ca: Path | None = None) -> None:
        """Name the folder with ``tls.crt`` and ``tls.key``, and the CA bundle for client certificates."""
        self._folder = folder
        self._client_ca = client_ca

    @property
    def certificate(self) -> Path:
        """The path of the certificate chain."""
        return self._folder / "tls.crt"

    def read(self) -> Material:
        """Read one version of everything.

        The kubelet swaps all files of a mounted Secret at once by replacing the link ``..data``: it is resolved once,
        so that certificate and key belong together.

        Raises:
            Unusable: A file is missing or unreadable.
        """
        version = self._folder / "..data"
        try:
            folder = version.resolve() if version.exists() else self._folder
            return Material(
                (folder / "tls.crt").read_bytes(),
                (folder / "tls.key").read_bytes(),
                None if self._client_ca is None else self._client_ca.read_bytes(),
            )
        except OSError as error:
            raise Unusable(f"{error.filename}: {error.strerror}") from error


def prove(material: Material, *, at: datetime) -> Proven:
    """Build a server context from bytes and say until when it is good.

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
    return Proven(_context(material), leaf.not_valid_after_utc)


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
            # Probes come without a certificate; the doors that need one ask for it (see front_doors).
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


class Front:
    """The one context the server holds, and the current one behind it."""

    def __init__(self, files: Files, *, now: datetime | None = None) -> None:
        """Prove what the files hold now.

        Raises:
            Unusable: They cannot serve.
        """
        self._files = files
        self._in_force = files.read()
        self._current = prove(self._in_force, at=now or datetime.now(UTC))
        self._said = ""
        self._context = _context(self._in_force)
        self._context.sni_callback = self._choose

    @property
    def context(self) -> ssl.SSLContext:
        """The context for the server, the same for ever."""
        return self._context

    @property
    def expires(self) -> datetime:
        """When the certificate that new connections get stops being valid."""
        return self._current.expires

    def reload(self, *, now: datetime | None = None) -> bool:
        """Look at the files; if they changed and are good, new connections use them from now on.

        Returns:
            Whether the current context was replaced. A bad or missing pair is logged once and leaves the old in force;
            it is judged again each time, as a pair may start to be valid while it lies there.
        """
        try:
            found = self._files.read()
            if found != self._in_force:
                self._replace(found, prove(found, at=now or datetime.now(UTC)))
                return True
        except Unusable as fault:
            self._complain(str(fault))
        return False

    def _replace(self, found: Material, proven: Proven) -> None:
        self._in_force, self._current, self._said = found, proven, ""
        logger.info("certificate replaced", extra={"fields": {"expires": self.expires.isoformat()}})

    def _complain(self, fault: str) -> None:
        if fault != self._said:
            self._said = fault
            logger.error("certificate files cannot be used, the old ones stay", extra={"fields": {"fault": fault}})

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _front: ssl.SSLContext) -> None:
        connection.context = self._current.context
