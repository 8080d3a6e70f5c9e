"""The index of pods against the kubernetes client's models: CPU and memory of taking in a cluster's pods.

Each contestant is a process of its own that reads the same list pages from files. `python -m bench.index`.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import gc
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bench.review import MANAGER_BYTES, manager, pod

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

PODS: Final = 10_000
MODELLED: Final = 2_000
"""Pods that the client's models take in: all would take half a minute and more than a gigabyte."""
POD_BYTES: Final = 9_900
"""Of one pod in a list, as the API server sends the pods of ordinary Deployments."""
PAGE: Final = 150
"""Objects in a list page, as the index asks for: it is imported in the process that is measured alone."""
NAMESPACES: Final = 20
TEMPLATES: Final = 100
MIB: Final = 2**20

MAX_MEMORY: Final = 30 * MIB
MAX_CPU: Final = 1 / 20


class Cost(msgspec.Struct, frozen=True):
    """What one contestant spent on so many pods; bytes are growth of the resident set."""

    pods: int
    cpu: float
    memory: int
    peak: int

    def of_all(self, pods: int) -> Cost:
        """Return the cost of so many pods, in proportion."""
        share = pods / self.pods
        return Cost(pods, self.cpu * share, int(self.memory * share), int(self.peak * share))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison and print it."""
    options = _parser().parse_args(argv)
    if options.measure:
        print(msgspec.json.encode(MEASURED[options.measure](Path(options.folder))).decode())
        return 0
    with tempfile.TemporaryDirectory(prefix="tiergate-bench-") as folder:
        written = write_pages(Path(folder) / "all", options.pods)
        write_pages(Path(folder) / "some", options.modelled)
        print(f"{options.pods:,} pods, {written / MIB:.0f} MiB of JSON in pages of {PAGE}", flush=True)
        ours = _in_a_process("index", Path(folder) / "all")
        models = _in_a_process("models", Path(folder) / "some")
    print(report(ours, models))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.index", description=__doc__)
    parser.add_argument("--pods", type=int, default=PODS, help=f"pods in the cluster (default {PODS})")
    parser.add_argument(
        *("--modelled", "-m"), type=int, default=MODELLED, help=f"of them for the client's models (default {MODELLED})"
    )
    parser.add_argument("--measure", choices=tuple(MEASURED), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser


def report(ours: Cost, models: Cost) -> str:
    """Return the two costs, the ratios and whether the targets are reached."""
    theirs = models.of_all(ours.pods)
    rows = [("tiergate index", ours, ""), ("client models", theirs, f"  (from {models.pods:,} pods)")]
    lines = [f"{'':16}{'CPU s':>8}{'MiB':>8}{'peak MiB':>10}"]
    lines += [
        f"{name:16}{cost.cpu:8.2f}{cost.memory / MIB:8.1f}{cost.peak / MIB:10.1f}{note}" for name, cost, note in rows
    ]
    cpu_ratio = ours.cpu / theirs.cpu
    lines += [
        f"memory: {ours.memory / MIB:.1f} MiB, the target is at most {MAX_MEMORY // MIB} MiB: "
        + _verdict(ours.memory <= MAX_MEMORY),
        f"CPU: 1/{1 / cpu_ratio:.0f} of the client's models, the target is at most 1/{1 / MAX_CPU:.0f}: "
        + _verdict(cpu_ratio <= MAX_CPU),
    ]
    return "\n".join(lines)


def _verdict(reached: bool) -> str:  # noqa: FBT001  # the one thing it is about
    return "reached" if reached else "missed"


def _in_a_process(name: str, folder: Path) -> Cost:
    command = [sys.executable, "-m", "bench.index", "--measure", name, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, check=True)
    return msgspec.json.decode(done.stdout, type=Cost)


def write_pages(folder: Path, pods: int) -> int:
    """Write the list pages of a cluster, named by the number of their first pod; return their bytes."""
    folder.mkdir()
    templates = [_template(number) for number in range(TEMPLATES)]
    written = 0
    for first in range(0, pods, PAGE):
        last = min(first + PAGE, pods)
        items = b",".join(_numbered(templates[number % TEMPLATES], number) for number in range(first, last))
        more = b'"continue":"%d",' % last if last < pods else b""
        metadata = b'{%s"resourceVersion":"%d"}' % (more, pods)
        page = b'{"kind":"PodList","apiVersion":"v1","metadata":%s,"items":[%s]}' % (metadata, items)
        written += (folder / str(first)).write_bytes(page)
    return written


def _template(number: int) -> bytes:
    """Return a running pod of one template, with NUMBER and SPACE where the pods of it differ."""
    made: dict[str, Any] = copy.deepcopy(pod(defaulted=True))
    made["metadata"] |= {"name": "agent-NUMBER", "namespace": "SPACE", "uid": "UID-NUMBER", "resourceVersion": "NUMBER"}
    for container in made["spec"]["containers"]:
        container["resources"]["requests"] = {"cpu": f"{100 + number}m", "memory": "128Mi"}
    made["metadata"]["managedFields"].append(manager("kubelet"))
    made["status"] = _status()
    while (room := POD_BYTES - len(json.dumps(made, separators=(",", ":")))) > MANAGER_BYTES:
        made["metadata"]["managedFields"].append(manager(f"manager-{room}"))
    made["metadata"]["annotations"]["example.com/padding"] = "x" * room
    return json.dumps(made, separators=(",", ":")).encode()


def _status() -> dict[str, Any]:
    """Return what a kubelet reports of the running pod, resources included (R-32)."""
    now = "2026-01-15T09:30:04Z"
    kinds = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    conditions = [
        {"type": kind, "status": "True", "observedGeneration": 1, "lastProbeTime": None, "lastTransitionTime": now}
        for kind in kinds
    ]
    amounts = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "250m", "memory": "256Mi"}}
    containers = [
        {
            "name": name,
            "image": f"registry.example.com/agents/{name}:1.4.2",
            "imageID": f"registry.example.com/agents/{name}@sha256:{'0123456789abcdef' * 4}",
            "containerID": f"containerd://{'fedcba9876543210' * 4}",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": now}},
            "lastState": {},
            "allocatedResources": amounts["requests"],
            "resources": amounts,
            "volumeMounts": [{"name": "config", "mountPath": "/etc/agent", "readOnly": True}],
        }
        for name in ("agent", "proxy")
    ]
    return {
        "phase": "Running",
        "observedGeneration": 1,
        "conditions": conditions,
        "hostIP": "192.0.2.10",
        "hostIPs": [{"ip": "192.0.2.10"}],
        "podIP": "198.51.100.7",
        "podIPs": [{"ip": "198.51.100.7"}],
        "startTime": now,
        "containerStatuses": containers,
        "qosClass": "Burstable",
    }


def _numbered(template: bytes, number: int) -> bytes:
    unique = b"%08d" % number
    return (
        template.replace(b"UID-NUMBER", b"2a1f3b7e-51c3-4a0e-8a4e-0000" + unique)
        .replace(b"NUMBER", unique)
        .replace(b"SPACE", b"team-%d" % (number % NAMESPACES))
    )


def _pages(folder: Path) -> Iterator[bytes]:
    for name in sorted(map(int, (one.name for one in folder.iterdir()))):
        yield (folder / str(name)).read_bytes()


class _Meter:
    """CPU and resident bytes from its making to `cost`."""

    def __init__(self) -> None:
        gc.collect()
        self._memory, _ = _resident()
        self._cpu = time.process_time()

    def cost(self, pods: int) -> Cost:
        cpu = time.process_time() - self._cpu
        gc.collect()
        memory, peak = _resident()
        return Cost(pods, cpu, memory - self._memory, peak - self._memory)


def _resident() -> tuple[int, int]:
    """Return the resident bytes now and at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return int(found["VmRSS"]) * 1024, int(found["VmHWM"]) * 1024


