"""The connectivity matrix of the teams, tried with real pods: tests/teams/matrix.py says what must come about."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.controlplane.cluster import Cluster
from tests.teams import matrix
from tests.teams.matrix import Probe

HERE: Final = Path(__file__).parent
NAME: Final = "probe"
# Outside the cluster, and always there: a public resolver that also answers on 443.
INTERNET_ADDRESS: Final = "1.1.1.1"
METADATA_ADDRESS: Final = "169.254.169.254"


def pods_wanted(probes: Iterable[Probe]) -> tuple[str, ...]:
    """Return the namespaces in which a pod has to stand."""
    outside = {matrix.DNS, matrix.INTERNET, matrix.METADATA, matrix.NODE}
    return tuple(sorted({place for probe in probes for place in (probe.source, probe.target)} - outside))


def pod(namespace: str, image: str) -> dict[str, Any]:
    """Return a pod that listens and can be told to probe; it fits every tier of both values files."""
    amount = {"cpu": "100m", "memory": "128Mi"}
    ports = [str(port) for port in matrix.LISTENING]
    container = {
        "name": NAME,
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python", "-c", (HERE / "listener.py").read_text(), "0.0.0.0", *ports],  # noqa: S104  # in a pod
        "resources": {"requests": amount, "limits": amount},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    spec = {
        "containers": [container],
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": 1,
    }
    metadata = {"name": NAME, "namespace": namespace, "labels": {"app": NAME}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def addresses(cluster: Cluster, namespaces: Sequence[str]) -> dict[str, str]:
    """Return the address of each place of the matrix."""
    found = {name: _first(cluster, f"pod {NAME} -n {name}", ".status.podIP") for name in namespaces}
    dns = "pods -n kube-system -l k8s-app=kube-dns"
    node = "nodes -l node-role.kubernetes.io/control-plane"
    return {
        **found,
        matrix.DNS: _first(cluster, dns, ".items[0].status.podIP"),
        matrix.NODE: _first(cluster, node, '.items[0].status.addresses[?(@.type=="InternalIP")].address'),
        matrix.INTERNET: INTERNET_ADDRESS,
        matrix.METADATA: METADATA_ADDRESS,
    }


def _first(cluster: Cluster, what: str, path: str) -> str:
    """Return the first of the values: a node of two families has two addresses."""
    return cluster.kubectl(f"get {what} -o {shlex.quote(f'jsonpath={{{path}}}')}").out.split()[0]


def tried(cluster: Cluster, probes: Sequence[Probe], places: Mapping[str, str]) -> dict[Probe, bool]:
    """Try all connections, from each place at once; return what came about."""
    results: dict[Probe, bool] = {}
    for source in sorted({probe.source for probe in probes}):
        own = [probe for probe in probes if probe.source == source]
        line = prober_line(source, [(places[each.target], each.port, each.protocol) for each in own])
        results |= dict(zip(own, json.loads(cluster.kubectl(line).out), strict=True))
    return results


def prober_line(source: str, wanted: Sequence[tuple[str, int, str]]) -> str:
    """Return the kubectl command that has the pod of a namespace try connections."""
    words = ["python", "-c", (HERE / "prober.py").read_text(), json.dumps(wanted)]
    return f"exec -n {source} {NAME} -- {shlex.join(words)}"


def wrong(results: Mapping[Probe, bool]) -> list[str]:
    """Return a line for each connection that is not as it must be."""
    return [
        f"{probe} is {'open' if is_open else 'closed'}, but {probe.because}"
        for probe, is_open in results.items()
        if is_open is not probe.is_open
    ]
