"""The folders a server finds in its pod: certificate and service account, issued for one run."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tiergate_certs.issue import Pair, issue_authority, issue_leaf, service_names

RELEASE_NAMESPACE: Final = "tiergate-system"
SERVER_NAME: Final = f"tiergate-webhook.{RELEASE_NAMESPACE}.svc"
API_SERVER_NAME: Final = "localhost"


@dataclass(frozen=True)
class Files:
    """One folder for everything: ``tls`` as the mounted Secret, ``account`` as the projected volume."""

    root: Path

    @property
    def tls(self) -> Path:
        """ca.crt, tls.crt and tls.key: the server's, and nginx's and the API server's too."""
        return self.root / "tls"

    @property
    def account(self) -> Path:
        """Token, ca.crt and namespace."""
        return self.root / "account"

    @property
    def authority(self) -> Path:
        """The certificate that all clients here trust."""
        return self.tls / "ca.crt"

    @classmethod
    def lay_down(cls, root: Path) -> Files:
        """Issue a CA and one leaf for all names, and write both folders."""
        files = cls(root)
        authority, leaf = _issue()
        _write(files.tls, {"ca.crt": authority.certificate, "tls.crt": leaf.certificate, "tls.key": leaf.key})
        account = {"ca.crt": authority.certificate, "token": b"bench", "namespace": RELEASE_NAMESPACE.encode()}
        _write(files.account, account)
        return files


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _issue() -> tuple[Pair, Pair]:
    start = datetime.now(UTC) - timedelta(hours=1)
    authority = issue_authority(not_before=start, not_after=start + timedelta(days=10))
    names = (*service_names(service="tiergate-webhook", namespace=RELEASE_NAMESPACE), API_SERVER_NAME)
    return authority, issue_leaf(authority, names=names, not_before=start, not_after=start + timedelta(days=9))


def _write(folder: Path, content: dict[str, bytes]) -> None:
    folder.mkdir()
    for name, data in content.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(data)
