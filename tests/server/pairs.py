"""Certificates for tests: issued on the spot, never stored in the repository."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tiergate.process.tls import Material


def a_pair(
    name: str = "server", *, starts: timedelta = timedelta(hours=-1), ends: timedelta = timedelta(hours=1)
) -> Material:
    """Return a self-signed certificate for 127.0.0.1 and localhost with its key; the times are relative to now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    certificate = (
        builder.not_valid_before(now + starts)
        .not_valid_after(now + ends)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Material(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def write(folder: Path, material: Material) -> Path:
    """Write a pair as plain files; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tls.crt").write_bytes(material.certificate)
    (folder / "tls.key").write_bytes(material.key)
    return folder


def mount(folder: Path, material: Material, *, version: str) -> Path:
    """Write a pair as the kubelet mounts a Secret: files are links through ``..data``, which is swapped at once."""
    write(folder / f"..{version}", material)
    fresh = folder / "..fresh"
    fresh.symlink_to(f"..{version}")
    fresh.replace(folder / "..data")
    for name in ("tls.crt", "tls.key"):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    return folder


def trusting(material: Material) -> ssl.SSLContext:
    """Return a client context that trusts one self-signed certificate."""
    return ssl.create_default_context(cadata=material.certificate.decode())
