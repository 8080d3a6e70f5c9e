"""One pod as local processes: volumes, environment, status, graceful deletion."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.controlplane import network
from tests.controlplane.api import STRATEGIC, UNREACHABLE, Api, ApiError, Object
from tests.controlplane.container import Command, Source, command
from tests.controlplane.pod_container import SYNC_SECONDS, Container, now
from tests.controlplane.volumes import NotMountable, Volumes

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Node:
    """Where pods run: the run's folder and subnet, and what every process finds in its environment."""

    folder: Path
    subnet: network.Subnet
    environment: Mapping[str, str]


class Pod:
    """One pod from the moment the scheduler bound it until its object is gone."""

    def __init__(self, api: Api, node: Node, manifest: Object, *, address: str, source: Source) -> None:
        metadata = manifest["metadata"]
        self.manifest = manifest
        self.address = address
        self.folder = node.folder / f"{metadata['name']}-{metadata['uid'][:8]}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.changed = asyncio.Event()
        self.stopping = False
        self._deleted = asyncio.Event()
        self._api = api
        self._node = node
        self._source = source
        self._tokens: dict[tuple[str, int], tuple[float, str]] = {}
        self._volumes = Volumes(self.folder / "volumes", source, self._token)
        self._waiting = ""
        self._phase = "Pending"
        self._begun = now()
        self._conditions: dict[str, Object] = {}
        self._written: Object = {}
        spec = manifest["spec"]
        self._init = [Container(self, each) for each in spec.get("initContainers", ())]
        self._main = [Container(self, each) for each in spec["containers"]]

    @property
    def path(self) -> str:
        """Return the path of the pod's object."""
        metadata = self.manifest["metadata"]
        return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"

    def observe(self, manifest: Object | None) -> None:
        """Take in the object as it is now; None when it is gone."""
        if manifest is None or "deletionTimestamp" in manifest["metadata"]:
            self._deleted.set()
        if manifest is not None:
            self.manifest = manifest
            self._correct(manifest.get("status", {}))
        else:  # deleted by force: there is nothing left to wait for
            self.stopping = True
            self.kill()

    def _correct(self, stored: Object) -> None:
        """Write the status again if somebody else changed whether the pod is ready, as a node controller may."""
        if self._written and _readiness(stored) != _readiness(self._written):
            self._written = {}
            self.changed.set()

    async def run(self) -> None:
        """Run the pod; return when it is over and its object gone."""
        async with asyncio.TaskGroup() as tasks:
            reporting = tasks.create_task(self._report())
            refreshing = tasks.create_task(self._refresh())
            living = tasks.create_task(self._live())
            await self._deleted.wait()
            self.stopping = True
            grace = float(self.manifest["metadata"].get("deletionGracePeriodSeconds") or 0)
            await asyncio.gather(*(each.stop(grace) for each in (*self._init, *self._main)))
            for task in (living, refreshing, reporting):
                task.cancel()
        await self._remove()

    def kill(self) -> None:
        """Kill every process of the pod now."""
        for each in (*self._init, *self._main):
            each.kill()

    def command(self, spec: Object, usage_port: int) -> Command:
        """Return the process that stands for one of the pod's containers."""
        folders = {
            mount["mountPath"].rstrip("/"): str(self._volumes.folder(mount["name"]) / mount.get("subPath", ""))
            for mount in spec.get("volumeMounts", ())
        }
        base = dict(self._node.environment) | {"HOSTNAME": self.manifest["metadata"]["name"], "HOME": str(self.folder)}
        if "/tmp" in folders:  # noqa: S108 - the mount path of a specification
            base["TMPDIR"] = folders["/tmp"]  # noqa: S108
        return command(spec, self._source, base=base, folders=folders, usage_port=usage_port)

    async def _live(self) -> None:
        await self._mount()
        for each in self._init:
            code = await each.run("Never" if self._policy == "Never" else "OnFailure")
            if code != 0:
                self._end("Failed")
                return
        self._phase = "Running"
        self.changed.set()
        codes = await asyncio.gather(*(each.run(self._policy) for each in self._main))
        self._end("Failed" if any(codes) else "Succeeded")

    @property
    def _policy(self) -> str:
        return str(self.manifest["spec"].get("restartPolicy", "Always"))

    def _end(self, phase: str) -> None:
        if not self.stopping:
            self._phase = phase
            self.changed.set()

    async def _mount(self) -> None:
        while True:
            try:
                await self._volumes.refresh()
            except (NotMountable, ApiError, *UNREACHABLE) as error:
                self._waiting = f"{type(error).__name__}: {error}"
                self.changed.set()
                await asyncio.sleep(SYNC_SECONDS)
            else:
                self._waiting = ""
                return

    async def _refresh(self) -> None:
        """Keep the volumes as they should be; what cannot be read now stays as it was, as on a real node."""
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            try:
                await self._volumes.refresh()
            except (NotMountable, ApiError, *UNREACHABLE) as error:
                _LOG.info("%s: volumes stay as they are: %s", self.path, error)

    async def _token(self, audience: str, seconds: int) -> str:
        """Return a token bound to the pod, a new one when four fifths of its life are over."""
        now = asyncio.get_running_loop().time()
        renew_at, text = self._tokens.get((audience, seconds), (0.0, ""))
        if now < renew_at:
            return text
        metadata = self.manifest["metadata"]
        account = self.manifest["spec"].get("serviceAccountName") or "default"
        reference = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
        spec: Object = {"expirationSeconds": max(seconds, 600), "boundObjectRef": reference}
        if audience:
            spec["audiences"] = [audience]
        path = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        answer = await self._api.call("POST", path, body)
        self._tokens[audience, seconds] = (now + 0.8 * spec["expirationSeconds"], answer["status"]["token"])
        return str(answer["status"]["token"])

    async def _report(self) -> None:
        """Write the pod's status whenever it changes."""
        self.changed.set()
        while True:
            await self.changed.wait()
            self.changed.clear()
            status = self._status()
            if status == self._written:
                continue
            try:
                await self._api.call("PATCH", f"{self.path}/status", {"status": status}, content_type=STRATEGIC)
                self._written = status
            except ApiError as error:
                _LOG.info("%s: status not written: %s", self.path, error)
            except UNREACHABLE:
                self.changed.set()
                await asyncio.sleep(SYNC_SECONDS)

    def _status(self) -> Object:
        ready = self._phase == "Running" and all(each.status.ready for each in self._main)
        containers = [each.status.as_object() for each in self._main]
        if self._waiting:
            containers[0]["state"] = {"waiting": {"reason": "ContainerCreating", "message": self._waiting}}
        return {
            "phase": self._phase,
            "hostIP": self._node.subnet.servers,
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "startTime": self._begun,
            "conditions": [
                self._condition("Initialized", value=self._phase != "Pending"),
                self._condition("ContainersReady", value=ready),
                self._condition("Ready", value=ready),
            ],
            "containerStatuses": containers,
            "initContainerStatuses": [each.status.as_object() for each in self._init],
        }

    def _condition(self, name: str, *, value: bool) -> Object:
        known = self._conditions.get(name)
        if known is None or known["status"] != str(value):
            known = self._conditions[name] = {"type": name, "status": str(value), "lastTransitionTime": now()}
        return known

    async def _remove(self) -> None:
        metadata = self.manifest["metadata"]
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
        while True:
            try:
                await self._api.call("DELETE", self.path, options)
            except ApiError as error:
                if error.status not in {404, 409}:  # gone already, or another pod of the same name
                    raise
                return
            except UNREACHABLE:
                await asyncio.sleep(SYNC_SECONDS)
            else:
                return


def _readiness(status: Object) -> str | None:
    """Return the status of the Ready condition; None where there is none."""
    return next((each["status"] for each in status.get("conditions", ()) if each["type"] == "Ready"), None)
