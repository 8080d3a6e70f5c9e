"""Find, or build once, the programs of a real Kubernetes control plane.

Order for each program: ``KUBEBUILDER_ASSETS`` for what it holds, the user's cache folder, a build from
the pinned Go modules beside this file. The cache has a folder for each module, named by its recipe (module
files and build flags): another version never overwrites this one, and a change of one module rebuilds no other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.controlplane.processes import die_with_parent

MODULES: Final = Path(__file__).parent / "modules"
KUBERNETES: Final = "v1.37.2"
GO_NEEDED: Final = (1, 26)
ALTERNATIVES: Final = (
    "Alternatives: KUBECONFIG=<file> for a cluster you have, KUBEBUILDER_ASSETS=<folder> for the programs "
    "it holds, CLUSTER=kind for a cluster in containers."
)


class ControlPlaneError(RuntimeError):
    """The control plane cannot be had here; the text is one sentence for the person at the terminal."""


def _kubernetes_flags() -> str:
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    values = {"gitVersion": KUBERNETES, "gitMajor": major, "gitMinor": minor}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {package}.{key}={value}" for package in packages for key, value in values.items())


@dataclass(frozen=True)
class Program:
    """One program: where its source is and how long a cold build takes on two cores, in seconds."""

    name: str
    module: str
    package: str
    seconds: int
    flags: str = ""


PROGRAMS: Final = (
    Program("etcd", "kubernetes", "go.etcd.io/etcd/server/v3", 54),
    Program("kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", 304, _kubernetes_flags()),
    Program(
        "kube-controller-manager",
        "kubernetes",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        116,
        _kubernetes_flags(),
    ),
    Program("kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl", 27, _kubernetes_flags()),
    Program("kube-scheduler", "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", 13, _kubernetes_flags()),
    Program(
        "helm",
        "helm",
        "helm.sh/helm/v4/cmd/helm",
        137,
        "-X helm.sh/helm/v4/internal/version.version=v4.3.1",
    ),
    Program("kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok", 105),
)
NAMES: Final = tuple(program.name for program in PROGRAMS)
"""The programs of a control plane."""
EXTRAS: Final = (
    Program("helm3", "helm3", "helm.sh/helm/v3/cmd/helm", 60, "-X helm.sh/helm/v3/internal/version.version=v3.19.5"),
    Program("coredns", "coredns", "github.com/coredns/coredns", 240),
)
"""What single tests need besides."""
CNI_PLUGINS: Final = ("main/bridge", "main/loopback", "ipam/host-local")
_CNI: Final = "github.com/containernetworking/plugins/plugins"
NODE: Final = (
    Program("kubelet", "node", "k8s.io/kubernetes/cmd/kubelet", 180, _kubernetes_flags()),
    Program("kube-proxy", "node", "k8s.io/kubernetes/cmd/kube-proxy", 20, _kubernetes_flags()),
    Program("containerd", "containerd", "github.com/containerd/containerd/v2/cmd/containerd", 120),
    Program(
        "containerd-shim-runc-v2",
        "containerd",
        "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        15,
    ),
    Program("ctr", "containerd", "github.com/containerd/containerd/v2/cmd/ctr", 15),
    *(Program(name.rpartition("/")[2], "cni", f"{_CNI}/{name}", 10) for name in CNI_PLUGINS),
)
"""What a node runs (tests/node); built where one can run only."""
GITOPS: Final = (
    Program("registry", "registry", "github.com/distribution/distribution/v3/cmd/registry", 40),
    Program(
        "argocd",
        "argocd",
        "github.com/argoproj/argo-cd/v3/cmd",
        420,
        "-X github.com/argoproj/argo-cd/v3/common.version=3.5.3",
    ),
    Program("redis", "argocd", "./redis", 5),
    Program("kustomize-controller", "flux", "github.com/fluxcd/kustomize-controller", 150),
    Program("source-controller", "flux", "github.com/fluxcd/source-controller", 150),
    Program("drift", "flux", "./drift", 10),
)
"""What `make gitops` needs besides."""
ALL: Final = PROGRAMS + EXTRAS + NODE + GITOPS


@dataclass(frozen=True)
class Binaries:
    """Absolute paths of the programs by name."""

    paths: Mapping[str, Path]

    def __getitem__(self, name: str) -> str:
        return str(self.paths[name])


def recipe_key(module: str) -> str:
    """Return what names the builds of a module: its files and the programs' flags, not the Go release."""
    digest = hashlib.sha256()
    for program in ALL:
        if program.module == module:
            digest.update(repr((program.name, program.package, program.flags)).encode())
    for file in (MODULES / module / "go.mod", MODULES / module / "go.sum", *sorted(MODULES.glob(f"{module}/*/*.go"))):
        digest.update(file.read_bytes())
    return f"{module}-{digest.hexdigest()[:12]}"


def cache_folder() -> Path:
    """Return the folder that holds a folder for each module; it need not exist."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "tiergate" / "controlplane"


def find(wanted: Sequence[Program]) -> tuple[dict[str, Path], tuple[Program, ...]]:
    """Return what is there of the wanted programs, the user's own folder first, and which are missing."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    found: dict[str, Path] = {}
    for program in wanted:
        for folder in (*((Path(assets),) if assets else ()), cache_folder() / recipe_key(program.module)):
            path = folder / program.name
            if path.is_file() and os.access(path, os.X_OK):
                found[program.name] = path
                break
    return found, tuple(program for program in wanted if program.name not in found)


