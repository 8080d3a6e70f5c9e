"""The servers of one control plane as child processes: etcd, the API server and what works beside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.controlplane import logs
from tests.controlplane.api import UNREACHABLE, Api, ApiError
from tests.controlplane.credentials import apiserver_flags, write_kubeconfig, write_private, write_signing_key
from tests.controlplane.network import Subnet, free_ports
from tests.controlplane.processes import MARK, die_with_parent

_LOG: Final = logging.getLogger("controlplane")
START_SECONDS: Final = 90.0
ATTEMPTS: Final = 3
NODE_GRACE_SECONDS: Final = 2 * 24 * 3600
"""How long a node counts as ready without a sign of life. kwok gives one every 10 minutes only."""
_FUTILE: Final = (
    "endpoints-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "kube-apiserver-serving-clustertrustbundle-publisher-controller",
)


class ServerEnded(RuntimeError):
    """A server of the control plane ended by itself."""


@dataclass(frozen=True)
class Settings:
    """What a run is made of. Programs by name; the folder is the run's own; `mark` is in every environment."""

    folder: Path
    programs: Mapping[str, str]
    namespace: str
    mark: str

    @classmethod
    def load(cls, path: Path) -> Settings:
        """Read the settings that the starter wrote."""
        value = json.loads(path.read_text())
        return cls(Path(value["folder"]), value["programs"], value["namespace"], value["mark"])


@dataclass(frozen=True)
class Ports:
    """The ports of one attempt on the subnet's server address."""

    etcd: int
    peers: int
    api: int


