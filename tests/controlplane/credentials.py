"""What the servers of a control plane and their clients know each other by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

CONTEXT: Final = "tiergate"


def write_private(path: Path, content: bytes) -> None:
    """Write a file that nobody else can read."""
    path.touch(mode=0o600)
    path.write_bytes(content)


def write_signing_key(path: Path) -> None:
    """Write a new key, with which tokens of service accounts are signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    write_private(path, private)


def write_kubeconfig(path: Path, *, server: str, authority: Path, user: str, token: str) -> None:
    """Write the kubeconfig of a user with a token."""
    cluster = {"server": server, "certificate-authority": str(authority)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
    }
    write_private(path, json.dumps(config, indent=1).encode())


def apiserver_flags(folder: Path) -> tuple[str, ...]:
    """Return what every kube-apiserver of the tests is told of its credentials, and of whom it serves."""
    return (
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'service-account.key'}",
        f"--service-account-signing-key-file={folder / 'service-account.key'}",
        "--allow-privileged=true",
        "--kubelet-preferred-address-types=InternalIP",
    )
