"""The extensions of issued certificates, one by one."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from tiergate_certs.issue import Pair, issue_authority, issue_leaf, service_names

NOW = datetime(2026, 3, 1, 12, 0, 0, 987654, tzinfo=UTC)
NAMES = ("webhook.system.svc", "webhook.system.svc.cluster.local", "webhook.system")


@pytest.fixture(scope="module")
def authority() -> Pair:
    return issue_authority(not_before=NOW, not_after=NOW + timedelta(days=3650))


@pytest.fixture(scope="module")
def leaf(authority: Pair) -> Pair:
    return issue_leaf(authority, names=NAMES, not_before=NOW, not_after=NOW + timedelta(days=90))


def parsed(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate)


def test_names_of_a_service() -> None:
    """The API server calls the first name; all three resolve in a cluster."""
    assert service_names(service="webhook", namespace="system") == NAMES


def test_authority_may_sign_leaves_only(authority: Pair) -> None:
    """The CA is one, critically so, and may not sign another CA."""
    extension = parsed(authority).extensions.get_extension_for_class(x509.BasicConstraints)
    assert extension.critical
    assert extension.value == x509.BasicConstraints(ca=True, path_length=0)


def test_authority_key_usage(authority: Pair) -> None:
    """The CA's key signs certificates and nothing else but revocation lists."""
    extension = parsed(authority).extensions.get_extension_for_class(x509.KeyUsage)
    assert extension.critical
    assert (extension.value.key_cert_sign, extension.value.crl_sign) == (True, True)
    assert (extension.value.digital_signature, extension.value.key_encipherment) == (False, False)


def test_authority_signs_itself(authority: Pair) -> None:
    """The CA is a root."""
    parsed(authority).verify_directly_issued_by(parsed(authority))


def test_two_authorities_have_two_names(authority: Pair) -> None:
    """While one CA replaces another, verifiers that look up issuers by name find the right one."""
    later = issue_authority(not_before=NOW + timedelta(seconds=1), not_after=NOW + timedelta(days=1))
    assert parsed(later).subject != parsed(authority).subject


def test_leaf_is_no_authority(leaf: Pair) -> None:
    """A stolen leaf cannot sign."""
    extension = parsed(leaf).extensions.get_extension_for_class(x509.BasicConstraints)
    assert extension.critical
    assert extension.value == x509.BasicConstraints(ca=False, path_length=None)


def test_leaf_key_usage(leaf: Pair) -> None:
    """The leaf's key signs handshakes; as an EC key it never encrypts a key."""
    extension = parsed(leaf).extensions.get_extension_for_class(x509.KeyUsage)
    assert extension.critical
    assert extension.value.digital_signature
    assert (extension.value.key_cert_sign, extension.value.key_encipherment) == (False, False)


def test_leaf_is_for_servers_only(leaf: Pair) -> None:
    """The leaf cannot authenticate a client."""
    usage = parsed(leaf).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_leaf_carries_the_names(leaf: Pair) -> None:
    """Clients look at the subject alternative names alone; all are there, in order, and no others."""
    names = parsed(leaf).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == list(NAMES)
    assert len(names) == len(NAMES)


def test_leaf_points_at_its_authority(authority: Pair, leaf: Pair) -> None:
    """The authority key identifier of the leaf is the subject key identifier of the CA."""
    subject = parsed(authority).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuer = parsed(leaf).extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert issuer.key_identifier == subject.digest
    parsed(leaf).verify_directly_issued_by(parsed(authority))


@pytest.mark.parametrize("which", ["authority", "leaf"])
def test_keys_are_p256(which: str, request: pytest.FixtureRequest) -> None:
    """Keys are ECDSA P-256 and belong to their certificates."""
    pair: Pair = request.getfixturevalue(which)
    key = load_pem_private_key(pair.key, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert key.public_key() == parsed(pair).public_key()


def test_validity_is_what_was_asked(leaf: Pair) -> None:
    """Validity is given in whole seconds."""
    certificate = parsed(leaf)
    assert certificate.not_valid_before_utc == NOW.replace(microsecond=0)
    assert certificate.not_valid_after_utc == NOW.replace(microsecond=0) + timedelta(days=90)


@pytest.mark.parametrize("name", NAMES)
def test_a_strict_verifier_accepts_the_leaf(authority: Pair, leaf: Pair, name: str) -> None:
    """The pair passes a full path validation for every name."""
    store = Store([parsed(authority)])
    verifier = PolicyBuilder().store(store).time(NOW + timedelta(days=1)).build_server_verifier(x509.DNSName(name))
    assert verifier.verify(parsed(leaf), []) == [parsed(leaf), parsed(authority)]


def test_a_leaf_without_names_is_refused(authority: Pair) -> None:
    """No client could accept it."""
    with pytest.raises(ValueError, match="at least one name"):
        issue_leaf(authority, names=(), not_before=NOW, not_after=NOW + timedelta(days=1))
