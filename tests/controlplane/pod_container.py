"""One container of a pod as a local process: start, probes, restarts, end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tests.controlplane import network, probes
from tests.controlplane.api import Object
from tests.controlplane.container import Command, ContainerConfigError
from tests.controlplane.processes import die_with_parent

if TYPE_CHECKING:
    from tests.controlplane.pod import Pod

_LOG: Final = logging.getLogger(__name__)
SYNC_SECONDS: Final = 0.5
MESSAGE_BYTES: Final = 2048
_BACKOFF: Final = (0.2, 1.0, 2.0, 5.0, 10.0)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Status:
    """What a pod's status says about one container."""

    name: str
    image: str
    state: Object = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last_state: Object = field(default_factory=dict)
    container_id: str = ""
    restarts: int = 0
    started: bool = False
    ready: bool = False

    def as_object(self) -> Object:
        """Return a containerStatuses entry."""
        return {
            "name": self.name,
            "image": self.image,
            "imageID": f"local://{self.image}",
            "containerID": self.container_id,
            "state": self.state,
            "lastState": self.last_state,
            "restartCount": self.restarts,
            "started": self.started,
            "ready": self.ready,
        }


class Container:
    """One container of a pod: its process, its probes, its restarts."""

    def __init__(self, pod: Pod, spec: Object) -> None:
        self.spec = spec
        self.status = Status(name=spec["name"], image=spec["image"])
        self._pod = pod
        self._process: asyncio.subprocess.Process | None = None
        self._usage_port = network.free_ports("127.0.0.1", 1)[0]
        self._log = pod.folder / f"{spec['name']}.log"
        self._ports = {port["name"]: port["containerPort"] for port in spec.get("ports", ()) if "name" in port}

    async def run(self, policy: str) -> int:
        """Run the container until the restart policy says that it is over; return the last exit code."""
        for attempt in range(sys.maxsize):
            code = await self._run_once()
            if policy == "Never" or (policy == "OnFailure" and code == 0) or self._pod.stopping:
                return code
            self.status.last_state, self.status.state = (
                self.status.state,
                {"waiting": {"reason": "CrashLoopBackOff", "message": f"exit code {code}; log: {self._log}"}},
            )
            self.status.restarts += 1
            self._pod.changed.set()
            await asyncio.sleep(_BACKOFF[min(attempt, len(_BACKOFF) - 1)])
        raise AssertionError  # pragma: no cover - range(sys.maxsize) does not end

    async def _run_once(self) -> int:
        process = self._process = await self._start(await self._command())
        begun = now()
        identity = f"process://{process.pid}"
        self.status.container_id, self.status.state = identity, {"running": {"startedAt": begun}}
        self._pod.changed.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                probing = tasks.create_task(self._probe())
                code = await process.wait()
                probing.cancel()
        finally:
            self.kill()  # what the process left behind in its group goes with it
            self._process = None  # from here on the number may be another's
        self.status.ready = self.status.started = False
        ended = _terminated(code, begun, identity)
        if code and self.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            ended["message"] = self._last_words()
        self.status.state = {"terminated": ended}
        self._pod.changed.set()
        return code if code >= 0 else 128 - code

    def _last_words(self) -> str:
        """Return the end of the log of this run, as much of it as a kubelet keeps."""
        return self._log.read_bytes()[-MESSAGE_BYTES:].decode(errors="replace")

    async def _command(self) -> Command:
        while True:
            try:
                return self._pod.command(self.spec, self._usage_port)
            except ContainerConfigError as error:
                self.status.state = {"waiting": {"reason": "CreateContainerConfigError", "message": str(error)}}
                self._pod.changed.set()
                await asyncio.sleep(SYNC_SECONDS)

    async def _start(self, wanted: Command) -> asyncio.subprocess.Process:
        with self._log.open("ab") as log:
            log.write(f"--- {now()} {' '.join(wanted.arguments)}\n".encode())
            log.flush()
            try:
                return await self._spawn(wanted, log.fileno())
            except OSError as error:  # as `sh` puts a command that is not there: 127
                log.write(f"{error}\n".encode())
                return await self._spawn(Command(("sh", "-c", "exit 127"), wanted.environment), log.fileno())

    async def _spawn(self, wanted: Command, output: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *wanted.arguments,
            env=dict(wanted.environment),
            cwd=self._pod.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )

    async def exec(self, words: list[str]) -> int:
        """Run a command beside the container's process, as `kubectl exec` would; return its exit code."""
        wanted = self._pod.command({**self.spec, "command": words, "args": []}, self._usage_port)
        process = await self._start(wanted)
        try:
            return await process.wait()
        finally:
            _kill_group(process, signal.SIGKILL)

    async def _probe(self) -> None:
        if (startup := self._probe_of("startupProbe")) and not await probes.until_started(startup):
            _LOG.warning("%s: the startup probe failed for too long; killed", self._log)
            self.kill()
            return
        self.status.started = True
        readiness, liveness = self._probe_of("readinessProbe"), self._probe_of("livenessProbe")
        async with asyncio.TaskGroup() as tasks:
            if readiness is None:
                self._set_ready(True)  # noqa: FBT003 - as the probe reports it
            else:
                tasks.create_task(probes.follow(readiness, self._set_ready, at_first=False))
            if liveness is not None:
                dead = asyncio.Event()
                tasks.create_task(probes.follow(liveness, lambda alive: None if alive else dead.set(), at_first=True))
                await dead.wait()
                await self._restart_dead()

    def _probe_of(self, name: str) -> probes.Probe | None:
        if name not in self.spec:
            return None
        return probes.Probe(self.spec[name], self._pod.address, self._ports, self.exec)

    def _set_ready(self, ready: bool) -> None:  # noqa: FBT001 - a callback
        self.status.ready = ready
        self._pod.changed.set()

    async def _restart_dead(self) -> None:
        if not self._pod.stopping:
            _LOG.warning("%s: the liveness probe failed; stopped", self._log)
            await self.stop(float(self._pod.manifest["spec"].get("terminationGracePeriodSeconds", 30)))

    def kill(self) -> None:
        """Kill the container's process and all others in its group."""
        if self._process is not None:
            _kill_group(self._process, signal.SIGKILL)

    async def stop(self, grace: float) -> None:
        """Run preStop and SIGTERM within the grace period, then kill; return when the process has ended."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._pre_stop()
                if process.returncode is None:
                    process.terminate()  # the first process only, as in a container
                await process.wait()
        self.kill()
        await process.wait()

    async def _pre_stop(self) -> None:
        match self.spec.get("lifecycle", {}).get("preStop"):
            case None:
                return
            case {"sleep": {"seconds": int(seconds)}}:
                await asyncio.sleep(seconds)
            case {"exec": {"command": list(words)}}:
                await self.exec(words)
            case other:
                msg = f"a preStop hook that this kubelet does not know: {other}"
                raise RuntimeError(msg)


def _kill_group(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _terminated(code: int, begun: str, identity: str) -> Object:
    ended = {"startedAt": begun, "finishedAt": now(), "containerID": identity}
    if code < 0:
        return {"exitCode": 128 - code, "signal": -code, "reason": "Error", **ended}
    return {"exitCode": code, "reason": "Error" if code else "Completed", **ended}
