"""Access to the API server from inside a pod: the service account folder and two environment variables.

It does without the ``kubernetes`` library, which costs each replica 0.2 s and 21 MB (measured, 37.0.2) for reading two
files and sees a rotated token up to a minute late.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from tiergate.cluster.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class ServiceAccount:
    """A pod's own identity: a token and a CA certificate, two files that the kubelet replaces while we run.

    A file that is missing, empty or not what it should be raises OSError or ValueError, each time until it is replaced.
    """

    proxy: str | None = None
    server_hostname: str | None = None

    def __init__(self, base: str, folder: Path) -> None:
        """Read both files for the first time; ``base`` is the server's URL without a path."""
        self.base = base
        self._token = _WatchedFile(folder / "token")
        self._ca = _WatchedFile(folder / "ca.crt")
        self._bearer()
        self._trusted = self._ca.text()
        self._context = _context(self._trusted)

    @classmethod
    def load(cls, folder: Path, environment: Mapping[str, str]) -> ServiceAccount:
        """Read the source once, so that a missing part is reported at the start.

        Raises:
            ConfigError: A variable or a file is missing or unusable.
        """
        host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT")
        if not host or not port:
            msg = "this is not a pod (KUBERNETES_SERVICE_HOST and _PORT are not set); give --kubeconfig FILE"
            raise ConfigError(msg)
        address = f"[{host}]" if ":" in host else host
        try:
            return cls(f"https://{address}:{port}", folder)
        except (OSError, ValueError) as error:  # an unparsable ca.crt is an ssl.SSLError, which is an OSError
            raise ConfigError(f"service account folder {folder}: {error}") from error

    def tls(self) -> ssl.SSLContext:
        """Return a context that trusts the CA certificates the file holds now."""
        if (text := self._ca.text()) != self._trusted:
            self._context = _context(text)
            self._trusted = text
        return self._context

    async def authorization(self) -> str | None:
        """Return the Authorization header with the token the file holds now."""
        return self._bearer()

    def _bearer(self) -> str:
        token = self._token.text().strip()
        if not token:
            msg = "the token file is empty"
            raise ValueError(msg)
        return f"Bearer {token}"


def _context(ca_pem: str) -> ssl.SSLContext:
    if not ca_pem.strip():  # with no CA given, the ssl module would trust every CA of the system
        msg = "the file ca.crt is empty"
        raise ValueError(msg)
    return ssl.create_default_context(cadata=ca_pem)


class _WatchedFile:
    """A small text file that another process replaces: read again only when its inode, time or size changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._text = ""

    def text(self) -> str:
        """Return the current content.

        Raises:
            OSError: It cannot be read.
            ValueError: It is not text.
        """
        status = self._path.stat()
        signature = status.st_ino, status.st_mtime_ns, status.st_size
        if signature != self._seen:
            self._text = self._path.read_text(encoding="utf-8")
            self._seen = signature
        return self._text
