"""A cluster to test with, wherever it comes from.

In this order: ``KUBECONFIG`` of the user, ``CLUSTER=kind``, or a control plane of our own from
programs in ``KUBEBUILDER_ASSETS``, in the cache or built now. The first two need an image that the nodes can
run: ``TIERGATE_IMAGE=repository:tag`` names it (kind builds and loads one if there is none).
"""

from __future__ import annotations

import http.client
import json
import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.controlplane import binaries, plane
from tests.controlplane.binaries import ControlPlaneError
from tests.controlplane.network import free_ports
from tests.controlplane.processes import MARK, die_with_parent
from tests.kind import making
from tests.kind.making import KindError

REPOSITORY: Final = plane.REPOSITORY
NAMESPACE: Final = "tiergate-system"
# What the story and the tests make: a cluster that has one of these is somebody's, and is not touched.
OURS: Final = (NAMESPACE, "dev", "staging", "prod", "native")
DEFAULT_IMAGE: Final = "tiergate:dev"
LONE: Final = "handover.after=3600"
"""Tests take the webhook away to see what failurePolicy Fail does; a handover has tests of its own."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """What a command did."""

    command: str
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Return everything it printed, errors last."""
        return self.out + self.err

    @property
    def json(self) -> dict[str, Any]:
        """Return its output, decoded."""
        value: dict[str, Any] = json.loads(self.out)
        return value


class CommandFailed(AssertionError):
    """A command that had to succeed did not."""

    def __init__(self, result: Result) -> None:
        super().__init__(f"`{result.command}` ended with {result.code}:\n{result.text}")


