"""The proxy for Services of our own pods: a TCP forwarder on each ClusterIP.

New connections go to ready endpoints only; to serving ones that terminate when no other is left, as
kube-proxy does; with none at all the connection is refused. Established connections stay where they are.
The annotation ENDPOINT_DELAY on a Service makes this proxy learn of changes that many seconds later.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.controlplane.api import Api, Mirror, Object

ENDPOINT_DELAY: Final = "tiergate.test/endpoint-delay-seconds"
_RETRY_SECONDS: Final = 1.0
_LOG: Final = logging.getLogger(__name__)
Endpoint = tuple[str, int]


@dataclass(frozen=True, order=True)
class ServiceAddress:
    """Where a Service port is reached."""

    address: str
    port: int


def backends(service: Object, pods: Iterable[Object]) -> dict[ServiceAddress, tuple[Endpoint, ...]]:
    """Return for each port of the Service the endpoints that new connections may go to.

    Read from the pods themselves: the API server stores no EndpointSlice with a loopback address.
    """
    spec = service["spec"]
    selector: Mapping[str, str] = spec.get("selector") or {}
    if spec.get("clusterIP") in {None, "", "None"} or not selector:
        return {}
    own = [pod for pod in pods if selector.items() <= pod["metadata"].get("labels", {}).items()]
    return {ServiceAddress(spec["clusterIP"], port["port"]): _chosen(own, port) for port in spec.get("ports", ())}


def _chosen(pods: Iterable[Object], port: Object) -> tuple[Endpoint, ...]:
    ready: list[Endpoint] = []
    last_resort: list[Endpoint] = []
    for pod in pods:
        endpoint = _endpoint(pod, port.get("targetPort") or port["port"])
        if endpoint is not None and _is_ready(pod):
            (last_resort if "deletionTimestamp" in pod["metadata"] else ready).append(endpoint)
    return tuple(sorted(ready or last_resort))


def _endpoint(pod: Object, target: int | str) -> Endpoint | None:
    address = pod.get("status", {}).get("podIP")
    numbers = (
        port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports", ())
        if port.get("name") == target
    )
    number = target if isinstance(target, int) else next(numbers, None)
    return (address, number) if address and number else None


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


class _Side(asyncio.Protocol):
    """One side of a forwarded connection."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.peer: _Side | None = None
        self._ended = False

    @property
    def _other(self) -> asyncio.Transport | None:
        return self.peer.transport if self.peer is not None else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):  # pragma: no cover - TCP only
            raise TypeError(transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._other is not None:
            self._other.write(data)

    def eof_received(self) -> bool:
        """Pass the end on; the connection stays open for the other direction until that has ended too."""
        self._ended = True
        if self._other is not None and self._other.can_write_eof():
            self._other.write_eof()
        return self.peer is not None and not self.peer._ended

    def connection_lost(self, exc: Exception | None) -> None:
        if self._other is None:
            return
        if exc is None:
            self._other.close()
        else:
            self._other.abort()

    def pause_writing(self) -> None:
        if self._other is not None:
            self._other.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None:
            self._other.resume_reading()


class _Client(_Side):
    """The side that connected to the ClusterIP; it reads nothing before its backend is there."""

    def __init__(self, forwarder: Forwarder) -> None:
        super().__init__()
        self._forwarder = forwarder

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.transport is not None:
            self.transport.pause_reading()
            self._forwarder.spawn(self._connect())

    async def _connect(self) -> None:
        assert self.transport is not None
        backend = _Side()
        backend.peer = self
        endpoint = self._forwarder.next_backend()
        if endpoint is None:
            self.transport.abort()
            return
        try:
            await asyncio.get_running_loop().create_connection(lambda: backend, *endpoint)
        except OSError as error:
            _LOG.info("%s: %s", endpoint, error)
            self.transport.abort()
            return
        self.peer = backend
        if self.transport.is_closing():
            if backend.transport is not None:
                backend.transport.close()
        else:
            self.transport.resume_reading()


class Forwarder:
    """Listens on one address while it has backends."""

    def __init__(self, service: ServiceAddress) -> None:
        self.service = service
        self._backends: tuple[Endpoint, ...] = ()
        self._turn = itertools.count()
        self._changed = asyncio.Event()
        self._connecting: set[asyncio.Task[None]] = set()

    def next_backend(self) -> Endpoint | None:
        """Return the backends in turn; None when the last one has just gone."""
        return self._backends[next(self._turn) % len(self._backends)] if self._backends else None

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run a connection attempt; the reference keeps the task alive."""
        task = asyncio.create_task(work)
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def update(self, new: tuple[Endpoint, ...]) -> None:
        """Take other backends for new connections."""
        self._backends = new
        self._changed.set()

    async def run(self) -> None:
        """Listen whenever there is a backend, for ever; a taken port is retried and logged."""
        server: asyncio.Server | None = None
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                if server is None and self._backends:
                    server = await self._listen()
                elif server is not None and not self._backends:
                    server.close()
                    server = None
        finally:
            if server is not None:
                server.close()

    async def _listen(self) -> asyncio.Server | None:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(lambda: _Client(self), self.service.address, self.service.port, backlog=512)
        except OSError as error:
            _LOG.error("no Service on %s:%d: %s", self.service.address, self.service.port, error)
            loop.call_later(_RETRY_SECONDS, self._changed.set)
            return None


class Proxy:
    """Keeps one forwarder for each Service port of one namespace."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._changed = asyncio.Event()
        self._services = Mirror(api, f"/api/v1/namespaces/{namespace}/services", self._changed.set)
        self._pods = Mirror(api, f"/api/v1/namespaces/{namespace}/pods", self._changed.set)
        self._forwarders: dict[ServiceAddress, tuple[Forwarder, asyncio.Task[None]]] = {}
        self._known: dict[ServiceAddress, tuple[Endpoint, ...]] = {}

    async def run(self) -> None:
        """Follow Services and pods for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._services.run())
            tasks.create_task(self._pods.run())
            while True:
                await self._changed.wait()
                self._changed.clear()
                self._sync(tasks)

    def _sync(self, tasks: asyncio.TaskGroup) -> None:
        wanted: dict[ServiceAddress, tuple[Endpoint, ...]] = {}
        for service in self._services.objects.values():
            found = backends(service, self._pods.objects.values())
            wanted |= found
            for address, endpoints in found.items():
                if address not in self._forwarders:
                    forwarder = Forwarder(address)
                    self._forwarders[address] = forwarder, tasks.create_task(forwarder.run())
                if self._known.get(address) != endpoints:
                    self._tell(self._forwarders[address][0], endpoints, _delay(service))
        for address in self._forwarders.keys() - wanted.keys():
            self._forwarders.pop(address)[1].cancel()
        self._known = wanted

    def _tell(self, forwarder: Forwarder, endpoints: tuple[Endpoint, ...], delay: float) -> None:
        _LOG.info("%s -> %s in %g s", forwarder.service, endpoints, delay)
        asyncio.get_running_loop().call_later(delay, forwarder.update, endpoints)


def _delay(service: Object) -> float:
    annotations: Mapping[str, str] = service["metadata"].get("annotations", {})
    return float(annotations.get(ENDPOINT_DELAY, "0"))
