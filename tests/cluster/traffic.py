"""Steady traffic: through the API server, which keeps its connections, and with a connection for each call."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.background import threads
from tests.cluster.objects import a_pod
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, RawApi, until


@dataclass
class Traffic:
    """What the requests so far were answered with."""

    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """Return the messages of all answers that are not 201."""
        return [str(body.get("message")) for code, body in self.answers if code != 201]

    def goes_on(self, count: int) -> None:
        """Wait for this many more answers."""
        target = len(self.answers) + count
        until(lambda: len(self.answers) >= target, f"{count} more requests were answered")


@contextmanager
def traffic(
    cluster: Cluster, namespace: str, *, dry_run: bool, senders: int = 4, pause: float = 0.01
) -> Iterator[Traffic]:
    """Create pods without resources, a few at a time, while the block runs; pause so many seconds after each."""
    result, ended = Traffic(), threading.Event()
    query = "?dryRun=All" if dry_run else ""

    def send(raw_api: RawApi, name: Callable[[int], str]) -> None:
        number = 0
        while not ended.is_set():
            number += 1
            path = f"/api/v1/namespaces/{namespace}/pods{query}"
            result.answers.append(raw_api.call("POST", path, a_pod(name(number))))
            time.sleep(pause)

    with cluster.raw_api() as raw_api:
        work = [partial(send, raw_api, f"traffic-{number}-{{}}".format) for number in range(senders)]
        with threads(*work, stop=ended.set):
            yield result


@contextmanager
def new_connections(cluster: Cluster, namespace: str) -> Iterator[list[str]]:
    """Ask the Service for verdicts while the block runs, each time over a new connection; yield what failed."""
    service = cluster.kubectl(f"get service tiergate-webhook -n {NAMESPACE} -o json").json["spec"]
    address, port = service["clusterIP"], service["ports"][0]["port"]
    failed: list[str] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            try:
                code = _verdict(address, port, _review(namespace))
            except (OSError, http.client.HTTPException) as error:
                failed.append(f"{type(error).__name__}: {error}")
            else:
                if code != 200:
                    failed.append(f"HTTP {code}")
            time.sleep(0.02)

    with threads(ask, stop=ended.set):
        yield failed


def _verdict(address: str, port: int, review: Object) -> int:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(address, port, timeout=5, context=context)
    try:
        connection.request("POST", "/validate", json.dumps(review), {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def _review(namespace: str) -> Object:
    pod = {"group": "", "version": "v1", "kind": "Pod"}
    pods = {"group": "", "version": "v1", "resource": "pods"}
    request = {
        "uid": "0b0f4a0e-0000-4000-8000-000000000000",
        "kind": pod,
        "resource": pods,
        "requestKind": pod,
        "requestResource": pods,
        "name": "asks",
        "namespace": namespace,
        "operation": "CREATE",
        "userInfo": {"username": "somebody", "groups": []},
        "object": a_pod("asks"),
        "oldObject": None,
        "dryRun": True,
        "options": None,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
