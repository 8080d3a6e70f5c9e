"""DNS as a pod does it: a real CoreDNS, questions over UDP, names completed by the search list of resolv.conf."""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.controlplane import binaries
from tests.controlplane.cluster import Cluster, until
from tests.controlplane.network import free_ports
from tests.controlplane.processes import die_with_parent

DOMAIN: Final = "cluster.local"
NDOTS: Final = 5
"""What the kubelet writes: a name with fewer dots is first tried with each search domain."""
_HEADER: Final = struct.Struct("!6H")
_RECORD: Final = struct.Struct("!2HIH")
_A, _IN, _NO_ERROR, _NO_SUCH_NAME, _RECURSION_DESIRED = 1, 1, 0, 3, 0x0100


class NoSuchName(LookupError):
    """Nobody of this name (NXDOMAIN), under any search domain."""


@dataclass
class Resolver:
    """The resolv.conf of a pod in a namespace: one server, three search domains, ndots 5. `asked` is what was asked."""

    server: tuple[str, int]
    namespace: str
    asked: list[str] = field(default_factory=list)

    def candidates(self, name: str) -> tuple[str, ...]:
        """Return the full names to try, in order."""
        if name.endswith("."):
            return (name.rstrip("."),)
        search = (f"{self.namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN)
        completed = tuple(f"{name}.{each}" for each in search)
        return (name, *completed) if name.count(".") >= NDOTS else (*completed, name)

    def resolve(self, name: str) -> str:
        """Return the first IPv4 address of the first candidate that exists, or raise NoSuchName."""
        for candidate in self.candidates(name):
            self.asked.append(candidate)
            addresses = ask(self.server, candidate)
            if addresses:
                return addresses[0]
        raise NoSuchName(name)


def ask(server: tuple[str, int], name: str) -> tuple[str, ...]:
    """Ask for the A records of a name over UDP; none if there is no such name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    identity = 0x7467
    question = _HEADER.pack(identity, _RECURSION_DESIRED, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", _A, _IN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(5)
        connection.connect(server)
        connection.send(question)
        answer = connection.recv(4096)
    return _addresses(answer, identity, len(question))


def _addresses(answer: bytes, identity: int, start: int) -> tuple[str, ...]:
    """Return the A records of an answer whose question, as long as ours, ends at `start`."""
    answered, flags, _, count, _, _ = _HEADER.unpack_from(answer)
    code = flags & 0xF
    if answered != identity or code not in {_NO_ERROR, _NO_SUCH_NAME}:
        msg = f"answer {answered:#x} to {identity:#x} with code {code}"
        raise ValueError(msg)
    found, position = list[str](), start
    for _ in range(count):
        position = _after_name(answer, position)
        kind, _, _, length = _RECORD.unpack_from(answer, position)
        position += _RECORD.size
        if kind == _A:
            found.append(socket.inet_ntoa(answer[position : position + length]))
        position += length
    return tuple(found)


def _after_name(answer: bytes, position: int) -> int:
    """Return where a name ends: at its empty label, or after a pointer to another one (RFC 1035, 4.1.4)."""
    while (length := answer[position]) != 0:
        if length >= 0xC0:
            return position + 2
        position += 1 + length
    return position + 1


@contextmanager
def coredns(cluster: Cluster, folder: Path, *, address: str) -> Iterator[tuple[str, int]]:
    """Run CoreDNS on the cluster's Services; yield where it listens, with its first answer given."""
    program = binaries.ensure(print, {"coredns"})["coredns"]
    (port,) = free_ports(address, 1)
    kubeconfig = f"kubeconfig {cluster.kubeconfig} tiergate"
    corefile = folder / "Corefile"
    services = f"kubernetes {DOMAIN} {{\n  {kubeconfig}\n }}"
    nobody = "template ANY ANY {\n  rcode NXDOMAIN\n }"  # there is no server for the rest of the world
    blocks = (f"{zone}:{port} {{\n bind {address}\n {what}\n}}\n" for zone, what in ((DOMAIN, services), (".", nobody)))
    corefile.write_text("".join(blocks))
    with (
        (folder / "coredns.log").open("wb") as log,
        subprocess.Popen(
            [program, "-conf", str(corefile)],
            env=cluster.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - it calls one system call and nothing that locks
        ) as process,
    ):
        try:
            until(lambda: _answers((address, port)), f"CoreDNS answers ({corefile.with_name('coredns.log')})")
            yield address, port
        finally:
            process.terminate()


def _answers(server: tuple[str, int]) -> bool:
    try:
        return bool(ask(server, f"kubernetes.default.svc.{DOMAIN}"))
    except (OSError, ValueError):  # it does not listen yet, or knows no Service yet
        return False
