"""The kubelet for our own pods: what the chart rendered runs as local processes.

Real Deployments, ReplicaSets and the real scheduler make the pods; this takes over where a node would:
volumes, environment, processes, probes, status, restarts, graceful deletion. It owns the pods of one
namespace; kwok plays the node for all others.
"""

from __future__ import annotations

import asyncio

from tests.controlplane.api import Api, Mirror, Object
from tests.controlplane.container import Source
from tests.controlplane.pod import Node, Pod
from tests.controlplane.volumes import decoded


class Kubelet:
    """Runs every bound pod of one namespace."""

    def __init__(self, api: Api, node: Node, namespace: str) -> None:
        self._api = api
        self._node = node
        self._changed = asyncio.Event()
        base = f"/api/v1/namespaces/{namespace}"
        self._pods = Mirror(api, f"{base}/pods", self._changed.set)
        self._secrets = Mirror(api, f"{base}/secrets", _ignore)
        self._config_maps = Mirror(api, f"{base}/configmaps", _ignore)
        self._running: dict[str, Pod] = {}
        self._free = list(range(254, 0, -1))

    async def run(self) -> None:
        """Run pods for ever; an exception is a fault of this kubelet and ends the whole run."""
        async with asyncio.TaskGroup() as tasks:
            for mirror in (self._pods, self._secrets, self._config_maps):
                tasks.create_task(mirror.run())
            while True:
                await self._changed.wait()
                self._changed.clear()
                self._sync(tasks)

    def kill(self) -> None:
        """Kill every process of every pod now."""
        for pod in self._running.values():
            pod.kill()

    def _sync(self, tasks: asyncio.TaskGroup) -> None:
        present = {each["metadata"]["uid"]: each for each in self._pods.objects.values()}
        for uid, pod in self._running.items():
            pod.observe(present.get(uid))
        for uid, manifest in present.items():
            if uid not in self._running and _is_ours_to_run(manifest):
                host = self._free.pop()
                pod = self._running[uid] = self._pod(manifest, self._node.subnet.pod(host))
                tasks.create_task(self._run(uid, pod, host))

    def _pod(self, manifest: Object, address: str) -> Pod:
        source = Source(
            pod=manifest,
            address=address,
            secret=lambda name: decoded(self._secrets.objects.get(name)),
            config_map=lambda name: decoded(self._config_maps.objects.get(name)),
        )
        pod = Pod(self._api, self._node, manifest, address=address, source=source)
        pod.observe(manifest)
        return pod

    async def _run(self, uid: str, pod: Pod, host: int) -> None:
        try:
            await pod.run()
        finally:
            pod.kill()
            del self._running[uid]
            self._free.insert(0, host)  # reused last


def _is_ours_to_run(manifest: Object) -> bool:
    over = manifest.get("status", {}).get("phase") in {"Succeeded", "Failed"}
    return bool(manifest["spec"].get("nodeName")) and not over


def _ignore() -> None:
    """Take no notice: the volumes are looked at on a clock of their own."""
