"""The stored certificates as one value, and what is wrong with them at a given time.

Two Secrets hold them: one with the CA and its key, which only the issuer may read, and one that is mounted where the
leaf is served. Nothing here trusts what it finds: a Secret can be edited, half restored or filled by another tool.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from tiergate_certs.issue import Pair

CERTIFICATE_KEY: Final = "tls.crt"
PRIVATE_KEY: Final = "tls.key"
TRUSTED_KEY: Final = "ca.crt"
"""Keys of a Secret of type kubernetes.io/tls, with the CA beside them as cert-manager spells it."""


class ProblemKind(StrEnum):
    """What can be wrong with a pair."""

    UNREADABLE = "unreadable"
    KEY_MISMATCH = "key-mismatch"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    NOT_AN_AUTHORITY = "not-an-authority"
    UNTRUSTED = "untrusted"
    NAME_MISSING = "name-missing"


class BundleProblem(NamedTuple):
    """One thing that is wrong, with a sentence for people (never key material)."""

    kind: ProblemKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Everything that is stored; parts that are missing are None or empty.

    Attributes:
        authority: The CA with its key; None where it is not stored or may not be read.
        trusted: The CA certificates clients are told to trust, PEM, one after another.
        leaf: What is served.
    """

    authority: Pair | None
    trusted: bytes
    leaf: Pair

    def usable(self, *, at: datetime, names: Sequence[str] = ()) -> bool:
        """Say whether a server may start to serve the leaf at this time."""
        return not leaf_problems(self.leaf, trusted=self.trusted, names=names, at=at)


def from_secrets(*, authority: Mapping[str, bytes] | None, serving: Mapping[str, bytes] | None) -> Bundle | None:
    """Build the value from the data of the two Secrets; None when neither exists."""
    if authority is None and serving is None:
        return None
    serving = serving or {}
    return Bundle(
        authority=None if authority is None else _pair(authority),
        trusted=serving.get(TRUSTED_KEY, b""),
        leaf=_pair(serving),
    )


def authority_data(authority: Pair) -> dict[str, bytes]:
    """Return the data of the issuer's Secret."""
    return {CERTIFICATE_KEY: authority.certificate, PRIVATE_KEY: authority.key}


def serving_data(leaf: Pair, *, trusted: bytes) -> dict[str, bytes]:
    """Return the data of the mounted Secret."""
    return {TRUSTED_KEY: trusted, CERTIFICATE_KEY: leaf.certificate, PRIVATE_KEY: leaf.key}


def authority_problems(authority: Pair, *, at: datetime) -> tuple[BundleProblem, ...]:
    """Return what keeps the CA from signing leaves at this time; () when nothing does."""
    chain = read_certificates(authority.certificate)
    if not chain:
        return (BundleProblem(ProblemKind.UNREADABLE, "the CA certificate cannot be read"),)
    problems = [*_key_problems(chain[0], authority.key, what="CA"), *_time_problems(chain[0], at=at, what="CA")]
    if not _is_authority(chain[0]):
        problems.append(BundleProblem(ProblemKind.NOT_AN_AUTHORITY, "the CA certificate may not sign certificates"))
    return tuple(problems)


def leaf_problems(leaf: Pair, *, trusted: bytes, names: Sequence[str], at: datetime) -> tuple[BundleProblem, ...]:
    """Return what keeps a client from accepting the leaf at this time; () when nothing does.

    Args:
        leaf: Certificate, possibly followed by intermediate ones, and key.
        trusted: CA certificates, PEM; the chain must end at one of them that is valid at this time.
        names: DNS names clients will use; wildcards in the certificate cover one label.
        at: The time to judge at, aware.
    """
    chain = read_certificates(leaf.certificate)
    if not chain:
        return (BundleProblem(ProblemKind.UNREADABLE, "the serving certificate cannot be read"),)
    return (
        *_key_problems(chain[0], leaf.key, what="serving"),
        *_time_problems(chain[0], at=at, what="serving"),
        *_trust_problems(chain, read_certificates(trusted), at=at),
        *_name_problems(chain[0], names),
    )


def read_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM text in order; () when it holds none or one of them is malformed."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError:
        return ()


def join_certificates(certificates: Sequence[x509.Certificate]) -> bytes:
    """Return the certificates as one PEM text, each once, in the order given."""
    return b"".join(dict.fromkeys(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates))


def _pair(data: Mapping[str, bytes]) -> Pair:
    return Pair(data.get(CERTIFICATE_KEY, b""), data.get(PRIVATE_KEY, b""))


def _key_problems(certificate: x509.Certificate, key_pem: bytes, *, what: str) -> tuple[BundleProblem, ...]:
    try:
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: the key is encrypted
        return (BundleProblem(ProblemKind.UNREADABLE, f"the {what} private key cannot be read"),)
    if key.public_key() != certificate.public_key():
        return (
            BundleProblem(
                ProblemKind.KEY_MISMATCH, f"the {what} private key does not belong to the {what} certificate"
            ),
        )
    return ()


def _time_problems(certificate: x509.Certificate, *, at: datetime, what: str) -> tuple[BundleProblem, ...]:
    if at < certificate.not_valid_before_utc:
        start = f"{certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"
        return (BundleProblem(ProblemKind.NOT_YET_VALID, f"the {what} certificate is not valid before {start}"),)
    if at > certificate.not_valid_after_utc:
        end = f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
        return (BundleProblem(ProblemKind.EXPIRED, f"the {what} certificate expired at {end}"),)
    return ()


def _trust_problems(
    chain: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate], *, at: datetime
) -> tuple[BundleProblem, ...]:
    if not trusted:
        return (BundleProblem(ProblemKind.UNTRUSTED, "no CA certificate can be read"),)
    linked = all(_issued(child, parent) for child, parent in pairwise(chain))
    anchored = any(_issued(chain[-1], anchor) for anchor in trusted if not _time_problems(anchor, at=at, what="CA"))
    if linked and anchored:
        return ()
    return (
        BundleProblem(ProblemKind.UNTRUSTED, "the serving certificate is not signed by a CA that is trusted and valid"),
    )


def _issued(child: x509.Certificate, parent: x509.Certificate) -> bool:
    if not _is_authority(parent):
        return False
    try:
        child.verify_directly_issued_by(parent)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return constraints.ca


def _name_problems(certificate: x509.Certificate, names: Sequence[str]) -> tuple[BundleProblem, ...]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        held = frozenset(name.lower() for name in extension.get_values_for_type(x509.DNSName))
    except (x509.ExtensionNotFound, ValueError):
        held = frozenset()
    missing = [name for name in names if not _covers(held, name.lower())]
    return tuple(
        BundleProblem(ProblemKind.NAME_MISSING, f"the serving certificate does not name {name}") for name in missing
    )


def _covers(held: frozenset[str], name: str) -> bool:
    _, _, parent = name.partition(".")
    return name in held or f"*.{parent}" in held