@dataclass(frozen=True)
class Cluster:
    """A cluster, its command line programs, and what our chart needs to be told there."""

    kubeconfig: Path
    programs: Mapping[str, str]
    folder: Path
    chart_values: tuple[str, ...]
    plane: plane.Plane | None

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of kubectl and helm: this cluster, and no file in the user's home."""
        own = {
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "kube-cache"),
            "HELM_CACHE_HOME": str(self.folder / "helm-cache"),
            "HELM_CONFIG_HOME": str(self.folder / "helm-config"),
            "HELM_DATA_HOME": str(self.folder / "helm-data"),
        }
        return {**os.environ, **own, **({MARK: self.plane.mark} if self.plane else {})}

    def run(self, line: str, *, stdin: str | None = None, timeout: float = 300) -> Result:
        """Run a command line that begins with kubectl or helm, in the root of the repository."""
        program, *words = shlex.split(line)
        done = subprocess.run(
            [self.programs[program], *words],
            cwd=REPOSITORY,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Result(line, done.returncode, done.stdout, done.stderr)

    def kubectl(self, line: str, *, stdin: str | None = None) -> Result:
        """Run kubectl, which must succeed."""
        result = self.run(f"kubectl {line}", stdin=stdin)
        if result.code != 0:
            raise CommandFailed(result)
        return result

    def apply(self, *objects: Mapping[str, Any], namespace: str | None = None) -> Result:
        """Create objects, which must succeed."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        where = f" -n {namespace}" if namespace else ""
        return self.kubectl(f"create{where} -f -", stdin=json.dumps(items))

    def until_served(self, kinds: str) -> None:
        """Wait until kinds that were just defined are served; `kubectl wait` fails while their status is empty."""
        until(lambda: self.run(f"kubectl get {kinds}").code == 0, f"{kinds} are served")

    def start(self, line: str) -> subprocess.Popen[str]:
        """Start kubectl in the background; it ends with us at the latest."""
        return subprocess.Popen(
            [self.programs["kubectl"], *shlex.split(line)],
            cwd=REPOSITORY,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - it calls one system call and nothing that locks
        )

    @contextmanager
    def raw_api(self) -> Iterator[RawApi]:
        """Open a way to send raw requests to the API server, authenticated as kubectl is."""
        # In /tmp, for the path of a socket has 107 characters at most.
        with tempfile.TemporaryDirectory(prefix="tiergate-api-", dir="/tmp") as folder:
            path = Path(folder) / "socket"
            with self.start(f"proxy --unix-socket={path}") as process:
                try:
                    until(path.exists, "kubectl proxy listens", seconds=20)
                    yield RawApi(path)
                finally:
                    process.kill()


@dataclass(frozen=True)
class RawApi:
    """The API server behind a local socket."""

    path: Path

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Send one request over a connection of its own; return the HTTP status and the decoded answer."""
        connection = _UnixConnection(self.path)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


def until(holds: Callable[[], Any], what: str, *, seconds: float = 30, pause: float = 0.1) -> None:
    """Wait until something holds; raise AssertionError that says what did not."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            msg = f"after {seconds:g} s it is still not so that {what}"
            raise AssertionError(msg)
        time.sleep(pause)


def source() -> str:
    """Return where the cluster would come from, for the person at the terminal."""
    if named := os.environ.get("KUBECONFIG"):
        return f"the cluster of KUBECONFIG={named}"
    if os.environ.get("CLUSTER") == "kind":
        return "a new kind cluster"
    return "a control plane of our own"


def missing() -> tuple[str, ...]:
    """Return which programs would have to be built before a cluster is there."""
    own = not os.environ.get("KUBECONFIG") and os.environ.get("CLUSTER") != "kind"
    return binaries.missing() if own else ()


@contextmanager
def opened(say: Say, *, keep: bool = False) -> Iterator[Cluster]:
    """Open a cluster; raise ControlPlaneError with the way out if there can be none."""
    kind = os.environ.get("CLUSTER")
    if named := os.environ.get("KUBECONFIG"):
        with _existing(Path(named).absolute(), say, keep=keep) as cluster:
            yield cluster
    elif kind == "kind":
        with _kind(say, keep=keep) as cluster:
            yield cluster
    elif kind:
        msg = f"CLUSTER={kind} is not known: CLUSTER=kind, or leave it out."
        raise ControlPlaneError(msg)
    else:
        with _own(say, keep=keep) as cluster:
            yield cluster


@contextmanager
def _own(say: Say, *, keep: bool) -> Iterator[Cluster]:
    programs = binaries.ensure(say)
    begun = time.monotonic()
    with plane.running(programs, namespace=NAMESPACE, keep=keep, say=say) as running:
        say(f"control plane: Kubernetes {binaries.KUBERNETES} started in {time.monotonic() - begun:.1f} s")
        # Below 1024 a Service needs root here; two replicas show all that three do.
        # Our kubelet shows a Secret's new content within a second, so a CA need not be known for a minute before.
        quick = ("webhook.drainSeconds=1", "certificates.settleSeconds=2", LONE)
        values = ("webhook.replicas=2", *_free_port_values(), *quick)
        yield Cluster(
            kubeconfig=running.kubeconfig,
            programs={name: programs[name] for name in ("kubectl", "helm")},
            folder=running.folder,
            chart_values=values,
            plane=running,
        )


def _free_port_values() -> tuple[str, ...]:
    """Return ports that are free on every local address: another program may listen on all of them."""
    names = ("webhook.service.port", "webhook.port", "webhook.usagePort", "controller.port")
    return tuple(f"{name}={port}" for name, port in zip(names, free_ports("", len(names)), strict=True))


@contextmanager
def _existing(kubeconfig: Path, say: Say, *, keep: bool) -> Iterator[Cluster]:
    """Use a cluster that is there already, and leave it as it was; one with namespaces of our names is not touched."""
    if not kubeconfig.is_file():
        msg = f"There is no file {kubeconfig}, which KUBECONFIG names. {binaries.ALTERNATIVES}"
        raise ControlPlaneError(msg)
    with _connected(kubeconfig, say) as cluster:
        _refuse_somebodys(cluster)
        try:
            yield cluster
        finally:
            if not keep:
                say("removing everything that was made in this cluster")
                _restore(cluster)


@contextmanager
def _connected(kubeconfig: Path, say: Say) -> Iterator[Cluster]:
    programs = _client_programs(say)
    with tempfile.TemporaryDirectory(prefix="tiergate-cluster-") as folder:
        image = os.environ.get("TIERGATE_IMAGE", DEFAULT_IMAGE).rsplit(":", 1)
        values = (*(f"image.{name}={value}" for name, value in zip(("repository", "tag"), image, strict=False)), LONE)
        yield Cluster(kubeconfig, programs, Path(folder), values, None)


def _restore(cluster: Cluster) -> None:
    """Remove what the story and the tests made; what is not there is no fault."""
    cluster.run(f"helm uninstall tiergate -n {NAMESPACE} --no-hooks --wait")
    cluster.run("kubectl delete namespace -l tiergate.io/tier --timeout=120s")
    cluster.run(f"kubectl delete namespace {NAMESPACE} native --ignore-not-found --timeout=120s")
    cluster.run("kubectl delete pod agent-worker filler-1 -n default --ignore-not-found --timeout=60s")
    cluster.run("kubectl delete crd tiers.tiergate.io --ignore-not-found --timeout=60s")
    # Of the chart, and kept when it is uninstalled.
    cluster.run("kubectl delete clusterrole,clusterrolebinding -l app.kubernetes.io/name=tiergate")


def _client_programs(say: Say) -> Mapping[str, str]:
    on_path = {name: path for name in ("kubectl", "helm") if (path := shutil.which(name))}
    absent = {"kubectl", "helm"} - on_path.keys()
    if not absent:
        return on_path
    built = binaries.ensure(say, absent)
    return on_path | {name: built[name] for name in absent}


def _refuse_somebodys(cluster: Cluster) -> None:
    """Raise ControlPlaneError if the cluster does not answer, or has anything that we would make or remove."""
    of = f"The cluster of KUBECONFIG={cluster.kubeconfig}"
    listed = cluster.run("kubectl get namespaces,customresourcedefinitions -o name --request-timeout=15s")
    if listed.code != 0:
        msg = f"{of} does not answer: {listed.err.strip().splitlines()[-1]}"
        raise ControlPlaneError(msg)
    ours = {f"namespace/{name}" for name in OURS} | {"customresourcedefinition.apiextensions.k8s.io/tiers.tiergate.io"}
    if present := sorted(ours & set(listed.out.split())):
        msg = f"{of} is in use ({', '.join(present)} would be ours), so it is left alone; give another, or none."
        raise ControlPlaneError(msg)


@contextmanager
def _kind(say: Say, *, keep: bool) -> Iterator[Cluster]:
    """Make a kind cluster with an image of this repository in it."""
    try:
        with (
            making.made(say, image=os.environ.get("TIERGATE_IMAGE", DEFAULT_IMAGE), keep=keep) as kubeconfig,
            _connected(kubeconfig, say) as cluster,
        ):
            yield cluster
    except KindError as error:
        msg = f"{error} {binaries.ALTERNATIVES}"
        raise ControlPlaneError(msg) from error
