"""The node, in namespaces of its own: `python -m tests.node.inside FOLDER` starts everything and takes every step."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.controlplane.cluster import LONE, REPOSITORY, Cluster, Say
from tests.node import attack, machine, servers, steps
from tests.node.daemons import Daemons
from tests.node.images import NAME

LOGS: Final = REPOSITORY / "build" / "node"
NO_NODE: Final = 3
"""The exit code where no node became ready: nothing of ours has run yet."""


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


@dataclass(frozen=True)
class Node:
    """The place where the steps are taken."""

    cluster: Cluster
    daemons: Daemons

    def restart(self, server: str) -> None:
        """Restart `kubelet` or `containerd`."""
        self.daemons.restart(server)

    def attack(self, say: Say) -> None:
        """Attack a replica directly."""
        attack.attack(self.cluster, steps.a_replica(self.cluster), say)


def start(daemons: Daemons, folder: Path, programs: Mapping[str, str]) -> Cluster:
    """Start the control plane and the node; return when the node is ready."""
    begun = time.monotonic()
    servers.write_files(folder)
    machine.write_files(folder, programs)
    machine.start_containerd(daemons, folder, programs)
    servers.start(daemons, folder, programs)
    repository, tag = NAME.split(":")
    values = (f"image.repository=docker.io/library/{repository}", f"image.tag={tag}", "webhook.replicas=2", LONE)
    cluster = Cluster(servers.kubeconfig(folder), programs, folder, values, None)
    certificate = folder / "certificates" / "apiserver.crt"
    daemons.until(machine.socket(folder).exists, "containerd listens", seconds=30)
    daemons.until(certificate.exists, "the API server has a certificate", seconds=60)
    daemons.until(lambda: cluster.run("kubectl get --raw /readyz").code == 0, "the API server is ready", seconds=60)
    cluster.kubectl(f"create -f {Path(__file__).with_name('announced.yaml')}")
    servers.start_controllers(daemons, folder, programs)
    machine.start_kubelet(daemons, folder, programs)
    machine.import_images(folder, programs, folder / "images.tar")
    line = f"kubectl wait --for=condition=Ready node/{servers.NODE} --timeout=1s"
    daemons.until(lambda: cluster.run(line).code == 0, "the node is ready", seconds=90)
    say(f"node: ready after {time.monotonic() - begun:.1f} s")
    return cluster


def _report(cluster: Cluster | None, folder: Path) -> None:
    """Print what there is to see after a failure, and save the logs from the folder, which is removed."""
    if cluster is not None:
        say(cluster.run("kubectl get pods -A -o wide").text)
        say(cluster.run("kubectl get events -A --sort-by=.lastTimestamp").text[-6000:])
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    for log in folder.glob("*.log"):
        shutil.copy(log, LOGS)
    if (folder / "pods").is_dir():
        shutil.copytree(folder / "pods", LOGS / "pods", ignore_dangling_symlinks=True)
    say(f"logs of the servers and of the pods: {LOGS}")


def _keep(cluster: Cluster, folder: Path) -> None:
    """Say how to use the node, and wait for Ctrl-C."""
    say("\nThe node is kept until Ctrl-C. In another terminal, as root:")
    say(f"  nsenter --target $(pgrep -fn 'tests.node.inside {folder}') --net --mount --pid")
    say(f"  export KUBECONFIG={cluster.kubeconfig} PATH={Path(cluster.programs['kubectl']).parent}:$PATH")
    signal.pause()


def chosen(*, brief: bool, kept: bool) -> tuple[steps.Step, ...]:
    """Return the steps to take: a brief run has no other test's, and a node that is kept stays installed."""
    wanted = tuple(step for step in steps.STEPS if not (brief and step.elsewhere))
    return wanted[:-1] if kept else wanted


def _live(daemons: Daemons, folder: Path, programs: Mapping[str, str], *, brief: bool) -> int:
    """Start everything and take the steps; the exit code is 1 if one does not hold, NO_NODE without a node."""
    cluster, code = None, 0
    is_kept = os.environ.get("KEEP", "") not in {"", "0"}
    try:
        cluster = start(daemons, folder, programs)
        steps.take(Node(cluster, daemons), say, chosen(brief=brief, kept=is_kept))
    except AssertionError as error:
        say(f"\nThis does not hold:\n{error}")
        _report(cluster, folder)
        code = NO_NODE if cluster is None else 1
    if is_kept and cluster is not None:
        _keep(cluster, folder)
    return code


def main(arguments: Sequence[str]) -> int:
    """Run the node of a folder; all that was started ends with this process."""
    folder = Path(arguments[0])
    programs = json.loads((folder / "programs.json").read_text())
    shims = Path(programs["containerd-shim-runc-v2"]).parent
    try:
        daemons = Daemons(folder, {"PATH": f"{shims}:{os.environ['PATH']}"})
        return _live(daemons, folder, programs, brief="--brief" in arguments)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