def missing() -> tuple[str, ...]:
    """Return the names of the programs that would have to be built."""
    return tuple(program.name for program in find(PROGRAMS)[1])


def ensure(say: Callable[[str], None], names: Collection[str] = NAMES) -> Binaries:
    """Return the named programs, building the missing ones; raise ControlPlaneError with the way out."""
    if not sys.platform.startswith("linux"):
        msg = f"The built control plane runs on Linux only, this is {sys.platform}. {ALTERNATIVES}"
        raise ControlPlaneError(msg)
    cache, wanted = cache_folder(), [program for program in ALL if program.name in names]
    found, absent = find(wanted)
    if not absent:
        return Binaries(found)
    go = _go_toolchain()
    total = sum(program.seconds for program in absent)
    say(
        f"control plane: {len(absent)} of {len(wanted)} programs are missing "
        f"({', '.join(program.name for program in absent)}); building them once from Go modules takes "
        f"about {max(1, round(total / 60))} min on 2 cores"
    )
    _make_writable(cache)
    with _locked(cache / ".lock", say):
        found, absent = find(wanted)  # another run may have built them meanwhile
        begun = time.monotonic()
        for number, program in enumerate(absent, start=1):
            label = f"[{number}/{len(absent)}] {program.name}"
            _build(go, program, lambda text, label=label: say(f"{label} {text}"), begun)  # type: ignore[misc]  # a default binds the loop's value
    found, absent = find(wanted)
    if absent:  # pragma: no cover - a build that succeeds leaves its program
        msg = f"Programs vanished from {cache} while building: {', '.join(p.name for p in absent)}."
        raise ControlPlaneError(msg)
    return Binaries(found)


def _make_writable(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        (cache / ".lock").touch()
    except OSError as error:
        msg = f"The built programs cannot be stored in {cache} ({error.strerror}); set XDG_CACHE_HOME. {ALTERNATIVES}"
        raise ControlPlaneError(msg) from error


def _go_toolchain() -> str:
    go = shutil.which("go")
    wanted = ".".join(map(str, GO_NEEDED))
    if go is None:
        msg = f"Building the control plane needs Go {wanted} or later, and there is no `go` in PATH. {ALTERNATIVES}"
        raise ControlPlaneError(msg)
    text = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout.strip()
    match = re.match(r"go(\d+)\.(\d+)", text)
    if match is None or (int(match[1]), int(match[2])) < GO_NEEDED:
        msg = f"Building the control plane needs Go {wanted} or later, {go} is {text or 'broken'}. {ALTERNATIVES}"
        raise ControlPlaneError(msg)
    return go


@contextmanager
def _locked(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another run is building the same programs; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(go: str, program: Program, say: Callable[[str], None], begun: float) -> None:
    started = time.monotonic()
    say(f"building (about {program.seconds} s; {started - begun:.0f} s elapsed)")
    folder = cache_folder() / recipe_key(program.module)
    folder.mkdir(exist_ok=True)
    target = folder / f".{program.name}.{os.getpid()}"
    command = [
        *(go, "build", "-mod=readonly", "-trimpath", "-buildvcs=false"),
        *("-ldflags", f"-s -w {program.flags}".strip(), "-o", str(target), program.package),
    ]

    def waiting() -> None:
        now = time.monotonic()
        say(f"building, {now - started:.0f} s of about {program.seconds}; {now - begun:.0f} s elapsed")

    try:
        code, log = _run_in_group(command, MODULES / program.module, waiting)
        if code != 0:
            msg = f"Building {program.name} failed (go build ended with {code}). {ALTERNATIVES}\n{log}"
            raise ControlPlaneError(msg)
        target.replace(folder / program.name)
    finally:
        target.unlink(missing_ok=True)
    say(f"built in {time.monotonic() - started:.0f} s")


def _run_in_group(command: list[str], folder: Path, waiting: Callable[[], None]) -> tuple[int, str]:
    """Run a build in a group of its own, so that Ctrl-C ends the compilers too; return its code and last words."""
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": ""},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - it calls one system call and nothing that locks
        ) as process,
    ):
        try:
            while True:
                try:
                    code = process.wait(timeout=30)
                    break
                except subprocess.TimeoutExpired:
                    waiting()
        except BaseException:
            os.killpg(process.pid, 15)
            process.wait()
            raise
        log.seek(0)
        return code, log.read()[-2000:].decode(errors="replace").strip()


def main(more: Sequence[Program] = ()) -> int:
    """Build what is missing for the cluster that the environment asks for, and nothing if it asks for another."""
    named = os.environ.get("KUBECONFIG") or os.environ.get("CLUSTER")
    try:
        if not named:
            ensure(lambda text: print(text, flush=True), {program.name for program in (*PROGRAMS, *EXTRAS, *more)})
    except ControlPlaneError as error:
        print(error, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; what was built so far is kept.", flush=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(GITOPS if "gitops" in sys.argv else ()))
