"""Start the real server process and talk to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
JSON = {"Content-Type": "application/json"}
PATIENCE = 20.0


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Server:
    """A running process with a main port; its output goes to two files."""

    def __init__(
        self, command: Sequence[str], *, port: int, folder: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self._out, self._err = folder / f"{port}.out", folder / f"{port}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=err, env={**os.environ, **(env or {})}, cwd=HERE.parents[1]
            )

    def lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines of standard output so far."""
        return [json.loads(line) for line in self._out.read_text().splitlines()]

    def log(self) -> str:
        """Return standard error so far."""
        return self._err.read_text()

    def stop(self) -> int:
        """Ask the process to end, insist after a while, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def worker(self) -> int:
        """Return the process id of the gunicorn worker."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0])

    def get(
        self, path: str, context: ssl.SSLContext, *, port: int | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send one GET over a new connection."""
        return self.send("GET", path, context, port=port, headers=headers)

    def send(
        self,
        method: str,
        path: str,
        context: ssl.SSLContext,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> Reply:
        """Send one request over a new connection."""
        with contextlib.closing(self.connection(context, port=port)) as connection:
            return exchange(connection, method, path, body=body, headers=headers)

    def connection(self, context: ssl.SSLContext, *, port: int | None = None) -> http.client.HTTPSConnection:
        """Return a connection that is kept alive; it connects with its first request."""
        return http.client.HTTPSConnection("127.0.0.1", port or self.port, timeout=PATIENCE, context=context)

    def raw(self, context: ssl.SSLContext) -> ssl.SSLSocket:
        """Return a TLS connection to write bytes to."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def wait_ready(self, context: ssl.SSLContext) -> None:
        """Wait until /readyz says so."""
        wait_for(lambda: self._answers(context), f"readiness of {self.port}; its log:\n{self.log()}")

    def _answers(self, context: ssl.SSLContext) -> bool:
        assert self.process.poll() is None, f"the server ended: {self.log()}"
        try:
            return self.get("/readyz", context).status == 200
        except OSError:
            return False


def exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Send one request and read the whole answer."""
    connection.request(method, path, body=body, headers=dict(headers or {}))
    response = connection.getresponse()
    return Reply(response.status, response.read(), {name.lower(): value for name, value in response.getheaders()})


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Look every 50 ms until the condition holds; fail after a while."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        time.sleep(0.05)


def a_free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def small_server(folder: Path, *arguments: str) -> Iterator[Server]:
    """Run ``small_service.py`` until the block ends."""
    port = a_free_port()
    command = [sys.executable, str(HERE / "small_service.py"), "--port", str(port), *arguments]
    server = Server(command, port=port, folder=folder)
    try:
        yield server
    finally:
        server.stop()


def plaintext_answer(port: int) -> bytes | None:
    """Send an HTTP request without TLS; return whatever comes back, None where nobody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as plain:
            plain.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return _all_of(plain)
    except ConnectionRefusedError:
        return None


def _all_of(plain: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(OSError):  # a reset or a time-out ends what came
        while chunk := plain.recv(4096):
            received += chunk
    return received
