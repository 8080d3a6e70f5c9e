"""Clients that send slowly, never, or without end: they cost little, and the others do not notice."""

import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.attacks import Port, key_updates, tiny_records
from tests.server.pairs import a_pair, trusting, write
from tests.server.running import JSON, PATIENCE, Server, exchange, small_server, wait_for
from tiergate.process.connections import MAX_CONNECTIONS

pytestmark = pytest.mark.process

MANY = 40

ALIKE = b"POST /validate HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"


class Running(NamedTuple):
    """A server and how to trust it."""

    server: Server
    context: ssl.SSLContext


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for all tests here."""
    folder, pair = tmp_path_factory.mktemp("slow"), a_pair()
    with small_server(folder, "--tls-dir", str(write(folder / "tls", pair))) as server:
        server.wait_ready(trusting(pair))
        yield Running(server, trusting(pair))


def answers_others(running: Running) -> None:
    """Send reviews, each on a new connection: whoever had to wait for the slow ones would not be answered in time."""
    for _ in range(10):
        assert running.server.send("POST", "/validate", running.context, body=b"12345", headers=JSON).body == b"5"


def client_hello(context: ssl.SSLContext) -> bytes:
    """Return the first bytes of a handshake."""
    outgoing = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1").do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(
    "part", [pytest.param(0.0, id="silent"), pytest.param(0.5, id="half-a-hello"), pytest.param(1.0, id="a-hello")]
)
def test_handshakes_that_do_not_end_hold_nothing_up(running: Running, part: float) -> None:
    hello = client_hello(running.context)
    with contextlib.ExitStack() as stack:
        for _ in range(MANY):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", running.server.port), timeout=PATIENCE))
            plain.sendall(hello[: int(part * len(hello))])
        answers_others(running)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"", id="silent"),
        pytest.param(b"POST /vali", id="half-a-line"),
        pytest.param(ALIKE + b"Content-", id="half-the-headers"),
        pytest.param(ALIKE + b"Content-Length: 9\r\n\r\n12", id="half-a-body"),
    ],
)
def test_requests_that_do_not_end_hold_nothing_up(running: Running, start: bytes) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(running.server.raw(running.context)).sendall(start)
        answers_others(running)


@pytest.mark.parametrize(
    ("start", "rest"),
    [
        pytest.param(b"POST /", b"a" * 2**15, id="path"),
        pytest.param(ALIKE + b"A: ", b"a" * 2**15, id="header"),
        pytest.param(ALIKE, b"abc: d\r\n" * 2**12, id="headers"),
    ],
)
def test_headers_without_end_end_their_connection_and_fill_no_memory(
    running: Running, start: bytes, rest: bytes
) -> None:
    before = resident(running.server.worker())
    with running.server.raw(running.context) as raw:
        raw.sendall(start)
        sent = sent_until_refused(raw, rest)
    assert sent < 32 * 2**20
    assert resident(running.server.worker()) - before < 64 * 2**20
    answers_others(running)


def sent_until_refused(raw: socket.socket, part: bytes) -> int:
    """Send the same bytes until the server ends the connection, and return how many they were."""
    sent = 0
    with contextlib.suppress(OSError):
        while sent < 64 * 2**20:
            raw.sendall(part)
            sent += len(part)
    return sent


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def test_head_and_body_are_one_tls_record(running: Running) -> None:
    """One read of a TLS connection returns one record."""
    with running.server.raw(running.context) as raw:
        raw.sendall(ALIKE + b"Content-Length: 5\r\n\r\n12345")
        record = raw.recv(2**16)
    assert record.startswith(b"HTTP/1.1 200 OK\r\n")
    assert record.endswith(b"\r\n\r\n5")


def test_the_server_does_not_say_what_it_runs(running: Running) -> None:
    assert "server" not in running.server.get("/livez", running.context).headers


def test_an_idle_connection_goes_on_after_a_pause(running: Running) -> None:
    """Longer than the few seconds that servers keep an idle connection by default."""
    with contextlib.closing(running.server.connection(running.context)) as kept:
        for pause in (0, 6):
            time.sleep(pause)
            assert exchange(kept, "POST", "/validate", body=b"12", headers=JSON).body == b"2"


def test_tls_that_brings_no_http_ends_its_connection_and_holds_nothing_up(running: Running) -> None:
    """Each record costs as much as one full of data, and an update of keys many times that."""
    port = Port(running.server.port, running.context)
    most = 100_000
    assert tiny_records(port, most) < most
    try:
        assert key_updates(port, most) < most
    except AttributeError as error:
        pytest.skip(f"updates of keys were not tried, no OpenSSL to reach: {error}")
    answers_others(running)


@pytest.mark.parametrize("ends", ["Transfer-Encoding: chunked", "Connection: close\r\nContent-Length: 0"])
def test_who_goes_on_after_the_last_answer_is_cut_off(running: Running, ends: str) -> None:
    with running.server.raw(running.context) as raw:
        raw.sendall(f"POST /validate HTTP/1.1\r\nHost: h\r\n{ends}\r\n\r\n".encode())
        assert b"connection: close" in raw.recv(2**16)
        until = time.monotonic() + PATIENCE
        with contextlib.suppress(OSError):
            while time.monotonic() < until:
                raw.sendall(b"x" * 2**14)
        assert time.monotonic() < until


def test_small_requests_go_on_for_ever_on_one_connection(running: Running) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", running.server.port, context=running.context)
    with contextlib.closing(connection):
        for _ in range(3_000):
            connection.request("GET", "/livez")
            assert connection.getresponse().read() == b"ok\n"


def asked(stack: contextlib.ExitStack, running: Running, source: str, request: bytes) -> ssl.SSLSocket:
    """Return a connection from an address on which a request was sent."""
    port = ("127.0.0.1", running.server.port)
    plain = stack.enter_context(socket.create_connection(port, PATIENCE, source_address=(source, 0)))
    raw = stack.enter_context(running.context.wrap_socket(plain, server_hostname="127.0.0.1"))
    raw.sendall(request)
    return raw


REVIEW = ALIKE + b"Content-Length: 2\r\n\r\n12"


def probed(port: int) -> int:
    """Return the status of /readyz on a port without TLS, 0 where the connection ended."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        try:
            return exchange(connection, "GET", "/readyz").status
        except (OSError, http.client.HTTPException):
            return 0


