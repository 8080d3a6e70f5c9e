"""Stopping loses no request, and needs no orderly end."""

import http.client
import os
import signal
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from tests.server.pairs import a_pair, trusting, write
from tests.server.running import JSON, Server, exchange, plaintext_answer, small_server, wait_for
from tiergate.process.worker import DRAIN_SECONDS

pytestmark = pytest.mark.process

CLIENTS = 6


class Client(threading.Thread):
    """A client as the API server is one: it keeps its connection, and opens a new one when told that it ended."""

    def __init__(self, server: Server, context: ssl.SSLContext) -> None:
        super().__init__()
        self.answered = 0
        self.lost: list[str] = []
        self._server = server
        self._context = context

    def run(self) -> None:
        """Send until the server takes no new connection."""
        connection = self._server.connection(self._context)
        while True:
            try:
                connection.connect()
            except OSError:  # the listener is closed or closing; a Service has taken us out by then
                return
            self._send_until_closed(connection)

    def _send_until_closed(self, connection: http.client.HTTPSConnection) -> None:
        while True:
            try:
                reply = exchange(connection, "POST", "/validate", body=b"x" * 2000, headers=JSON)
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                connection.close()
                return
            if reply.status != 200:
                self.lost.append(str(reply))
            self.answered += 1
            if reply.headers.get("connection") == "close":
                connection.close()
                return


def test_sigterm_under_traffic_loses_no_request(tmp_path: Path) -> None:
    """Every request on a kept-alive connection is answered; the last answer says that the connection ends."""
    pair = a_pair()
    folder = write(tmp_path / "tls", pair)
    with small_server(tmp_path, "--tls-dir", str(folder), "--answer-seconds", "0.005") as server:
        server.wait_ready(trusting(pair))
        clients = [Client(server, trusting(pair)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(1)
        server.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(30)
        assert server.process.wait(20) == 0
    assert [loss for client in clients for loss in client.lost] == []
    assert all(client.answered > 20 for client in clients)


def test_a_request_that_is_being_answered_survives_sigterm(tmp_path: Path) -> None:
    pair = a_pair()
    folder = write(tmp_path / "tls", pair)
    with small_server(tmp_path, "--tls-dir", str(folder), "--answer-seconds", "3") as server:
        server.wait_ready(trusting(pair))
        threading.Timer(0.5, server.process.send_signal, (signal.SIGTERM,)).start()
        assert server.send("POST", "/validate", trusting(pair), body=b"1234", headers=JSON).body == b"4"


def test_an_idle_connection_is_still_served_after_sigterm(tmp_path: Path) -> None:
    """The API server always holds one: what it sends there while we stop is answered, with the end announced."""
    pair = a_pair()
    folder = write(tmp_path / "tls", pair)
    with small_server(tmp_path, "--tls-dir", str(folder)) as server:
        server.wait_ready(trusting(pair))
        connection = server.connection(trusting(pair))
        assert exchange(connection, "POST", "/validate", body=b"1", headers=JSON).status == 200
        server.process.send_signal(signal.SIGTERM)
        time.sleep(2)
        reply = exchange(connection, "POST", "/validate", body=b"12", headers=JSON)
        assert (reply.status, reply.body, reply.headers["connection"]) == (200, b"2", "close")
        connection.close()


def test_an_idle_connection_does_not_keep_the_process(tmp_path: Path) -> None:
    """It is closed in the end, and the worker goes by itself: gunicorn says so when it had to kill it."""
    pair = a_pair()
    folder = write(tmp_path / "tls", pair)
    with small_server(tmp_path, "--tls-dir", str(folder)) as server:
        server.wait_ready(trusting(pair))
        with server.raw(trusting(pair)) as idle:
            server.process.send_signal(signal.SIGTERM)
            assert idle.recv(1) == b""
            assert server.process.wait(20) == 0
        assert "SIGKILL" not in server.log()


def test_a_connection_in_its_handshake_is_still_served_after_sigterm(tmp_path: Path) -> None:
    pair = a_pair()
    folder = write(tmp_path / "tls", pair)
    with small_server(tmp_path, "--tls-dir", str(folder)) as server:
        server.wait_ready(trusting(pair))
        connection = server.connection(trusting(pair))
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        time.sleep(0.5)  # the server has taken it by then
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: plaintext_answer(server.port) is None, "the listener to close")
        connection.sock = trusting(pair).wrap_socket(plain, server_hostname="127.0.0.1")
        reply = exchange(connection, "POST", "/validate", body=b"12", headers=JSON)
        assert (reply.status, reply.body, reply.headers["connection"]) == (200, b"2", "close")
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_an_impatient_stop_waits_for_nobody(tmp_path: Path, number: signal.Signals) -> None:
    pair = a_pair()
    folder = write(tmp_path / "tls", pair)
    with small_server(tmp_path, "--tls-dir", str(folder)) as server:
        server.wait_ready(trusting(pair))
        with server.raw(trusting(pair)):
            began = time.monotonic()
            server.process.send_signal(number)
            server.process.wait(20)
            assert time.monotonic() - began < DRAIN_SECONDS


def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    pair = a_pair()
    folder = write(tmp_path / "tls", pair)
    with small_server(tmp_path, "--tls-dir", str(folder)) as server:
        server.wait_ready(trusting(pair))
        killed = server.worker()
        os.kill(killed, signal.SIGKILL)
        server.wait_ready(trusting(pair))
        assert server.worker() != killed


def test_a_service_that_cannot_start_ends_the_process(tmp_path: Path) -> None:
    folder = write(tmp_path / "tls", a_pair())
    with small_server(tmp_path, "--tls-dir", str(folder), "--start-fails") as server:
        assert server.process.wait(20) != 0
        assert "no way to start" in server.log()
