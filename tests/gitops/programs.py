"""Servers of other projects, built from their Go modules, as children of a test."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from tests.controlplane.binaries import MODULES
from tests.controlplane.cluster import Cluster, until
from tests.controlplane.processes import die_with_parent

LOOPBACK: Final = "127.0.0.1"


def source_of(module: str, name: str) -> Path:
    """Return the folder of a Go module at the version that tests/controlplane/modules pins."""
    line = ["go", "mod", "download", "-json", name]
    done = subprocess.run(line, cwd=MODULES / module, capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


def environment(cluster: Cluster, **more: str) -> dict[str, str]:
    """Return the environment of a server: the cluster's, a home and a PATH of its own with helm and kubectl."""
    home, programs = cluster.folder / "home", cluster.folder / "programs"
    for folder in (home, programs, cluster.folder / "tmp"):
        folder.mkdir(exist_ok=True)
    for name, path in cluster.programs.items():
        link = programs / name
        if not link.exists():
            link.symlink_to(path)
    own = {"HOME": str(home), "PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(cluster.folder / "tmp")}
    return {**cluster.environment, **own, **more}


@contextmanager
def running(name: str, line: list[str], port: int, env: Mapping[str, str]) -> Iterator[None]:
    """Run a server until the block ends; it listens on the port when the block begins. Its log is NAME.log."""
    folder = Path(env["HOME"]).parent
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            line,
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - it calls one system call and nothing that locks
        )
        try:
            until(lambda: _answers(process, name, port, folder), f"{name} listens on port {port}", seconds=60)
            yield
        finally:
            process.kill()
            process.wait()


def _answers(process: subprocess.Popen[bytes], name: str, port: int, folder: Path) -> bool:
    if process.poll() is not None:
        msg = f"{name} ended with {process.returncode}:\n{(folder / f'{name}.log').read_text()[-3000:]}"
        raise AssertionError(msg)
    with closing(socket.socket()) as one:
        return one.connect_ex((LOOPBACK, port)) == 0


def copy_of(chart: Path, folder: Path, version: str) -> Path:
    """Return a copy of the chart as another release would be, CRD included."""
    copy = folder / version / "tiergate"
    shutil.copytree(chart, copy)
    for file in (copy / "Chart.yaml", copy / "crds" / "tiers.yaml"):
        file.write_text(file.read_text().replace("0.1.0", version))
    return copy
