"""Listens on ports and answers whatever comes with the same bytes. Runs in a pod: standard library alone.

`python listener.py ADDRESS PORT...` listens on each port, TCP and UDP, until it is stopped.
"""

from __future__ import annotations

import socket
import socketserver
import sys
import threading


class _Stream(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.settimeout(5)
        self.request.sendall(self.request.recv(512))


class _Datagram(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, own = self.request
        own.sendto(data, self.client_address)


class _Streams(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a probe closes its connection without a word."""


def main(address: str, ports: list[int]) -> None:
    """Listen until the process ends."""
    for port in ports:
        for server in (_Streams((address, port), _Stream), socketserver.UDPServer((address, port), _Datagram)):
            threading.Thread(target=server.serve_forever, daemon=True).start()
    print("listening", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    socket.setdefaulttimeout(None)
    main(sys.argv[1], [int(port) for port in sys.argv[2:]])
