"""A webhook of the tests' own: a real HTTPS server behind a Service, called by the real API server."""

from __future__ import annotations

import base64
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from tests.background import threads
from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster
from tests.controlplane.network import free_ports
from tiergate_certs.issue import Pair, issue_authority, issue_leaf, service_names

NAMESPACE: Final = "default"
Answer = Callable[[str, bytes], bytes]
"""From the path and the body of a review to the body of the answer."""


@dataclass(frozen=True)
class Webhook:
    """A webhook that serves, and what a webhook configuration says to reach it."""

    service: str
    port: int
    authority: bytes

    def client_config(self, path: str) -> Object:
        """Return the ``clientConfig`` of an entry that calls this path."""
        service = {"name": self.service, "namespace": NAMESPACE, "port": self.port, "path": path}
        return {"service": service, "caBundle": base64.b64encode(self.authority).decode()}


@contextmanager
def serving(cluster: Cluster, service: str, answer: Answer) -> Iterator[Webhook]:
    """Serve behind a new Service while the block runs; raise on the way out what an answer raised.

    Whoever binds the ClusterIP is the Service, as the control plane's Services are loopback addresses: it takes a
    control plane of our own (``cluster.plane``).
    """
    (port,) = free_ports("", 1)
    spec = {"ports": [{"port": port}]}
    metadata = {"name": service, "namespace": NAMESPACE}
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    where = f"service {service} -n {NAMESPACE}"
    address = cluster.kubectl(f"get {where} -o jsonpath={{.spec.clusterIP}}").out
    now = datetime.now(UTC)
    start, end = now - timedelta(minutes=5), now + timedelta(hours=6)
    authority = issue_authority(not_before=start, not_after=end)
    names = service_names(service=service, namespace=NAMESPACE)
    leaf = issue_leaf(authority, names=names, not_before=start, not_after=end)
    try:
        with _running(_Server((address, port), leaf, answer)):
            yield Webhook(service, port, authority.certificate)
    finally:
        cluster.kubectl(f"delete {where}")


@contextmanager
def _running(server: _Server) -> Iterator[None]:
    with server, threads(partial(server.serve_forever, poll_interval=0.05), stop=server.shutdown):
        yield
    if server.failures:
        raise server.failures[0]


class _Server(ThreadingHTTPServer):
    """One thread and one connection for each call; ``failures`` is what answers raised."""

    daemon_threads = False

    def __init__(self, address: tuple[str, int], pair: Pair, answer: Answer) -> None:
        self.answer = answer
        self.failures: list[Exception] = []
        super().__init__(address, _Handler)
        # A slow or broken handshake must hold up its own thread only.
        self.socket = _context(pair).wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


def _context(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory(prefix="tiergate-webhook-") as folder:
        file = Path(folder) / "pair.pem"
        file.touch(mode=0o600)
        file.write_bytes(pair.certificate + pair.key)
        context.load_cert_chain(file)
    return context


class _Handler(BaseHTTPRequestHandler):
    timeout = 30
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            answer = self.server.answer(self.path.partition("?")[0], body)
        except Exception as error:  # noqa: BLE001  # the test must hear of it, whatever it is
            self.server.failures.append(error)
            self.send_error(500)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class named it
        """Say nothing: what is called is recorded by who answers."""
