"""The load: a closed loop over kept-alive TLS connections, on plain blocking sockets.

Each connection has one request in flight. The loop goes round: read one answer whole, check it, send the next
request. There is no event loop and no HTTP library in the way, so a request costs this side about as much as it costs
nginx, and the server is what limits the rate.
"""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT: Final = 10.0
_HEADERS_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"


class WrongAnswerError(RuntimeError):
    """The server answered, and not with an allowed review: its speed would mean nothing."""


@dataclass(frozen=True)
class Target:
    """What is asked, and where."""

    port: int
    server_name: str
    authority: Path
    path: str
    body: bytes
    source: str = ""
    """The address that connects; "" for whichever the system takes."""

    @property
    def request(self) -> bytes:
        """The whole request, as Go's client writes it for the API server."""
        head = (
            f"POST {self.path}?timeout=5s HTTP/1.1\r\nHost: {self.server_name}:{self.port}\r\n"
            "User-Agent: kube-apiserver-admission\r\n"
            f"Content-Length: {len(self.body)}\r\nAccept: application/json, */*\r\n"
            "Content-Type: application/json\r\n\r\n"
        )
        return head.encode() + self.body


class Load:
    """Some connections to one target."""

    def __init__(self, target: Target, connections: int, *, warm: bool = True) -> None:
        """Open the connections and let each answer once: handshakes and first-time costs stay outside.

        ``warm`` says that they do; whoever sends what is not answered as allowed must not.
        """
        context = ssl.create_default_context(cafile=str(target.authority))
        context.minimum_version = ssl.TLSVersion.TLSv1_3  # the same protocol for both
        self._request = target.request
        self._sockets = [_connect(target, context) for _ in range(connections)]
        for each in self._sockets if warm else ():
            each.sendall(self._request)
            _answer(each)

    def __enter__(self) -> Self:
        """Return the load, ready to run."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        for each in self._sockets:
            each.close()

    def run(self, seconds: float) -> tuple[int, float]:
        """Ask for about so many seconds.

        Returns:
            How many requests were answered, and in how many seconds.

        Raises:
            WrongAnswerError: An answer was not an allowed review.
        """
        started = time.perf_counter()
        end = started + seconds
        for each in self._sockets:
            each.sendall(self._request)
        answered = 0
        for each in self._rounds():
            _answer(each)
            answered += 1
            if time.perf_counter() >= end:
                break
            each.sendall(self._request)
        answered += self._drain(answered)
        return answered, time.perf_counter() - started

    def once(self, *, check: bool = True) -> None:
        """Ask once on the first connection; raise WrongAnswerError for a wrong answer, if it is checked."""
        self._sockets[0].sendall(self._request)
        _answer(self._sockets[0], check=check)

    def _rounds(self) -> Iterator[ssl.SSLSocket]:
        while True:
            yield from self._sockets

    def _drain(self, answered: int) -> int:
        """Read what is still in flight: one answer on every connection but the one that ended the loop."""
        last = (answered - 1) % len(self._sockets)
        rest = [each for number, each in enumerate(self._sockets) if number != last]
        for each in rest:
            _answer(each)
        return len(rest)


def _connect(target: Target, context: ssl.SSLContext) -> ssl.SSLSocket:
    source = (target.source, 0) if target.source else None
    plain = socket.create_connection(("127.0.0.1", target.port), timeout=TIMEOUT, source_address=source)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(plain, server_hostname=target.server_name)


def _answer(connection: ssl.SSLSocket, *, check: bool = True) -> None:
    """Read exactly one answer and check it."""
    data = connection.recv(65536)
    while (end := data.find(_HEADERS_END)) < 0:
        data += _more(connection, data)
    whole = end + len(_HEADERS_END) + _content_length(data[:end])
    while len(data) < whole:
        data += _more(connection, data)
    if check and (not data.startswith(b"HTTP/1.1 200 ") or b'"allowed":true' not in data):
        msg = f"not an allowed review: {data[:500]!r}"
        raise WrongAnswerError(msg)


def _more(connection: ssl.SSLSocket, data: bytes) -> bytes:
    chunk = connection.recv(65536)
    if not chunk:
        msg = f"the connection was closed after {len(data)} bytes of an answer: {data[:200]!r}"
        raise WrongAnswerError(msg)
    return chunk


def _content_length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(_LENGTH)
    if at < 0:
        msg = f"an answer without Content-Length: {head!r}"
        raise WrongAnswerError(msg)
    return int(lower[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
