"""A real TLS handshake with the issued pair."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tiergate_certs.issue import Pair, issue_authority, issue_leaf

NOW = datetime.now(UTC)
"""OpenSSL checks validity against the real clock, so these certificates are issued around it."""
NAME = "webhook.system.svc"


@pytest.fixture(scope="module")
def authority() -> Pair:
    return issue_authority(not_before=NOW - timedelta(minutes=5), not_after=NOW + timedelta(days=1))


def server_context(pair: Pair, folder: Path) -> ssl.SSLContext:
    (folder / "tls.crt").write_bytes(pair.certificate)
    (folder / "tls.key").write_bytes(pair.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    return context


def shake_hands(server: ssl.SSLContext, *, trusted: bytes, name: str) -> str | None:
    """Run a handshake in memory and return the protocol; raise what the client raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cadata=trusted.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    client = context.wrap_bio(to_client, to_server, server_hostname=name)
    served = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, served):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client.version()


def leaf_of(authority: Pair, *, not_after: datetime = NOW + timedelta(hours=1)) -> Pair:
    return issue_leaf(authority, names=(NAME,), not_before=NOW - timedelta(minutes=5), not_after=not_after)


def test_a_client_that_trusts_the_authority_connects(authority: Pair, tmp_path: Path) -> None:
    """The pair works in OpenSSL with strict checks of X.509."""
    context = server_context(leaf_of(authority), tmp_path)
    assert shake_hands(context, trusted=authority.certificate, name=NAME) == "TLSv1.3"


@pytest.mark.parametrize("first", [True, False], ids=["new-before-old", "old-before-new"])
def test_a_client_that_trusts_two_authorities_connects(authority: Pair, tmp_path: Path, *, first: bool) -> None:
    """While a CA changes, both are in what clients trust, in any order."""
    other = issue_authority(not_before=NOW - timedelta(minutes=5), not_after=NOW + timedelta(days=1))
    both = [authority.certificate, other.certificate]
    context = server_context(leaf_of(authority), tmp_path)
    assert shake_hands(context, trusted=b"".join(both if first else reversed(both)), name=NAME)


@pytest.mark.parametrize(
    ("name", "trusts_another", "over", "reason"),
    [
        pytest.param("other.system.svc", False, False, "Hostname mismatch", id="wrong-name"),
        pytest.param(NAME, True, False, "unable to get local issuer", id="wrong-authority"),
        pytest.param(NAME, False, True, "expired", id="expired"),
    ],
)
def test_a_client_refuses(
    authority: Pair, tmp_path: Path, name: str, reason: str, *, trusts_another: bool, over: bool
) -> None:
    """A wrong name, a CA that is not trusted and an expired leaf all end the handshake at the client."""
    leaf = leaf_of(authority, not_after=NOW - timedelta(minutes=1) if over else NOW + timedelta(hours=1))
    other = issue_authority(not_before=NOW - timedelta(minutes=5), not_after=NOW + timedelta(days=1))
    trusted = (other if trusts_another else authority).certificate
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        shake_hands(server_context(leaf, tmp_path), trusted=trusted, name=name)
