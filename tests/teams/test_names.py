"""The lesson's name across namespaces, asked from the observability side: DNS and HTTP, each for real."""

from __future__ import annotations

import http.client
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest

from tests.background import threads
from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster
from tests.teams.dns import NoSuchName, Resolver, coredns
from tests.teams.matrix import OBSERVABILITY, PROD, TEAMS, WORKLOAD

NAME: Final = "agent-api.prod.svc.cluster.local"
SERVICE: Final[Object] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "agent-api"},
    "spec": {"selector": {"app": "agent-api"}, "ports": [{"port": WORKLOAD}]},
}


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = f"{self.headers['Host']}{self.path}"
        body = b'{"status":"ok"}' if asked == f"{NAME}:{WORKLOAD}/health" else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class named it
        """Say nothing."""


@contextmanager
def serving(address: str) -> Iterator[None]:
    """Be the Service: its address is a loopback address of this machine, and who binds it answers for its pods."""
    with (
        ThreadingHTTPServer((address, WORKLOAD), _Health) as server,
        threads(partial(server.serve_forever, poll_interval=0.05), stop=server.shutdown),
    ):
        yield


@pytest.fixture
def agent_api(teams: Cluster) -> Iterator[str]:
    """The lesson's agent-api in prod, behind its Service; yields the Service's address."""
    if teams.plane is None:
        pytest.skip("Services have loopback addresses in a control plane of our own only; tests/kind asks in a pod")
    teams.kubectl(f"apply -n {PROD} -f tests/cluster/manifests/agent-api.yaml")
    teams.apply(SERVICE, namespace=PROD)
    teams.kubectl(f"rollout status deployment/agent-api -n {PROD} --timeout=60s")
    address = teams.kubectl(f"get service agent-api -n {PROD} -o jsonpath={{.spec.clusterIP}}").out
    with serving(address):
        yield address
    teams.kubectl(f"delete deployment,service agent-api -n {PROD} --timeout=30s")


@pytest.mark.cluster
def test_the_cross_namespace_name_is_answered(teams: Cluster, agent_api: str, tmp_path: Path) -> None:
    """From observability by its full name and by a short one; a team resolves it as well."""
    with coredns(teams, tmp_path, address=_beside(agent_api)) as server:
        for name in (NAME, "agent-api.prod", f"{NAME}."):
            pod = Resolver(server, OBSERVABILITY)
            assert _get(pod.resolve(name), "/health") == (200, b'{"status":"ok"}')
            assert pod.asked[-1] == NAME
        assert Resolver(server, PROD).resolve("agent-api") == agent_api
        with pytest.raises(NoSuchName):
            Resolver(server, OBSERVABILITY).resolve("agent-api")
        assert Resolver(server, TEAMS[0]).resolve("agent-api.prod") == agent_api


def _beside(address: str) -> str:
    """Return an address of the Services' range that none has: those for Services are given out from the upper part."""
    return str(ipaddress.ip_network(f"{address}/24", strict=False)[10])


def _get(address: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, WORKLOAD, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": f"{NAME}:{WORKLOAD}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("db", ["db.a.svc.cluster.local", "db.svc.cluster.local", "db.cluster.local", "db"], id="short"),
        pytest.param(
            "api.b.svc.cluster.local",
            [
                "api.b.svc.cluster.local.a.svc.cluster.local",
                "api.b.svc.cluster.local.svc.cluster.local",
                "api.b.svc.cluster.local.cluster.local",
                "api.b.svc.cluster.local",
            ],
            id="four-dots-are-fewer-than-five",
        ),
        pytest.param("api.b.svc.cluster.local.", ["api.b.svc.cluster.local"], id="a-final-dot-ends-the-search"),
    ],
)
def test_names_are_completed_as_in_a_pod(name: str, expected: list[str]) -> None:
    assert list(Resolver(("127.0.0.1", 53), "a").candidates(name))[: len(expected)] == expected