class Servers:
    """etcd, the API server and what works beside it, as child processes."""

    def __init__(self, settings: Settings, subnet: Subnet) -> None:
        self.settings = settings
        self.token = secrets.token_urlsafe(24)
        self.ports = Ports(0, 0, 0)
        self._subnet = subnet
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._commands: dict[str, tuple[str, ...]] = {}
        self._restarting: set[str] = set()

    @property
    def url(self) -> str:
        """Return the API server's address."""
        return f"https://{self._subnet.servers}:{self.ports.api}"

    @property
    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig file."""
        return self.settings.folder / "kubeconfig"

    def write_files(self) -> None:
        """Write what the servers read: the administrator's token, a signing key, kwok's stages."""
        folder = self.settings.folder
        write_signing_key(folder / "service-account.key")
        write_private(folder / "tokens.csv", f"{self.token},admin,admin,system:masters\n".encode())
        stages = Path(__file__).with_name("kwok.yaml").read_text()
        (folder / "kwok.yaml").write_text(stages.replace("RELEASE_NAMESPACE", self.settings.namespace))

    async def start(self) -> None:
        """Start etcd and the API server; a port lost to somebody else means other ports."""
        for attempt in range(1, ATTEMPTS + 1):
            self.ports = Ports(*free_ports(self._subnet.servers, 3))
            await self._launch("etcd", self._etcd())
            await self._launch("kube-apiserver", self._apiserver())
            try:
                await self._until_serving()
            except ServerEnded:
                if attempt == ATTEMPTS or not self._lost_a_port():
                    raise
                _LOG.warning("a port was taken meanwhile; trying others")
                await self.stop()
            else:
                return

    async def start_controllers(self) -> None:
        """Start what works beside the API server; it must be serving."""
        authority = self.settings.folder / "certificates" / "apiserver.crt"
        write_kubeconfig(self.kubeconfig, server=self.url, authority=authority, user="admin", token=self.token)
        await self._launch("kube-controller-manager", self._controller_manager())
        await self._launch("kube-scheduler", self._scheduler())
        await self._launch("kwok", self._kwok())

    async def restart(self, name: str) -> None:
        """Kill one server and start it again with the same arguments, as a crash would."""
        await self._kill(name)
        await self._again(name)

    async def save(self) -> None:
        """Make a backup of etcd's data; etcd is away for a moment."""
        await self._kill("etcd")
        shutil.copytree(self._data, self._saved)
        await self._again("etcd")

    async def restore(self) -> None:
        """Go back to the backup as one does with a cluster: all servers stop, and start on the old data."""
        await self._kill(*reversed(self._commands))
        shutil.rmtree(self._data)
        shutil.copytree(self._saved, self._data)
        await self._again("etcd", "kube-apiserver")
        await self._until_serving()
        await self._again(*(name for name in self._commands if name not in ("etcd", "kube-apiserver")))

    @property
    def _data(self) -> Path:
        return self.settings.folder / "etcd"

    @property
    def _saved(self) -> Path:
        return self.settings.folder / "etcd-backup"

    async def _kill(self, *names: str) -> None:
        self._restarting.update(names)
        for name in names:
            self._processes[name].kill()
            await self._processes[name].wait()

    async def _again(self, *names: str) -> None:
        for name in names:
            await self._launch(name, self._commands[name])
            self._restarting.discard(name)

    async def watch(self) -> None:
        """Raise ServerEnded when a server ends by itself."""
        while True:
            self._check()
            await asyncio.sleep(0.5)

    async def stop(self) -> None:
        """End all servers: what holds no data at once, etcd in peace, for its data may be wanted."""
        for name, process in self._processes.items():
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM if name == "etcd" else signal.SIGKILL)
        for process in self._processes.values():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3):
                    await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()
        self._processes.clear()

    def _check(self) -> None:
        for name, process in self._processes.items():
            if process.returncode is not None and name not in self._restarting:
                log = self.settings.folder / f"{name}.log"
                tail = log.read_text(errors="replace").strip().splitlines()[-1:]
                msg = f"{name} ended with {process.returncode}: {' '.join(tail)[:600]} (log: {log})"
                raise ServerEnded(msg)

    def _lost_a_port(self) -> bool:
        logs = (self.settings.folder / f"{name}.log" for name in ("etcd", "kube-apiserver"))
        return any("address already in use" in log.read_text(errors="replace") for log in logs)

    async def _launch(self, name: str, command: Sequence[str]) -> None:
        self._commands[name] = tuple(command)
        with (self.settings.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                self.settings.programs[name],
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(self.settings),
                cwd=self.settings.folder,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )

    async def _until_serving(self) -> None:
        end = time.monotonic() + START_SECONDS
        certificate = self.settings.folder / "certificates" / "apiserver.crt"
        while time.monotonic() < end:
            self._check()
            if certificate.exists():
                try:
                    async with self.api() as api:
                        await api.call("GET", "/readyz")
                except (ApiError, *UNREACHABLE):
                    pass
                else:
                    return
            await asyncio.sleep(0.1)
        msg = f"the API server was not ready within {START_SECONDS:.0f} s (logs: {self.settings.folder})"
        raise ServerEnded(msg)

    def api(self) -> contextlib.AbstractAsyncContextManager[Api]:
        """Connect as the administrator."""
        authority = (self.settings.folder / "certificates" / "apiserver.crt").read_text()
        return Api.connect(server=self.url, token=self.token, authority=authority)

    def logs(self) -> contextlib.AbstractAsyncContextManager[int]:
        """Serve the logs of the pods; what is yielded is the port on the servers' address."""
        folder = self.settings.folder
        return logs.served(
            folder / "pods",
            address=self._subnet.servers,
            certificate=folder / "certificates" / "apiserver.crt",
            namespace=self.settings.namespace,
        )

    def _etcd(self) -> tuple[str, ...]:
        clients = f"http://{self._subnet.servers}:{self.ports.etcd}"
        peers = f"http://{self._subnet.servers}:{self.ports.peers}"
        return (
            *("--name=default", f"--data-dir={self._data}", "--log-level=warn"),
            *(f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}"),
            *(f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}"),
            *(f"--initial-cluster=default={peers}", "--unsafe-no-fsync"),
        )

    def _apiserver(self) -> tuple[str, ...]:
        folder = self.settings.folder
        return (
            f"--etcd-servers=http://{self._subnet.servers}:{self.ports.etcd}",
            f"--bind-address={self._subnet.servers}",
            f"--secure-port={self.ports.api}",
            # It must not be loopback, and nobody ever calls it.
            "--advertise-address=192.0.2.1",
            f"--service-cluster-ip-range={self._subnet.services}",
            *apiserver_flags(folder),
            "--profiling=false",
            f"--admission-control-config-file={Path(__file__).with_name('admission.yaml')}",
            f"--audit-policy-file={Path(__file__).with_name('audit.yaml')}",
            f"--audit-log-path={folder / 'audit.log'}",
        )

    def _controller_manager(self) -> tuple[str, ...]:
        folder = self.settings.folder
        return (
            f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
            # Controllers under their own names, as in a real cluster: admission sees who asks.
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={folder / 'service-account.key'}",
            f"--root-ca-file={folder / 'certificates' / 'apiserver.crt'}",
            # What cannot succeed here: endpoints in the loopback range, and a trust bundle of a certificate without CA.
            f"--controllers=*,{','.join(f'-{name}' for name in _FUTILE)}",
            # With the default of 20 requests a second its start takes 5 s more.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            f"--node-monitor-grace-period={NODE_GRACE_SECONDS}s",
            # Autoscalers look for the first time after one period, of 15 s by default.
            "--horizontal-pod-autoscaler-sync-period=2s",
            "--profiling=false",
        )

    def _scheduler(self) -> tuple[str, ...]:
        return (
            *(f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0", "--profiling=false"),
            *("--kube-api-qps=500", "--kube-api-burst=1000"),
        )

    def _kwok(self) -> tuple[str, ...]:
        config = self.settings.folder / "kwok.yaml"
        return (f"--kubeconfig={self.kubeconfig}", f"--config={config}", "--manage-all-nodes=true", "--server-address=")


def _environment(settings: Settings) -> dict[str, str]:
    """Return what the servers find: a home of their own, no proxy settings, the run's mark."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(settings.folder), MARK: settings.mark}