def measure_index(folder: Path) -> Cost:
    """Fill the index, as the server does."""
    return asyncio.run(_fill(folder))


async def _fill(folder: Path) -> Cost:
    from tiergate.cluster.usage_index import UsageIndex  # noqa: PLC0415
    from tiergate.core.quantity import Quantity  # noqa: PLC0415  # what is imported counts for neither
    from tiergate.core.release import NEWEST  # noqa: PLC0415
    from tiergate.core.tier import Tier, TierQuota  # noqa: PLC0415

    async def never(_seconds: float) -> bool:
        await asyncio.Event().wait()
        return True

    tier = Tier("dev", quotas=(TierQuota("compute", {"pods": Quantity.parse("20")}),), mode="Warn")
    files = _Files(folder)
    index = UsageIndex(files, tiers=lambda: (tier,), changed=never, minor=lambda: NEWEST)
    pods = dict(index.each())["pods"]
    meter = _Meter()
    running = asyncio.ensure_future(pods.run())
    await files.listed.wait()
    cost = meter.cost(len(pods))
    if pods.usage("team-0", tier) is None:
        msg = "the index says that it knows nothing"
        raise RuntimeError(msg)
    running.cancel()
    return cost


class _Files:
    """List pages from files, and a watch in which nothing happens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.listed = asyncio.Event()

    async def request(
        self,
        method: str,  # noqa: ARG002  # the client's signature
        path: str,  # noqa: ARG002
        *,
        query: Mapping[str, str] | None = None,
        **_: object,
    ) -> bytes:
        return (self._folder / (query or {}).get("continue", "0")).read_bytes()

    async def watch(
        self,
        path: str,  # noqa: ARG002  # the client's signature
        *,
        resource_version: str,  # noqa: ARG002
        query: Mapping[str, str] | None = None,  # noqa: ARG002
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[bytes]:
        if opened is not None:
            opened()
        self.listed.set()
        await asyncio.Event().wait()
        yield b""


def measure_models(folder: Path) -> Cost:
    """Decode the pages to the client's models, as its list calls do, and keep them, as its informer does."""
    from kubernetes.client import ApiClient  # noqa: PLC0415  # slow to import, and counts for neither

    client = ApiClient()
    client.deserialize('{"items": []}', "V1PodList", "application/json")  # prepares the models
    meter = _Meter()
    kept = [client.deserialize(page.decode(), "V1PodList", "application/json") for page in _pages(folder)]
    return meter.cost(sum(len(page.items) for page in kept))


MEASURED: Final = {"index": measure_index, "models": measure_models}


if __name__ == "__main__":
    raise SystemExit(main())
