"""What a hostile client sends to the port: each function is one attack, and leaves when it is over."""

from __future__ import annotations

import _ssl
import contextlib
import ctypes
import http.client
import json
import socket
import ssl
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT: Final = 60.0
HOST: Final = "127.0.0.1"
MIB: Final = 2**20
HEAD: Final = (
    "POST /{path}?timeout=5s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
)
PODS: Final = ("", "v1", "Pod", "pods")
TIERS: Final = ("tiergate.io", "v1alpha1", "Tier", "tiers")


@dataclass(frozen=True)
class Port:
    """Where to send it, and how to trust it."""

    number: int
    context: ssl.SSLContext
    name: str = HOST
    address: str = HOST

    def raw(self) -> ssl.SSLSocket:
        """Return a TLS connection to write bytes to."""
        plain = socket.create_connection((self.address, self.number), timeout=TIMEOUT)
        return self.context.wrap_socket(plain, server_hostname=self.name)

    def post(self, path: str, body: bytes) -> int:
        """Send one review over a new connection and return the status; 0 where the connection ended."""
        try:
            with contextlib.closing(self.raw()) as raw:
                raw.sendall(HEAD.format(path=path, size=len(body)).encode() + body)
                answer = http.client.HTTPResponse(raw)
                answer.begin()
                answer.read()
                return answer.status
        except (OSError, http.client.HTTPException):
            return 0


@dataclass
class Bystander:
    """Somebody who sends ordinary reviews all the time; ``statuses`` counts what he got."""

    port: Port
    body: bytes
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0

    def __enter__(self) -> Self:
        """Begin."""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._go)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._end.set()
        self._thread.join()

    def _go(self) -> None:
        while not self._end.wait(0.05):
            began = time.monotonic()
            self.statuses[self.port.post("validate", self.body)] += 1
            self.slowest = max(self.slowest, time.monotonic() - began)


def review(described: tuple[str, str, str, str], document: dict[str, Any], *, namespace: str = "dev") -> bytes:
    """Return the review of an object's creation, with ``<`` as the API server escapes it."""
    group, version, kind, resource = described
    request = {
        "uid": "hostile",
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": {"group": group, "version": version, "resource": resource},
        "name": document["metadata"]["name"],
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "jane", "groups": ["system:authenticated"]},
        "object": {"apiVersion": f"{group}/{version}".strip("/"), "kind": kind, **document},
        "oldObject": None,
        "dryRun": False,
    }
    text = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
    return text.replace("<", "\\u003c").encode()


def pod(*, env: tuple[str, ...] = (), resources: dict[str, Any] | None = None) -> bytes:
    """Return the review of a pod."""
    variables = [{"name": f"V{number}", "value": value} for number, value in enumerate(env)]
    container = {"name": "a", "image": "a", "env": variables, "resources": resources or {}}
    return review(PODS, {"metadata": {"name": "a", "namespace": "dev"}, "spec": {"containers": [container]}})


def escaped_and_nul(port: Port, times: int) -> Counter[int]:
    """Send pods with one value of 2.9 MB of ``<`` and one that holds NUL."""
    body = pod(env=("<" * 2_900_000, "a\0b"))
    return Counter(port.post("validate", body) for _ in range(times))


def large_at_once(port: Port, count: int = 8, size: int = 36 * MIB) -> Counter[int]:
    """Send large reviews at the same moment."""
    body = pod(env=("x" * size,))
    with ThreadPoolExecutor(count) as senders:
        return Counter(senders.map(lambda _: port.post("validate", body), range(count)))


