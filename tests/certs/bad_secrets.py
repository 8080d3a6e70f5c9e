"""Every kind of content of the two Secrets that is not to be used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from tiergate_certs.bundle import LARGEST_PEM, authority_data, serving_data
from tiergate_certs.issue import Pair, issue_authority, issue_leaf

NOW: Final = datetime(2026, 3, 1, tzinfo=UTC)
DAY: Final = timedelta(days=1)
NAMES: Final = ("webhook.system.svc",)
Secret = dict[str, bytes]
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

BASIC: Final = x509.BasicConstraints(ca=True, path_length=0)
NO_AUTHORITY: Final = x509.BasicConstraints(ca=False, path_length=None)
CONSTRAINTS: Final = x509.NameConstraints(permitted_subtrees=[x509.DNSName("example.org")], excluded_subtrees=None)


def usage(*, key_cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=key_cert_sign,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


SIGNS: Final = usage(key_cert_sign=True)


def an_authority(*extensions: x509.ExtensionType, key: Key | None = None, identified: bool = True) -> Pair:
    """Return a CA as other tools make them: signed by itself, with these extensions."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "theirs")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 300 * DAY)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    if identified:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return pair(builder.sign(key, hashes.SHA256()), key)


def pair(certificate: x509.Certificate, key: Key) -> Pair:
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def ours(*, begins: timedelta = -DAY, ends: timedelta = 300 * DAY) -> Pair:
    return issue_authority(not_before=NOW + begins, not_after=NOW + ends)


def bad_pairs(good: Pair, other: Pair) -> dict[str, Secret]:
    """Return what is wrong with any pair."""
    return {
        "no-certificate": {"tls.key": good.key},
        "no-key": {"tls.crt": good.certificate},
        "empty-values": {"tls.crt": b"", "tls.key": b""},
        "garbage": {"tls.crt": b"\xff\x00garbage", "tls.key": b"\xff\x00garbage"},
        "certificate-cut-off": {"tls.crt": good.certificate[:-60], "tls.key": good.key},
        "key-cut-off": {"tls.crt": good.certificate, "tls.key": good.key[:-60]},
        "key-of-another": {"tls.crt": good.certificate, "tls.key": other.key},
        "certificate-is-a-key": {"tls.crt": good.key, "tls.key": good.key},
        "huge-certificate": {
            "tls.crt": good.certificate * (LARGEST_PEM // len(good.certificate) + 1),
            "tls.key": good.key,
        },
        "huge-key": {"tls.crt": good.certificate, "tls.key": good.key + b"\n" * 900_000},
    }


def bad_authorities() -> dict[str, Secret]:
    """Return contents of the CA's Secret by what is wrong with them."""
    good, other = ours(), ours()
    rsa_key = rsa.generate_private_key(65537, 2048)
    bad = {
        "not-an-authority": issue_leaf(good, names=NAMES, not_before=NOW - DAY, not_after=NOW + 90 * DAY),
        "no-basic-constraints": an_authority(SIGNS),
        "says-it-is-none": an_authority(NO_AUTHORITY, SIGNS),
        "rsa": an_authority(BASIC, SIGNS, key=rsa_key),
        "curve-that-clients-do-not-know": an_authority(BASIC, SIGNS, key=ec.generate_private_key(ec.SECP256K1())),
        "no-key-identifier": an_authority(BASIC, SIGNS, identified=False),
        "no-key-usage": an_authority(BASIC),
        "may-not-sign": an_authority(BASIC, usage(key_cert_sign=False)),
        "name-constraints": an_authority(BASIC, SIGNS, CONSTRAINTS),
        "expired": ours(begins=-9 * DAY, ends=-DAY),
        "not-yet-valid": ours(begins=DAY),
    }
    two = Pair(good.certificate + other.certificate, good.key)
    return {
        "nothing": {},
        **bad_pairs(good, other),
        **{name: authority_data(found) for name, found in bad.items()},
        "two-certificates": authority_data(two),
    }


def bad_servings() -> dict[str, Secret]:
    """Return contents of the mounted Secret by what is wrong with them; the CA is another one than ours in all."""
    good, other = ours(), ours()
    leaf = issue_leaf(good, names=NAMES, not_before=NOW - DAY, not_after=NOW + 90 * DAY)
    bad = {
        "of-another-authority": leaf,
        "for-another-name": issue_leaf(good, names=("x.y",), not_before=NOW - DAY, not_after=NOW + 90 * DAY),
        "expired": issue_leaf(good, names=NAMES, not_before=NOW - 9 * DAY, not_after=NOW - DAY),
        "not-yet-valid": issue_leaf(good, names=NAMES, not_before=NOW + DAY, not_after=NOW + 90 * DAY),
    }
    return {
        "nothing": {},
        **{name: {**data, "ca.crt": good.certificate} for name, data in bad_pairs(leaf, other).items()},
        **{name: serving_data(found, trusted=good.certificate) for name, found in bad.items()},
    }
