"""New certificate files serve new connections without a restart; bad ones change nothing."""

import http.client
import os
import signal
import ssl
from pathlib import Path

import pytest

from tests.server.pairs import a_pair, mount, trusting
from tests.server.running import Server, exchange, small_server, wait_for
from tiergate.process.tls import Material

pytestmark = pytest.mark.process


def serves(server: Server, pair: Material) -> bool:
    try:
        return server.get("/livez", trusting(pair)).status == 200
    except ssl.SSLCertVerificationError:
        return False


def test_a_swapped_secret_serves_new_connections_and_keeps_old_ones(tmp_path: Path) -> None:
    old, new = a_pair("old"), a_pair("new")
    folder = mount(tmp_path / "tls", old, version="1")
    with small_server(tmp_path, "--tls-dir", str(folder)) as server:
        server.wait_ready(trusting(old))
        connection: http.client.HTTPSConnection = server.connection(trusting(old))
        assert exchange(connection, "GET", "/livez").status == 200
        mount(folder, new, version="2")
        wait_for(lambda: serves(server, new), "the new certificate")
        assert not serves(server, old)
        assert exchange(connection, "GET", "/livez").status == 200
        connection.close()


def test_the_new_certificate_serves_clients_that_name_no_server(tmp_path: Path) -> None:
    old, new = a_pair("old"), a_pair("new")
    folder = mount(tmp_path / "tls", old, version="1")
    with small_server(tmp_path, "--tls-dir", str(folder)) as server:
        server.wait_ready(trusting(old))
        mount(folder, new, version="2")
        context = trusting(new)
        context.check_hostname = False
        wait_for(lambda: serves(server, new), "the new certificate")
        with server.raw(context) as connection:
            assert ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b"").encode() == new.certificate


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(Material(b"", b""), id="empty"),
        pytest.param(Material(a_pair().certificate, a_pair().key), id="key-of-another-certificate"),
    ],
)
def test_a_bad_new_pair_leaves_the_old_one_in_force(tmp_path: Path, bad: Material) -> None:
    old = a_pair("old")
    folder = mount(tmp_path / "tls", old, version="1")
    with small_server(tmp_path, "--tls-dir", str(folder)) as server:
        server.wait_ready(trusting(old))
        mount(folder, bad, version="2")
        wait_for(lambda: "cannot be used" in server.log(), "the line about the bad pair")
        assert serves(server, old)
        assert server.get("/readyz", trusting(old)).status == 200
        newer = a_pair("newer")
        mount(folder, newer, version="3")
        wait_for(lambda: serves(server, newer), "the good pair after the bad one")


def test_a_restarted_worker_serves_the_latest_pair(tmp_path: Path) -> None:
    """The parent read the first pair before it forked; a worker that takes over must not go back to it."""
    old, new = a_pair("old"), a_pair("new")
    folder = mount(tmp_path / "tls", old, version="1")
    with small_server(tmp_path, "--tls-dir", str(folder)) as server:
        server.wait_ready(trusting(old))
        mount(folder, new, version="2")
        wait_for(lambda: serves(server, new), "the new certificate")
        crashed = server.worker()
        os.kill(crashed, signal.SIGKILL)
        server.wait_ready(trusting(new))
        assert server.worker() != crashed
