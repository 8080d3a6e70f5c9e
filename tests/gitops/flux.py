"""Flux's source-controller and kustomize-controller, as they are, beside a control plane of ours."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from tests.controlplane import binaries
from tests.controlplane.cluster import Cluster, Say, until
from tests.controlplane.network import free_ports
from tests.gitops.programs import LOOPBACK, environment, running, source_of

NAMESPACE: Final = "flux-system"
NAMES: Final = ("source-controller", "kustomize-controller")
SOURCES: Final = tuple(("flux", f"github.com/fluxcd/{name}") for name in NAMES)


@contextmanager
def running_in(cluster: Cluster, say: Say) -> Iterator[None]:
    """Run both controllers; they have nothing to do yet."""
    programs = binaries.ensure(say, set(NAMES))
    for source in SOURCES:
        folder = source_of(*source) / "config" / "crd" / "bases"
        cluster.kubectl(f"apply --server-side -f {folder}")
    cluster.until_served("ocirepositories,kustomizations")
    cluster.kubectl(f"create namespace {NAMESPACE}")
    storage, *ports = free_ports(LOOPBACK, 5)
    serving = f"--storage-path={cluster.folder / 'artifacts'} --storage-addr={LOOPBACK}:{storage}"
    (cluster.folder / "artifacts").mkdir()
    more = (f"{serving} --storage-adv-addr={LOOPBACK}:{storage}", "--requeue-dependency=2s")
    with ExitStack() as stack:
        for name, own, metrics, health in zip(NAMES, more, ports[:2], ports[2:], strict=True):
            line = [programs[name], *own.split(), f"--metrics-addr={LOOPBACK}:{metrics}"]
            line.append(f"--health-addr={LOOPBACK}:{health}")
            env = environment(cluster, RUNTIME_NAMESPACE=NAMESPACE)
            stack.enter_context(running(name, line, health, env))
        yield


def reconcile(cluster: Cluster, name: str, namespace: str) -> None:
    """Have Flux reconcile an object, named as kind/name, now; wait until it has."""
    get = f"get {name} -n {namespace} -o jsonpath={{.status.lastHandledReconcileAt}}"
    stamp = secrets.token_hex(4)
    cluster.kubectl(f"annotate {name} -n {namespace} --overwrite reconcile.fluxcd.io/requestedAt={stamp}")
    until(lambda: cluster.kubectl(get).out == stamp, f"Flux has reconciled {name}", seconds=90)


def until_ready(cluster: Cluster, name: str, namespace: str) -> None:
    """Wait until Flux says of an object that it is Ready as it is now."""
    waited = cluster.run(f"kubectl wait --for=condition=Ready {name} -n {namespace} --timeout=120s")
    assert waited.code == 0, cluster.kubectl(f"get {name} -n {namespace} -o yaml").out
