"""Not one byte of plain HTTP ever leaves the TLS port."""

from pathlib import Path

import pytest

from tests.server.pairs import a_pair, trusting, write
from tests.server.running import Server, plaintext_answer, small_server, wait_for
from tiergate.process.tls import Material

pytestmark = pytest.mark.process

BOOT_ERROR = 3
"""gunicorn's own exit code for a worker that could not start."""


def no_http(port: int) -> bool:
    """Say whether a plain request gets no HTTP: nothing, a TLS alert, or no connection at all."""
    answer = plaintext_answer(port)
    return answer is None or b"HTTP" not in answer


def waits(server: Server) -> bool:
    return "waiting for a certificate" in server.log()


def test_a_good_pair_speaks_tls_alone(tmp_path: Path) -> None:
    pair = a_pair()
    with small_server(tmp_path, "--tls-dir", str(write(tmp_path / "tls", pair))) as server:
        server.wait_ready(trusting(pair))
        answer = plaintext_answer(server.port)
        assert answer is not None
        assert b"HTTP" not in answer


@pytest.mark.parametrize(
    "material",
    [
        pytest.param(None, id="missing"),
        pytest.param(Material(b"no certificate", b"no key"), id="garbage"),
        pytest.param(Material(a_pair().certificate, a_pair().key), id="key-of-another-certificate"),
        pytest.param(Material(a_pair().certificate, b""), id="empty-key"),
    ],
)
def test_no_port_is_open_until_the_pair_can_serve(tmp_path: Path, material: Material | None) -> None:
    """The process waits, says why once, and serves when a good pair comes."""
    folder = tmp_path / "tls"
    if material is not None:
        write(folder, material)
    with small_server(tmp_path, "--tls-dir", str(folder)) as server:
        wait_for(lambda: waits(server), "the line that says what is missing")
        assert plaintext_answer(server.port) is None
        pair = a_pair()
        write(folder, pair)
        server.wait_ready(trusting(pair))
        assert no_http(server.port)
        assert server.log().count("waiting for a certificate") <= 2  # half-written files may be a second reason


def test_a_waiting_process_ends_on_request(tmp_path: Path) -> None:
    with small_server(tmp_path, "--tls-dir", str(tmp_path / "nothing")) as server:
        wait_for(lambda: waits(server), "the line that says what is missing")
        assert server.stop() == 128 + 15


def test_a_failing_context_hook_ends_the_process(tmp_path: Path) -> None:
    """The server would go on in plain text; ours ends instead, whoever keeps asking."""
    folder = write(tmp_path / "tls", a_pair())
    with small_server(tmp_path, "--tls-dir", str(folder), "--hook-fails") as server:
        while server.process.poll() is None:
            assert no_http(server.port)
        assert server.process.returncode == BOOT_ERROR
        assert "no TLS context" in server.log()
