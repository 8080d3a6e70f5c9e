"""Issue a CA and the leaf it signs, as PEM bytes.

Nothing is read or written and no clock is asked; only the keys are random.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LEAF_COMMON_NAME: Final = "tiergate-webhook"
"""For people: clients look at the subject alternative names, and a Service's full name may not fit its 64 letters."""


class Pair(NamedTuple):
    """A certificate (for a leaf possibly followed by its chain) and its private key, both PEM."""

    certificate: bytes
    key: bytes


def service_names(*, service: str, namespace: str) -> tuple[str, ...]:
    """Return the DNS names of a Service; the API server calls the first (``<service>.<namespace>.svc``)."""
    short = f"{service}.{namespace}"
    return (f"{short}.svc", f"{short}.svc.cluster.local", short)


def issue_authority(*, not_before: datetime, not_after: datetime) -> Pair:
    """Return a new self-signed CA that may sign leaves only.

    Its name carries the start of its validity: while one CA replaces another both are trusted, and verifiers that look
    up issuers by name alone must not mix them up.

    Args:
        not_before: Start of validity, aware; parts of a second are dropped.
        not_after: End of validity, aware.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"tiergate CA {not_before.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    builder = (
        _builder(subject=name, issuer=name, key=key.public_key(), not_before=not_before, not_after=not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def issue_leaf(authority: Pair, *, names: Sequence[str], not_before: datetime, not_after: datetime) -> Pair:
    """Return a new server certificate for the names, signed by the CA, with a new key.

    Args:
        authority: The CA; its key must be an elliptic curve key as `issue_authority` makes it.
        names: DNS names, at least one.
        not_before: Start of validity, aware.
        not_after: End of validity, aware; the caller keeps it within the CA's.

    Raises:
        ValueError: The CA does not parse, or no name is given.
        TypeError: The CA's key is not an elliptic curve key, or it is encrypted.
    """
    if not names:
        raise ValueError("a server certificate needs at least one name")
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = serialization.load_pem_private_key(authority.key, password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"the CA's key is {type(issuer_key).__name__}, not an elliptic curve key")
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(
            subject=_name(LEAF_COMMON_NAME),
            issuer=issuer.subject,
            key=key.public_key(),
            not_before=not_before,
            not_after=not_after,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )
    return _pair(builder.sign(issuer_key, hashes.SHA256()), key)


def _builder(
    *,
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    not_before: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before.astimezone(UTC).replace(microsecond=0))
        .not_valid_after(not_after.astimezone(UTC).replace(microsecond=0))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
