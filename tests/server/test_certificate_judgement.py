"""Which pairs may serve, and what a context context does with a change; without a process."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.server.pairs import a_pair, mount, write
from tiergate.process.tls import Files, Material, ReloadingContext, Unusable, load_context

HOUR = timedelta(hours=1)


def an_encrypted_key(material: Material) -> Material:
    key = serialization.load_pem_private_key(material.key, None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    return Material(material.certificate, encrypted)


def test_a_good_pair_says_until_when() -> None:
    expires = load_context(a_pair(ends=2 * HOUR), at=datetime.now(UTC)).expires
    assert timedelta(hours=1, minutes=59) < expires - datetime.now(UTC) <= 2 * HOUR


@pytest.mark.parametrize(
    ("material", "says"),
    [
        pytest.param(a_pair(ends=-HOUR / 2), "is valid from", id="expired"),
        pytest.param(a_pair(starts=HOUR / 2), "is valid from", id="not-yet-valid"),
        pytest.param(Material(a_pair().certificate, a_pair().key), "does not load", id="key-of-another-certificate"),
        pytest.param(Material(b"", a_pair().key), "tls.crt", id="no-certificate"),
        pytest.param(Material(a_pair().certificate, b""), "does not load", id="no-key"),
        pytest.param(an_encrypted_key(a_pair()), "does not load", id="encrypted-key"),
        pytest.param(
            Material(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b""), "tls.crt", id="half"
        ),
    ],
)
def test_what_cannot_serve_is_refused_with_a_reason(material: Material, says: str) -> None:
    with pytest.raises(Unusable, match=says) as refusal:
        load_context(material, at=datetime.now(UTC))
    assert "PRIVATE" not in str(refusal.value)


def test_a_client_ca_that_does_not_parse_is_refused() -> None:
    good = a_pair()
    with pytest.raises(Unusable):
        load_context(Material(good.certificate, good.key, b"no certificate"), at=datetime.now(UTC))


def test_a_mounted_secret_is_read_as_one_version(tmp_path: Path) -> None:
    first, second = a_pair("first"), a_pair("second")
    files = Files(mount(tmp_path, first, version="1"))
    assert files.read() == first
    mount(tmp_path, second, version="2")
    assert files.read() == second


@pytest.mark.parametrize("folder", ["none", "x" * 300], ids=["missing", "cannot-be-looked-into"])
def test_a_folder_that_cannot_be_read_is_waited_for(tmp_path: Path, folder: str) -> None:
    """It may be mounted, or its permissions mended, while the server waits."""
    with pytest.raises(Unusable, match=folder):
        Files(tmp_path / folder).read()


def test_reload_replaces_a_changed_pair_once(tmp_path: Path) -> None:
    context = ReloadingContext(Files(write(tmp_path, a_pair(ends=HOUR))))
    assert not context.reload()
    write(tmp_path, a_pair(ends=5 * HOUR))
    assert context.reload()
    assert context.expires - datetime.now(UTC) > 4 * HOUR
    assert not context.reload()


@pytest.mark.parametrize("kept", [pytest.param(True, id="files-gone"), pytest.param(False, id="files-bad")])
def test_reload_keeps_the_old_pair_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, kept: bool
) -> None:
    context = ReloadingContext(Files(write(tmp_path, a_pair(ends=HOUR))))
    expires = context.expires
    if kept:
        (tmp_path / "tls.key").unlink()
    else:
        (tmp_path / "tls.key").write_bytes(a_pair().key)
    assert not context.reload()
    assert not context.reload()
    assert context.expires == expires
    assert len(caplog.records) == 1


def test_a_pair_that_starts_later_is_taken_when_it_starts(tmp_path: Path) -> None:
    context = ReloadingContext(Files(write(tmp_path, a_pair(ends=HOUR))))
    write(tmp_path, a_pair(starts=HOUR / 2, ends=5 * HOUR))
    assert not context.reload()
    assert context.reload(now=datetime.now(UTC) + 2 * HOUR / 3)
