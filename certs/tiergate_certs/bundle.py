"""The stored certificates as one value, and what is wrong with them at a given time.

Two Secrets hold them: one with the CA and its key, which only the issuer may read, and one that is mounted where the
leaf is served. Nothing here trusts what it finds: a Secret can be edited, half restored or filled by another tool.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tiergate_certs.issue import Pair

CERTIFICATE_KEY: Final = "tls.crt"
PRIVATE_KEY: Final = "tls.key"
TRUSTED_KEY: Final = "ca.crt"
"""Keys of a Secret of type kubernetes.io/tls, with the CA beside them as cert-manager spells it."""
LARGEST_PEM: Final = 2**18
"""Bytes of certificates that are read; a list of all public CAs has about 200 KB."""
LONGEST_CHAIN: Final = 10
LARGEST_KEY: Final = 2**14
"""Bytes of a private key that is read; checking a larger one takes seconds."""

_SERVED_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
"""Curves that every client knows."""
_OWN_EXTENSIONS: Final = frozenset(
    {
        x509.BasicConstraints.oid,
        x509.KeyUsage.oid,
        x509.SubjectKeyIdentifier.oid,
        x509.AuthorityKeyIdentifier.oid,
    }
)
_UNREADABLE: Final = (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, UnsupportedAlgorithm)
"""What the parts of a certificate raise that parses as a whole and is malformed all the same."""

E = TypeVar("E", bound=x509.ExtensionType)


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


def from_secrets(*, authority: Mapping[str, bytes] | None, serving: Mapping[str, bytes] | None) -> Bundle | None:
    """Build the value from the data of the two Secrets; None when neither holds anything."""
    if not authority and not serving:
        return None
    serving = serving or {}
    return Bundle(
        authority=_pair(authority) if authority else None,
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
    """Return what keeps the CA from signing leaves that clients accept at this time; () when nothing does.

    A Secret may hold the CA of another tool. Only one that could be our own is used: what a client makes of a name
    constraint, a usage or another kind of key is not ours to find out while pods are refused.
    """
    chain = read_certificates(authority.certificate)
    if not chain:
        return (BundleProblem(ProblemKind.UNREADABLE, "the CA certificate cannot be read"),)
    if len(chain) > 1:
        return (BundleProblem(ProblemKind.UNREADABLE, f"the CA's tls.crt holds {len(chain)} certificates, not one"),)
    return (
        *_key_problems(chain[0], authority.key, what="CA"),
        *_time_problems(chain[0], at=at, what="CA"),
        *_signing_problems(chain[0]),
    )


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
    """Return the certificates of a PEM text in order; () when it holds none, too much, or one that is malformed."""
    if len(pem) > LARGEST_PEM:
        return ()
    try:
        found = tuple(x509.load_pem_x509_certificates(pem))
        for one in found:  # parts are parsed when they are asked for: whoever asks later meets no surprise
            _ = one.extensions, one.public_key(), one.not_valid_before_utc, one.not_valid_after_utc
    except _UNREADABLE:
        return ()
    return found


def can_anchor(certificate: x509.Certificate, *, at: datetime) -> bool:
    """Say whether a chain may end at the certificate at this time."""
    return _is_authority(certificate) and not _time_problems(certificate, at=at, what="CA")


def is_trusted(chain: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate], *, at: datetime) -> bool:
    """Say whether a path leads from the first certificate to a trusted one that is valid at this time.

    As Go's verifier has it: the rest of the chain may be in any order, and a trusted certificate need not be a CA to be
    accepted itself.
    """
    valid = [one for one in trusted if not _time_problems(one, at=at, what="CA")]
    reached, left = list(chain[:1]), list(chain[1:LONGEST_CHAIN])
    while reached:
        one = reached.pop()
        if one in valid or issuers(one, valid):
            return True
        parents = issuers(one, left)
        left = [other for other in left if other not in parents]
        reached += parents
    return False


def issuers(leaf: x509.Certificate, authorities: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Return those of the CAs that have signed the certificate."""
    return tuple(one for one in authorities if _issued(leaf, one))


def missing_names(certificate: x509.Certificate, names: Sequence[str]) -> tuple[str, ...]:
    """Return those of the DNS names for which the certificate is not valid; a wildcard in it covers one label."""
    extension = _extension(certificate, x509.SubjectAlternativeName)
    held = frozenset(() if extension is None else map(str.lower, extension.get_values_for_type(x509.DNSName)))
    return tuple(name for name in names if not _covers(held, name.lower()))


def does_not_name(name: str) -> str:
    """Say that the serving certificate is not valid for a name."""
    return f"the serving certificate does not name {name}"


def join_certificates(certificates: Sequence[x509.Certificate]) -> bytes:
    """Return the certificates as one PEM text, each once, in the order given."""
    return b"".join(dict.fromkeys(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates))


def _pair(data: Mapping[str, bytes]) -> Pair:
    return Pair(data.get(CERTIFICATE_KEY, b""), data.get(PRIVATE_KEY, b""))


def _key_problems(certificate: x509.Certificate, key_pem: bytes, *, what: str) -> tuple[BundleProblem, ...]:
    if len(key_pem) > LARGEST_KEY:
        text = f"the {what} private key has {len(key_pem)} bytes, more than {LARGEST_KEY}"
        return (BundleProblem(ProblemKind.UNREADABLE, text),)
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
    if is_trusted(chain, trusted, at=at):
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
    """Say whether the certificate may sign others; one without a key usage may."""
    constraints, usage = _extension(certificate, x509.BasicConstraints), _extension(certificate, x509.KeyUsage)
    return constraints is not None and constraints.ca and (usage is None or usage.key_cert_sign)


def _signing_problems(certificate: x509.Certificate) -> tuple[BundleProblem, ...]:
    """Return how a CA differs from one that we would issue, as far as clients mind."""
    found = []
    if not _is_authority(certificate) or _extension(certificate, x509.KeyUsage) is None:
        found.append("the CA certificate may not sign certificates")
    key = certificate.public_key()
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _SERVED_CURVES)):
        found.append("the CA's key is not an elliptic curve key of P-256, P-384 or P-521")
    if _extension(certificate, x509.SubjectKeyIdentifier) is None:
        found.append("the CA certificate has no SubjectKeyIdentifier")
    if foreign := sorted({one.oid.dotted_string for one in certificate.extensions if one.oid not in _OWN_EXTENSIONS}):
        found.append(f"the CA certificate has extensions that ours has not: {', '.join(foreign)}")
    return tuple(BundleProblem(ProblemKind.NOT_AN_AUTHORITY, text) for text in found)


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _name_problems(certificate: x509.Certificate, names: Sequence[str]) -> tuple[BundleProblem, ...]:
    missing = missing_names(certificate, names)
    return tuple(BundleProblem(ProblemKind.NAME_MISSING, does_not_name(name)) for name in missing)


def _covers(held: frozenset[str], name: str) -> bool:
    _, _, parent = name.partition(".")
    return name in held or f"*.{parent}" in held