def two_byte_text(port: Port, count: int = 4, size: int = 40 * MIB) -> Counter[int]:
    """Send the longest reviews that the strict decoder reads, of letters that take two bytes, at the same moment."""
    start = review(PODS, {"metadata": {"name": "a", "namespace": "dev"}, "spec": {"containers": ["@"]}})
    body = start.replace(
        b'"@"', '{{"name":"a","args":["\\u0000","{}"]}}'.format("Ω" * ((size - 2 * len(start)) // 2)).encode()
    )
    with ThreadPoolExecutor(count) as senders:
        return Counter(senders.map(lambda _: port.post("validate", body), range(count)))


def stalled(port: Port, count: int, size: int, ask: Callable[[], None]) -> None:
    """Let uploads stall one byte before their end, and ask meanwhile."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            raw = stack.enter_context(contextlib.closing(port.raw()))
            raw.setblocking(False)  # noqa: FBT003 - the standard library's signature
            data = memoryview(HEAD.format(path="validate", size=size).encode() + b"x" * (size - 1))
            end = time.monotonic() + 1.0
            while data and time.monotonic() < end:  # who has to wait for his turn is held back
                with contextlib.suppress(ssl.SSLWantWriteError):
                    data = data[raw.send(data[: 2**16]) :]
        ask()


def idle(port: Port, count: int, ask: Callable[[], None]) -> None:
    """Hold connections that never say anything, and ask meanwhile."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(contextlib.closing(port.raw()))
        ask()


def unread(port: Port, count: int, ask: Callable[[], None]) -> None:
    """Ask twice on each connection for as many faults as one small review can have, read nothing, and ask."""
    name = json.dumps("\N{GRINNING FACE}" * 3600, ensure_ascii=False)
    faulty = "{" + name + ":[" + ",".join(['"\\u0000"'] * 100) + "]}"
    body = pod().replace(b'"spec":', f'"x":{faulty},"spec":'.encode())
    _sent_on_each(port, count, (HEAD.format(path="validate", size=len(body)).encode() + body) * 2, ask)


def headers(port: Port, count: int, ask: Callable[[], None]) -> None:
    """Send 250 KB of tiny headers on each connection, and ask."""
    head = b"POST /validate HTTP/1.1\r\nContent-Length: 10\r\n" + b"ab:cd\r\n" * 36_000 + b"\r\n"
    _sent_on_each(port, count, head, ask)


def _sent_on_each(port: Port, count: int, data: bytes, ask: Callable[[], None]) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            with contextlib.suppress(OSError):  # it was ended for what it sent, or did not read
                raw = stack.enter_context(contextlib.closing(port.raw()))
                raw.sendall(data)
        ask()


def tiny_records(port: Port, most: int) -> int:
    """Send a request's headers a byte in each TLS record, and return how many went out before the connection ended."""
    with contextlib.closing(port.raw()) as raw:
        raw.sendall(b"GET /livez HTTP/1.1\r\nx: ")
        for sent in range(most):
            try:
                raw.sendall(b"x")
            except OSError:
                return sent
    return most


def key_updates(port: Port, most: int) -> int:
    """Ask for new TLS keys again and again, and return how often before the connection ended.

    Raises:
        AttributeError: Python's ssl module does not let us reach its OpenSSL.
    """
    lib = ctypes.CDLL(_ssl.__file__)
    for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
        getattr(lib, name).restype = ctypes.c_void_p
    context = ctypes.c_void_p(lib.SSL_CTX_new(ctypes.c_void_p(lib.TLS_client_method())))
    session = ctypes.c_void_p(lib.SSL_new(context))
    with socket.create_connection((port.address, port.number), timeout=TIMEOUT) as plain:
        plain.setblocking(True)  # noqa: FBT003 - the standard library's signature
        lib.SSL_set_fd(session, plain.fileno())
        done = lib.SSL_connect(session)
        sent = 0
        while done == 1 and sent < most:
            sent += 1
            done = min(lib.SSL_key_update(session, 1), lib.SSL_do_handshake(session))
        lib.SSL_free(session)
        lib.SSL_CTX_free(context)
    return sent


def tier_names(port: Port, count: int = 100, size: int = 10**6) -> Counter[int]:
    """Send Tiers whose names are long and all different."""
    bodies = (
        review(TIERS, {"metadata": {"name": f"{n}-" + "t" * size}, "spec": {}}, namespace="") for n in range(count)
    )
    return Counter(port.post("tiers", body) for body in bodies)


def resource_names(port: Port, count: int = 20, size: int = 3 * 10**6) -> Counter[int]:
    """Send pods that request resources with long names, all different."""
    bodies = (pod(resources={"requests": {f"example.com/{n}" + "r" * size: "1"}}) for n in range(count))
    return Counter(port.post("validate", body) for body in bodies)
