"""A neighbour who takes every place at the port, beside the API server."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections import Counter
from functools import partial
from typing import Final

import pytest

from bench.attacks import HEAD
from bench.review import review
from tests.background import threads
from tests.cluster.replicas import Replica, replicas
from tests.cluster.traffic import new_connections, traffic
from tests.controlplane.cluster import Cluster
from tiergate.process.connections import MAX_CONNECTIONS

pytestmark = pytest.mark.cluster
NEIGHBOUR: Final = "127.9.9.9"
ROUNDS: Final = 4
_BODY: Final = review(defaulted=False)
REVIEW: Final = HEAD.format(path="mutate", size=len(_BODY)).encode() + _BODY


def _crowd(replica: Replica, answers: Counter[bytes]) -> None:
    """Send reviews on more connections than there are places: the answers to most are held back."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.ExitStack() as stack:
        crowd = []
        for _ in range(MAX_CONNECTIONS + 16):
            with contextlib.suppress(OSError):
                where = (replica.address, replica.port)
                plain = stack.enter_context(socket.create_connection(where, 10, source_address=(NEIGHBOUR, 0)))
                crowd.append(stack.enter_context(context.wrap_socket(plain)))
                crowd[-1].sendall(REVIEW)
        for _ in range(ROUNDS):
            for one in crowd:
                with contextlib.suppress(OSError):  # its place was wanted
                    answers[one.recv(2**16)[9:12]] += 1
                    one.sendall(REVIEW)


def test_the_api_server_is_served_beside_a_neighbour_who_takes_every_place(cluster: Cluster, namespace: str) -> None:
    """On connections that it has and on new ones, whose places those make room for whose answers are held back."""
    answers: dict[str, Counter[bytes]] = {one.name: Counter() for one in replicas(cluster)}
    with (
        new_connections(cluster, namespace) as failed_on_new,
        traffic(cluster, namespace, dry_run=True) as requests,
    ):
        requests.goes_on(10)
        with threads(*(partial(_crowd, one, answers[one.name]) for one in replicas(cluster)), stop=lambda: None):
            requests.goes_on(20)
        requests.goes_on(10)
    assert requests.failed == []
    assert failed_on_new == []
    assert all(found[b"200"] > MAX_CONNECTIONS for found in answers.values()), answers
