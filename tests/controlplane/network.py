"""Loopback addresses and ports of one run: two runs at once never share one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

SLOTS: Final = range(1, 255)


class NoFreeSlot(RuntimeError):
    """Every loopback subnet of ours is in use."""


@dataclass(frozen=True)
class Subnet:
    """The loopback addresses of one run: 127.64.N.0/24 Services, 127.65.N.0/24 pods, 127.66.N.1 the servers."""

    number: int

    @property
    def services(self) -> str:
        """Return the range of the ClusterIPs in CIDR notation."""
        return f"127.64.{self.number}.0/24"

    @property
    def servers(self) -> str:
        """Return the address where etcd and the API server listen."""
        return f"127.66.{self.number}.1"

    def pod(self, host: int) -> str:
        """Return the pod address with this last part, 1 to 254."""
        return f"127.65.{self.number}.{host}"


@contextmanager
def claim_subnet() -> Iterator[Subnet]:
    """Hold a subnet of loopback addresses that no other run on this machine holds.

    The lock is a name in the abstract socket space: it covers exactly what shares these addresses (all
    users of one network namespace), needs no file that could be left behind, and ends with the process.
    """
    with ExitStack() as stack:
        for number in SLOTS:
            lock = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            try:
                lock.bind(f"\0tiergate-controlplane-{number}")
            except OSError:
                continue
            yield Subnet(number)
            return
        msg = "all loopback subnets 127.64.1.0 to 127.64.254.0 are held by other runs"
        raise NoFreeSlot(msg)


def free_ports(address: str, count: int) -> tuple[int, ...]:
    """Return different ports that nobody listens on now, not even on all addresses.

    Another program may take one before it is used: whoever starts a server with one must be ready to
    start it again with another.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in range(count)]
        for each in sockets:
            each.bind((address, 0))
        return tuple(each.getsockname()[1] for each in sockets)
