"""A registry of our own, for charts and other artifacts: the reference implementation, on a loopback address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.controlplane import binaries
from tests.controlplane.cluster import Cluster, Say
from tests.controlplane.network import free_ports
from tests.gitops.programs import LOOPBACK, environment, running

CONFIGURATION: Final = """
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: {address}}}
"""


@dataclass(frozen=True)
class Registry:
    """A registry that speaks plain HTTP."""

    cluster: Cluster
    address: str

    def push(self, chart: Path) -> str:
        """Package a chart and push it to /charts as the release workflow does; return its digest."""
        folder = self.cluster.folder
        made = self.cluster.run(f"helm package {chart} -d {folder}")
        assert made.code == 0, made.text
        archive = made.out.strip().rsplit(": ", 1)[1]
        pushed = self.cluster.run(f"helm push {archive} oci://{self.address}/charts --plain-http")
        assert pushed.code == 0, pushed.text
        return _digest(pushed.text)

    def digest(self, version: str) -> str:
        """Return the digest of our chart, as Helm pulls it."""
        chart = f"oci://{self.address}/charts/tiergate --version {version}"
        pulled = self.cluster.run(f"helm pull {chart} --plain-http -d {self.cluster.folder / 'tmp'}")
        assert pulled.code == 0, pulled.text
        return _digest(pulled.text)


def _digest(text: str) -> str:
    (digest,) = (line.split(": ")[1] for line in text.splitlines() if line.startswith("Digest: "))
    return digest


@contextmanager
def served(cluster: Cluster, say: Say) -> Iterator[Registry]:
    """Run a registry with nothing in it."""
    program = binaries.ensure(say, {"registry"})["registry"]
    (port,) = free_ports(LOOPBACK, 1)
    file = cluster.folder / "registry.yaml"
    address = f"{LOOPBACK}:{port}"
    file.write_text(CONFIGURATION.format(folder=cluster.folder / "registry", address=address))
    env = environment(cluster, OTEL_TRACES_EXPORTER="none")
    with running("registry", [program, "serve", str(file)], port, env):
        yield Registry(cluster, address)