def test_one_address_that_is_at_work_on_all_connections_shuts_nobody_out(tmp_path: Path) -> None:
    """Without TLS they are all there before the first is answered."""
    with small_server(tmp_path, "--answer-seconds=5") as server, contextlib.ExitStack() as stack:
        wait_for(lambda: probed(server.port) == 200, "the server")

        def reviewed(source: str) -> socket.socket:
            where = ("127.0.0.1", server.port)
            plain = stack.enter_context(socket.create_connection(where, PATIENCE, source_address=(source, 0)))
            plain.sendall(REVIEW)
            return plain

        for number in range(MAX_CONNECTIONS):
            reviewed("127.0.0.2")
            if not number % MANY:
                probed(server.port)  # meanwhile these are at work
        others = [reviewed("127.0.0.3") for _ in range(MANY)]
        assert [probed(server.port) for _ in range(MANY)] == [200] * MANY
        for one in others:
            assert one.recv(2**16).startswith(b"HTTP/1.1 200 ")


def test_clients_that_are_cut_off_one_after_the_other_leave_no_memory_behind(tmp_path: Path) -> None:
    """Without TLS the server reads most of it in one piece."""
    with small_server(tmp_path) as server:
        wait_for(lambda: probed(server.port) == 200, "the server")
        before = resident(server.worker())
        for _ in range(400):
            with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as plain:
                sent_until_refused(plain, ALIKE + b"a:\r\n" * 60_000)
        assert resident(server.worker()) - before < 32 * 2**20
        assert probed(server.port) == 200


def test_a_crowd_of_addresses_without_reviews_costs_who_sends_reviews_nothing(running: Running) -> None:
    """Each proves that it speaks HTTP, and then has fewer connections than an API server has in a burst."""
    with contextlib.ExitStack() as stack:
        served = [asked(stack, running, "127.0.0.1", REVIEW) for _ in range(MANY)]
        for one in served:
            assert one.recv(2**16).endswith(b"\r\n2")
        for number in range(MAX_CONNECTIONS):
            asked(stack, running, f"127.0.1.{number % MANY}", b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n").recv(2**16)
        for one in served:
            one.sendall(REVIEW)
            assert one.recv(2**16).endswith(b"\r\n2")
        more = [asked(stack, running, "127.0.0.1", REVIEW) for _ in range(MANY)]
        assert all(one.recv(2**16).endswith(b"\r\n2") for one in more)
