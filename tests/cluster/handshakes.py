"""TLS handshakes with every ready replica, as the API server makes them: by name, and trusting the caBundle alone."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from cryptography import x509

from tests.background import threads
from tests.cluster.releases import NAME
from tests.cluster.traffic import traffic
from tests.controlplane.cluster import NAMESPACE, Cluster, RawApi

SERVER: str = f"tiergate-webhook.{NAMESPACE}.svc"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app.kubernetes.io/component=webhook"
"""Not EndpointSlices: they hold no loopback addresses."""
PAUSE = 0.25


@dataclass
class Handshakes:
    """What was seen: how many handshakes, which failed, every leaf and the number of CAs that signed them."""

    count: int = 0
    failed: list[str] = field(default_factory=list)
    leaves: set[bytes] = field(default_factory=set)
    issuers: set[str] = field(default_factory=set)
    bundles: set[frozenset[bytes]] = field(default_factory=set)


@contextmanager
def handshakes(cluster: Cluster) -> Iterator[Handshakes]:
    """Shake hands again and again while the block runs."""
    seen, ended = Handshakes(), threading.Event()

    def shake(raw_api: RawApi) -> None:
        while not ended.wait(PAUSE):
            for address, port in _ready(raw_api):
                _try(raw_api, seen, address, port)

    with cluster.raw_api() as raw_api, threads(partial(shake, raw_api), stop=ended.set):
        yield seen


@contextmanager
def nobody_refused(cluster: Cluster) -> Iterator[Handshakes]:
    """Assert that during the block no create fails and every replica is trusted; about 20 creates a second."""
    with handshakes(cluster) as seen, traffic(cluster, "dev", dry_run=True, senders=2, pause=0.07) as requests:
        requests.goes_on(20)
        try:
            yield seen
        finally:
            assert seen.failed == []
        requests.goes_on(20)
    print(f"{len(requests.answers)} creates, {seen.count} handshakes, {len(seen.leaves)} certificates, ", end="")
    print(f"{len(seen.issuers)} CAs")
    assert requests.failed == []
    assert seen.failed == []
    assert seen.count > 0


def _try(raw_api: RawApi, seen: Handshakes, address: str, port: int) -> None:
    """Shake hands once for each caBundle; it failed if it fails with one that is still there afterwards."""
    bundles = _bundles(raw_api)
    seen.bundles.add(bundles)
    for bundle in bundles:
        seen.count += 1
        try:
            _note(seen, _leaf(bundle, address, port))
        except (ssl.SSLError, ValueError) as error:
            if bundle in _bundles(raw_api):
                seen.failed.append(f"{address}: {error}")
        except OSError:  # it has just ended
            return


def _leaf(bundle: bytes, address: str, port: int) -> bytes:
    context = ssl.create_default_context(cadata=bundle.decode())
    with (
        socket.create_connection((address, port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=SERVER) as connection,
    ):
        return connection.getpeercert(binary_form=True) or b""


def _note(seen: Handshakes, leaf: bytes) -> None:
    seen.leaves.add(leaf)
    seen.issuers.add(x509.load_der_x509_certificate(leaf).issuer.rfc4514_string())


def _bundles(raw_api: RawApi) -> frozenset[bytes]:
    """Return the different caBundles of all entries."""
    found = set()
    for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        _, configuration = raw_api.call("GET", f"{CONFIGURATIONS}/{kind}/{NAME}")
        found |= {entry["clientConfig"].get("caBundle", "") for entry in configuration["webhooks"]}
    return frozenset(map(base64.b64decode, found))


def _ready(raw_api: RawApi) -> Iterator[tuple[str, int]]:
    _, answer = raw_api.call("GET", PODS)
    for pod in answer["items"]:
        conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}
        if conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]:
            yield pod["status"]["podIP"], pod["spec"]["containers"][0]["ports"][0]["containerPort"]
