"""What verdicts on workloads rest on besides: LimitRanges, RuntimeClasses, nodes, and a workload whose scale changes.

None of it decides whether the webhook is ready: without it nothing is said of a workload, and its pods are judged.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING

from tiergate.cluster.resource import NODES, RUNTIME_CLASSES, WORKLOADS
from tiergate.cluster.watch import Cache
from tiergate.core.workload_case import Around
from tiergate.server.live import LiveReads
from tiergate.wire import Malformed
from tiergate.wire.decode import Reader
from tiergate.wire.node import read_node
from tiergate.wire.runtime_class import read_overhead
from tiergate.wire.workload import WireWorkload, to_workload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Any

    from tiergate.cluster.api import Api
    from tiergate.cluster.namespaced_cache import NamespacedCache
    from tiergate.cluster.watch import Source
    from tiergate.core.native import LimitRange
    from tiergate.core.placement import Node
    from tiergate.core.resources import ResourceList
    from tiergate.core.workload import Workload
    from tiergate.core.workload_kind import WorkloadKind


class WorkloadState:
    """Caches, and live reads of one workload. ``timeout`` is in seconds."""

    def __init__(
        self, client: Source, api: Api, limit_ranges: NamespacedCache[LimitRange], *, clock: Callable[[], float]
    ) -> None:
        """Describe the caches; nothing is read before their tasks run, which keep ``limit_ranges`` current, too."""
        self._api = api
        self._clock = clock
        self._limit_ranges = limit_ranges
        self._runtime_classes: Cache[ResourceList] = Cache(client, RUNTIME_CLASSES, decode=read_overhead, clock=clock)
        self._nodes: Cache[Node] = Cache(client, NODES, decode=read_node, on_change=self._node_changed, clock=clock)
        self._all_nodes: tuple[Node, ...] | None = None
        self._nodes_wanted = asyncio.Event()
        self._reads = LiveReads[bytes | None]()

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what keeps the caches current."""
        return {
            "cache limitranges": self._limit_ranges.run,
            "cache runtimeclasses": self._runtime_classes.run,
            "cache nodes": self._follow_nodes,
        }

    async def _follow_nodes(self) -> None:
        """Follow the nodes once a review needs them: there are many, and in most clusters no DaemonSet is judged."""
        await self._nodes_wanted.wait()
        await self._nodes.run()

    def _node_changed(self, _name: str, _before: Node | None, _now: Node | None) -> None:
        self._all_nodes = None

    def around(self, namespace: str) -> Around:
        """Return what is known of the namespace and of the cluster."""
        ranges, classes, now = self._limit_ranges, self._runtime_classes, self._clock()
        readable = _known(ranges, now) and not ranges.has_faults(namespace)
        return Around(
            limit_ranges=ranges.of(namespace) if readable else None,
            overheads=classes.items if _known(classes, now) else None,
            nodes=self._every_node() if _known(self._nodes, now) else None,
        )

    def _every_node(self) -> tuple[Node, ...]:
        if self._all_nodes is None:
            self._all_nodes = tuple(self._nodes.items.values())
        return self._all_nodes

    async def know_nodes(self, *, timeout: float) -> None:  # noqa: ASYNC109 - as the client has it
        """Begin to follow the nodes, and wait until they are known or the time is over."""
        self._nodes_wanted.set()
        until = self._clock() + timeout
        while not _known(self._nodes, now := self._clock()) and now < until:
            await self._nodes.changed(until - now)

    async def workload_now(
        self,
        kind: WorkloadKind,
        namespace: str,
        name: str,
        *,
        peer: str,
        timeout: float,  # noqa: ASYNC109 - as the client has it
    ) -> Workload | None:
        """Read a workload live, for the sake of an address; None where there is none that can be read.

        Raises:
            ApiError, Unreachable: No answer.
        """
        resource = WORKLOADS[kind]
        raw = await self._reads.read(
            (kind, namespace, name),
            lambda seconds: self._api.get(resource, name, namespace=namespace, timeout=seconds),
            peer=peer,
            whose=namespace,
            timeout=timeout,
        )
        if raw is None:
            return None
        try:
            return Reader(WireWorkload, functools.partial(to_workload, kind=kind)).stored(raw)
        except Malformed:
            return None


def _known(cache: Cache[Any], now: float) -> bool:
    """Say whether what a cache holds may be relied on."""
    return cache.synced and now <= cache.trusted_until
