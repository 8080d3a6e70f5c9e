"""Argo CD's controller and repository server, as they are, beside a control plane of ours."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.controlplane import binaries
from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster, Say, until
from tests.controlplane.network import free_ports
from tests.gitops.programs import LOOPBACK, environment, running, source_of
from tests.gitops.registry import Registry

NAMESPACE: Final = "argocd"
SOURCE: Final = ("argocd", "github.com/argoproj/argo-cd/v3")
FINALIZER: Final = "resources-finalizer.argocd.argoproj.io"


@dataclass(frozen=True)
class Application:
    """The Application `tiergate`."""

    cluster: Cluster

    @property
    def now(self) -> Object:
        """Return the object as it is."""
        return self.cluster.kubectl(f"get application tiergate -n {NAMESPACE} -o json").json

    @property
    def status(self) -> Object:
        """Return its status, {} before there is one."""
        found: Object = self.now.get("status", {})
        return found

    def out_of_sync(self) -> list[str]:
        """Return the objects that are not as the chart says, each as Kind/name."""
        listed = self.status.get("resources", [])
        return sorted(f"{one['kind']}/{one['name']}" for one in listed if one.get("status") == "OutOfSync")

    def refresh(self) -> Object:
        """Have Argo CD compare everything now; return the status afterwards."""
        before = self.status.get("reconciledAt")
        while time.time() - _seconds(before) < 1.1:  # it is written in whole seconds
            time.sleep(0.1)
        self.cluster.kubectl(
            f"annotate application tiergate -n {NAMESPACE} argocd.argoproj.io/refresh=hard --overwrite"
        )
        until(lambda: self.status.get("reconciledAt") != before, "Argo CD has compared", seconds=60)
        return self.status

    def until_synced(self, revision: str) -> None:
        """Wait until the sync to a version of the chart is over and everything is healthy."""

        def is_done() -> bool:
            status = self.status
            sync, operation = status.get("sync", {}), status.get("operationState", {})
            done = (sync.get("status"), operation.get("phase"), status.get("health", {}).get("status"))
            return done == ("Synced", "Succeeded", "Healthy") and sync.get("revision") == revision

        try:
            until(is_done, f"Argo CD has synchronised {revision}", seconds=180, pause=0.5)
        except AssertionError as error:
            error.add_note(f"out of sync: {self.out_of_sync()}\n{self.status.get('operationState')}")
            error.add_note(str(self.status.get("conditions")))
            raise

    def change(self, patch: str) -> None:
        """Change the Application by a JSON merge patch."""
        self.cluster.kubectl(f"patch application tiergate -n {NAMESPACE} --type=merge -p '{patch}'")


def _seconds(stamp: str | None) -> float:
    return 0.0 if stamp is None else calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))


@contextmanager
def running_in(cluster: Cluster, registry: Registry, say: Say) -> Iterator[Application]:
    """Run Argo CD, which knows the registry; it has no Application yet."""
    programs = binaries.ensure(say, {"argocd", "redis"})
    ports = free_ports(LOOPBACK, 4)
    _prepare(cluster, registry)
    redis, server = f"{LOOPBACK}:{ports[0]}", f"{LOOPBACK}:{ports[1]}"
    common = {
        "ARGOCD_FAKE_IN_CLUSTER": "true",  # the kubeconfig stands for the account of a pod
        "ARGOCD_GPG_ENABLED": "false",
        "ARGOCD_TLS_DATA_PATH": str(cluster.folder),
        "ARGOCD_SSH_DATA_PATH": str(cluster.folder),
        "ARGOCD_RECONCILIATION_JITTER": "0",
    }
    serve = f"--redis={redis} --address={LOOPBACK} --port={ports[1]} --metrics-address={LOOPBACK}"
    control = f"--redis={redis} --repo-server={server} --namespace={NAMESPACE} --app-resync=5"
    lines = (
        ("redis", [programs["redis"], redis], ports[0]),
        ("argocd-repo-server", [programs["argocd"], *serve.split(), f"--metrics-port={ports[2]}"], ports[1]),
        (
            "argocd-application-controller",
            [programs["argocd"], *control.split(), f"--metrics-port={ports[3]}", f"--kubeconfig={cluster.kubeconfig}"],
            ports[3],
        ),
    )
    with ExitStack() as stack:
        for name, line, port in lines:
            env = environment(cluster, ARGOCD_BINARY_NAME=name, **common)
            stack.enter_context(running(name, line, port, env))
        yield Application(cluster)


def _prepare(cluster: Cluster, registry: Registry) -> None:
    """Create what Argo CD's own installation consists of, as far as its two servers read it."""
    crds = source_of(*SOURCE) / "manifests" / "crds"
    cluster.kubectl(f"apply --server-side -k {crds}")
    cluster.until_served("applications,appprojects")
    cluster.kubectl(f"create namespace {NAMESPACE}")
    everything = [{"group": "*", "kind": "*"}]
    project = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    repository = {"type": "helm", "name": "charts", "url": f"{registry.address}/charts"}
    insecure = {"enableOCI": "true", "insecureOCIForceHttp": "true"}
    cluster.apply(
        _object("v1", "ConfigMap", "argocd-cm", "part-of", data={}),
        _object("v1", "Secret", "argocd-secret", "part-of", stringData={"server.secretkey": "only-here"}),
        _object("v1", "Secret", "charts", "repository", stringData={**repository, **insecure}),
        _object(
            "argoproj.io/v1alpha1", "AppProject", "default", spec={**project, "clusterResourceWhitelist": everything}
        ),
        namespace=NAMESPACE,
    )


def _object(version: str, kind: str, name: str, role: str = "", **content: Any) -> Object:  # noqa: ANN401 - parts of objects
    labels = {
        "part-of": {"app.kubernetes.io/part-of": "argocd"},
        "repository": {"argocd.argoproj.io/secret-type": "repository"},
        "": {},
    }[role]
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels}, **content}
