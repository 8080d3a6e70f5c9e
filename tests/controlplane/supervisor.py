"""The process that owns one control plane: `python -m tests.controlplane.supervisor SETTINGS.json`.

It starts the servers, plays kubelet and proxy, says on standard output when all is ready, and ends everything
when its standard input ends without the word `keep`: whoever started it may die in any way it likes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.controlplane.api import UNREACHABLE, Api, ApiError, Object
from tests.controlplane.kubelet import Kubelet
from tests.controlplane.network import Subnet, claim_subnet
from tests.controlplane.pod import Node
from tests.controlplane.processes import MARK, adopt_orphans, bury, sweep
from tests.controlplane.proxy import Proxy
from tests.controlplane.servers import START_SECONDS, Ports, ServerEnded, Servers, Settings

NODE: Final = "node-1"
REMOVE: Final = "remove-when-ended"
_LOG: Final = logging.getLogger("controlplane")


async def _until_usable(api: Api, node: Object) -> None:
    """Wait for what a first pod needs: a ready node, and the default ServiceAccount with the root certificate."""
    await _create(api, "/api/v1/nodes", node)
    namespace = "/api/v1/namespaces/default"
    needed = (
        f"/api/v1/nodes/{NODE}",
        f"{namespace}/serviceaccounts/default",
        f"{namespace}/configmaps/kube-root-ca.crt",
    )
    end = time.monotonic() + START_SECONDS
    for path in needed:
        while True:
            with contextlib.suppress(ApiError, *UNREACHABLE):
                if _is_usable(await api.call("GET", path)):
                    break
            if time.monotonic() > end:
                msg = f"{path} did not come up within {START_SECONDS:.0f} s"
                raise ServerEnded(msg)
            await asyncio.sleep(0.1)


async def _create(api: Api, path: str, item: Object) -> None:
    while True:
        try:
            await api.call("POST", path, item)
        except UNREACHABLE:
            await asyncio.sleep(0.1)
        else:
            return


def _is_usable(item: Object) -> bool:
    """Return whether the object is there and, if it is a node, ready."""
    conditions = {each["type"]: each["status"] for each in item.get("status", {}).get("conditions", ())}
    return item["kind"] != "Node" or conditions.get("Ready") == "True"


def _node(address: str, port: int) -> Object:
    """Return the node; at the address and port it answers for the logs of its pods."""
    size = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "1000", "nvidia.com/gpu": "8"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}},
        "status": {
            "allocatable": size,
            "capacity": size,
            "addresses": [{"type": "InternalIP", "address": address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        },
    }


def _pod_environment(settings: Settings, subnet: Subnet, ports: Ports) -> dict[str, str]:
    """Return what every container finds; its own `tiergate` and `python` are those that run this."""
    programs = Path(sys.executable).parent
    return {
        "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "KUBERNETES_SERVICE_HOST": subnet.servers,
        "KUBERNETES_SERVICE_PORT": str(ports.api),
        MARK: settings.mark,
    }


def _announce(**values: Any) -> None:  # noqa: ANN401 - JSON
    with contextlib.suppress(BrokenPipeError):  # a kept control plane has nobody who listens
        sys.stdout.write(json.dumps(values) + "\n")
        sys.stdout.flush()


async def _obey(servers: Servers) -> None:
    """Obey the lines on standard input; return when everything shall end."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().split():
        match line:
            case ["keep"]:
                (servers.settings.folder / REMOVE).touch()  # nobody else will
                await asyncio.Event().wait()  # until a signal
            case ["restart", name]:
                await servers.restart(name)
                _announce(restarted=name)
            case ["save"]:
                await servers.save()
                _announce(saved=True)
            case ["restore"]:
                await servers.restore()
                _announce(restored=True)
            case _:
                _LOG.error("unknown command %s", line)


async def _serve(servers: Servers, subnet: Subnet) -> None:
    """Start everything, announce it, and play kubelet and proxy for ever."""
    settings = servers.settings
    await servers.start()
    await servers.start_controllers()
    async with servers.api() as api, servers.logs() as port:
        await _until_usable(api, _node(subnet.servers, port))
        node = Node(settings.folder / "pods", subnet, _pod_environment(settings, subnet, servers.ports))
        kubelet = Kubelet(api, node, settings.namespace)
        _announce(kubeconfig=str(servers.kubeconfig), server=servers.url, pid=os.getpid())
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (kubelet.run(), Proxy(api, settings.namespace).run(), servers.watch()):
                    tasks.create_task(work)
        finally:
            kubelet.kill()


async def run(settings: Settings) -> None:
    """Run the control plane until told to end: a signal, or the end of standard input."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    with claim_subnet() as subnet:
        servers = Servers(settings, subnet)
        servers.write_files()
        try:
            async with asyncio.TaskGroup() as tasks:
                serving = tasks.create_task(_serve(servers, subnet))
                obeying = tasks.create_task(_obey(servers))
                obeying.add_done_callback(lambda _: ended.set())
                await ended.wait()
                serving.cancel()
                obeying.cancel()
        finally:
            await servers.stop()


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in _leaves(each)]
    return [error]


def main(arguments: Sequence[str]) -> int:
    """Run one control plane; the exit code is 1 after a fault, which is announced and logged."""
    settings = Settings.load(Path(arguments[0]))
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    adopt_orphans()
    code = 0
    try:
        asyncio.run(run(settings))
    except Exception as error:  # noqa: BLE001 - the starter must hear of it, whatever it is
        _LOG.exception("the control plane ended")
        _announce(error="; ".join(f"{type(leaf).__name__}: {leaf}" for leaf in _leaves(error)))
        code = 1
    finally:
        sweep(settings.mark)
        bury()
    if code == 0 and (settings.folder / REMOVE).exists():
        shutil.rmtree(settings.folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
