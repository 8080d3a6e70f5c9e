"""What the transport refuses, and that it goes on afterwards."""

import contextlib
import http.client
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.server.pairs import a_pair, trusting, write
from tests.server.running import JSON, Server, exchange, small_server, wait_for

pytestmark = pytest.mark.process

LIMIT = 40 * 2**20
MEGABYTE = b"x" * 2**20


class Running(NamedTuple):
    """A server and how to trust it."""

    server: Server
    context: ssl.SSLContext


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for all tests here: each of them must leave it healthy."""
    folder, pair = tmp_path_factory.mktemp("bodies"), a_pair()
    with small_server(folder, "--tls-dir", str(write(folder / "tls", pair))) as server:
        server.wait_ready(trusting(pair))
        yield Running(server, trusting(pair))


@pytest.fixture
def connection(running: Running) -> Iterator[http.client.HTTPSConnection]:
    """A connection that must still work when the test is over."""
    with contextlib.closing(running.server.connection(running.context)) as kept:
        yield kept
        assert exchange(kept, "POST", "/validate", body=b"12345", headers=JSON).body == b"5"
    assert running.server.process.poll() is None


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("POST", "/validate", {"Content-Type": "text/plain"}, 415, id="other-content-type"),
        pytest.param("POST", "/validate", {}, 415, id="no-content-type"),
        pytest.param("POST", "/validate", {"Content-Type": "Application/JSON; charset=utf-8"}, 200, id="with-charset"),
        pytest.param("PUT", "/validate", JSON, 405, id="put"),
        pytest.param("GET", "/validate", {}, 405, id="get"),
        pytest.param("POST", "/livez", JSON, 405, id="post-to-a-probe"),
        pytest.param("POST", "/", JSON, 404, id="root"),
        pytest.param("POST", "/validate/", JSON, 404, id="trailing-slash"),
        pytest.param("GET", "/usage", {}, 404, id="usage-on-the-main-port"),
        pytest.param("POST", "/validate?timeout=5s", JSON, 200, id="query-of-the-api-server"),
    ],
)
def test_what_is_asked_and_how(
    connection: http.client.HTTPSConnection, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    reply = exchange(connection, method, path, body=b"{}", headers=headers)
    assert reply.status == status
    assert b"Traceback" not in reply.body


def test_a_body_of_the_limit_is_taken(connection: http.client.HTTPSConnection) -> None:
    assert exchange(connection, "POST", "/validate", body=MEGABYTE * 40, headers=JSON).body == b"%d" % LIMIT


def test_a_body_over_the_limit_is_413_on_a_connection_that_goes_on(connection: http.client.HTTPSConnection) -> None:
    assert exchange(connection, "POST", "/validate", body=MEGABYTE * 40 + b"x", headers=JSON).status == 413


def test_a_body_without_a_length_is_411(running: Running) -> None:
    with contextlib.closing(running.server.connection(running.context)) as connection:
        connection.request("POST", "/validate", body=iter([b"{}"]), headers=JSON, encode_chunked=True)
        response = connection.getresponse()
        assert (response.status, response.getheader("connection")) == (411, "close")


def test_an_endless_declared_body_is_413_before_it_comes(running: Running) -> None:
    """Nobody waits for a terabyte: the answer comes at once and says that the connection ends."""
    with running.server.raw(running.context) as raw:
        raw.sendall(
            b"POST /validate HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1099511627776\r\n\r\n"
        )
        answer = raw.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


def test_who_waits_for_100_continue_is_refused_without_sending(running: Running) -> None:
    with running.server.raw(running.context) as raw:
        raw.sendall(
            b"POST /validate HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            b"Content-Length: 50000000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert raw.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_truncated_body_is_never_answered_as_if_it_were_whole(running: Running) -> None:
    with running.server.raw(running.context) as raw:
        raw.sendall(b"POST /validate HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n")
        raw.sendall(b"Content-Length: 100\r\n\r\nonly this")
    time.sleep(0.2)
    assert running.server.get("/livez", running.context).status == 200


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\x00\xff\xfe\r\n\r\n", id="no-http"),
        pytest.param(b"POST /validate HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", id="negative-length"),
        pytest.param(
            b"POST /validate HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", id="two-lengths"
        ),
    ],
)
def test_garbage_is_400_or_nothing(running: Running, garbage: bytes) -> None:
    with running.server.raw(running.context) as raw:
        raw.sendall(garbage)
        answer = raw.recv(4096)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert running.server.get("/livez", running.context).status == 200


def test_a_bug_is_a_500_without_its_text(running: Running, connection: http.client.HTTPSConnection) -> None:
    reply = exchange(connection, "POST", "/validate", body=b"bug", headers=JSON)
    assert (reply.status, reply.body) == (500, b"internal error\n")
    assert "a bug with a secret" in running.server.log()


def test_each_review_is_one_json_line(running: Running, connection: http.client.HTTPSConnection) -> None:
    def lines() -> list[tuple[str, int]]:
        return [(line["uid"], line["status"]) for line in running.server.lines() if line["endpoint"] == "tiers"]

    exchange(connection, "POST", "/tiers", body=b"{}", headers=JSON)
    exchange(connection, "POST", "/tiers", body=b"{}", headers=JSON)
    wait_for(lambda: len(lines()) >= 2, "two lines")
    assert lines() == [("u", 200), ("u", 200)]


def test_bytes_in_flight_are_bounded(tmp_path: Path) -> None:
    """A request that would exceed them is told to come later, and the next one is served."""
    pair = a_pair()
    arguments = ("--tls-dir", str(write(tmp_path / "tls", pair)), "--in-flight", "1000000", "--answer-seconds", "2")
    with small_server(tmp_path, *arguments) as server:
        context = trusting(pair)
        server.wait_ready(context)
        with contextlib.closing(server.connection(context)) as first:
            first.request("POST", "/validate", body=b"x" * 600_000, headers=JSON)
            time.sleep(0.5)
            assert server.send("POST", "/validate", context, body=b"x" * 600_000, headers=JSON).status == 503
            assert first.getresponse().read() == b"600000"
        assert server.send("POST", "/validate", context, body=b"x" * 600_000, headers=JSON).status == 200
