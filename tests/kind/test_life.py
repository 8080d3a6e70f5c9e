"""The life of an installation on the nodes of kind: the steps of `make node`. Runs with CLUSTER=kind only."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

import pytest

from tests.controlplane import cluster as clusters
from tests.controlplane.cluster import Cluster, Say
from tests.node import steps

pytestmark = [
    pytest.mark.kind,
    pytest.mark.skipif(os.environ.get("CLUSTER") != "kind", reason="no kind cluster: CLUSTER=kind makes one"),
]


@dataclass(frozen=True)
class Kind:
    """A kind cluster as the place where the steps are taken; a node is a container of its name."""

    cluster: Cluster

    def restart(self, server: str) -> None:
        """Restart `kubelet` or `containerd` on every node that takes pods."""
        engine = os.environ.get("KIND_EXPERIMENTAL_PROVIDER") or "docker"
        selector = "!node-role.kubernetes.io/control-plane"
        for node in self.cluster.kubectl(f"get nodes -l {selector} -o name").out.split():
            name = node.removeprefix("node/")
            subprocess.run([engine, "exec", name, "systemctl", "restart", server], check=True)

    def attack(self, say: Say) -> None:
        """Nothing: the addresses of pods cannot be reached from outside the nodes."""
        say("  not directly: the addresses of pods cannot be reached from here")


def test_the_life_of_an_installation() -> None:
    with clusters.opened(print) as cluster:
        steps.take(Kind(cluster), print)
