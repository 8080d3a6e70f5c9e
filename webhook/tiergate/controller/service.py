"""The controller as a service of the shared runner: the state in every replica, the work in the one that leads."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from tiergate.cluster.api import Api
from tiergate.cluster.client import Client
from tiergate.cluster.events import utc_now
from tiergate.cluster.lease import CONTROLLER_LEASE, Elector, LeaderClient, identity_of, seconds_since_boot
from tiergate.cluster.state import ClusterState, Listeners
from tiergate.controller.handover import WebhookProbe
from tiergate.controller.leader_tasks import LeaderTasks
from tiergate.controller.options import ControllerOptions
from tiergate.controller.pace import PacedClient
from tiergate.process.answers import not_found
from tiergate.process.service import Receive, Scope, Send
from tiergate.process.supervisor import Supervisor


class ControllerService:
    """What `tiergate controller` brings; it implements ``tiergate.process.service.Service``."""

    pages = None

    def __init__(self, options: ControllerOptions) -> None:
        """Remember what was asked for; nothing is opened yet."""
        self._options = options
        self._loops: Loops | None = None

    async def start(self) -> None:
        """Prepare the client and wire the parts; nothing is sent yet.

        Raises:
            ConfigError: There is no usable way to an API server.
        """
        options = self._options
        client = await Client.connect(kubeconfig=options.kubeconfig, service_account_dir=options.service_account_dir)
        self._loops = Loops(client, options)

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return the caches and the leadership.

        Raises:
            RuntimeError: The service was not started.
        """
        return self._started().tasks()

    def stop(self) -> None:
        """Leave nothing: what a controller has begun are its tasks."""

    async def undecided(self) -> str:
        """Return "": no verdict is asked for here."""
        return ""

    def ready(self) -> tuple[bool, str]:
        """Be ready once every cache was listed, leader or not, and while no loop of a leader fails."""
        if self._loops is None:
            return False, "not started"
        if failing := self._loops.failing():
            return False, "; ".join(f"task {name} failed: {reason}" for name, reason in sorted(failing.items()))
        unsynced = self._loops.state.unsynced()
        return (False, f"not listed yet: {', '.join(unsynced)}") if unsynced else (True, "")

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # the runner's signature
        """Answer 404: there is nothing here but probes."""
        await not_found(send)

    def _started(self) -> Loops:
        if self._loops is None:
            raise RuntimeError("the controller was not started")
        return self._loops


class Loops:
    """Everything that exists once there is a client: the state for ever, the tasks of a leader while we lead."""

    def __init__(
        self,
        client: Client,
        options: ControllerOptions,
        *,
        probe: WebhookProbe | None = None,
        clock: Callable[[], float] = time.monotonic,
        lease_clock: Callable[[], float] = seconds_since_boot,
    ) -> None:
        """Wire the parts; both clocks are in seconds and only go forward, the second one also while we sleep."""
        listeners = Listeners(
            namespace=self._namespace_changed,
            tier=self._tier_changed,
            status=self._status_changed,
            configuration=self._configuration_changed,
        )
        self.state = ClusterState(
            client, release_namespace=options.namespace, listeners=listeners, controls=True, clock=clock
        )
        self._client = client
        self._options = options
        self._probe = probe
        self._elector = Elector(
            Api(client),
            namespace=options.namespace,
            name=CONTROLLER_LEASE,
            identity=identity_of(options.host),
            timing=options.lease,
            now=utc_now,
            clock=lease_clock,
        )
        self._clock = clock
        self._leader_tasks: LeaderTasks | None = None
        self._supervisor = Supervisor({})

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return everything that runs for ever, by name."""
        caches = {f"cache {name}": cache.run for name, cache in self.state.caches().items()}
        return {**caches, "leadership": self._lead}

    def failing(self) -> Mapping[str, str]:
        """Return the tasks of a leader that wait for their restart, and why."""
        return self._supervisor.failing

    async def _lead(self) -> None:
        """Stand by, work while leading, stand by again."""
        while True:
            await self._elector.acquire()
            try:
                await self._work()
            finally:
                await self._elector.release()

    async def _work(self) -> None:
        """Work until this replica leads no more; every task of a leader has ended when this returns."""
        leader = LeaderClient(self._client, remaining=self._elector.remaining)
        self._leader_tasks = LeaderTasks(
            PacedClient(leader, urgent=self._is_urgent, clock=self._clock),
            self.state,
            self._options,
            clock_offset=lambda: self._client.clock_offset,
            probe=self._probe,
            clock=self._clock,
        )
        self._supervisor = Supervisor(self._leader_tasks.tasks())
        self._supervisor.start()
        try:
            await self._elector.hold()
        finally:
            self._leader_tasks = None
            await self._supervisor.stop()
            self._supervisor = Supervisor({})

    def _is_urgent(self) -> bool:
        return self._leader_tasks is not None and self._leader_tasks.is_urgent()

    def _namespace_changed(self, name: str) -> None:
        if self._leader_tasks is not None:
            self._leader_tasks.look_at_namespace(name)

    def _tier_changed(self, name: str) -> None:
        if self._leader_tasks is not None:
            self._leader_tasks.look_at_tier(name)

    def _status_changed(self, name: str) -> None:
        if self._leader_tasks is not None:
            self._leader_tasks.look_at_status(name)

    def _configuration_changed(self) -> None:
        if self._leader_tasks is not None:
            self._leader_tasks.look_at_certificates()
