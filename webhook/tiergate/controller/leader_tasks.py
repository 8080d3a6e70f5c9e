"""The queues and loops that write, for as long as this replica leads. The next time it leads begins with new ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tiergate.cluster.api import Api
from tiergate.cluster.events import utc_now
from tiergate.cluster.secrets import ClusterSecrets
from tiergate.cluster.webhook_probe import ServiceProbe
from tiergate.controller.certificates import CertificateKeeper
from tiergate.controller.events import EventWriter
from tiergate.controller.handover import Handover
from tiergate.controller.observations import Observations
from tiergate.controller.queue import WorkQueue
from tiergate.controller.reconciler import NamespaceReconciler
from tiergate.controller.status import StatusWriter
from tiergate_certs.issue import service_names

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import timedelta

    from tiergate.cluster.sender import Sender
    from tiergate.cluster.state import ClusterState
    from tiergate.controller.handover import WebhookProbe
    from tiergate.controller.options import ControllerOptions
    from tiergate.core.handover import HandoverTiming

FULL_PASS: Final = 30.0
"""Seconds between two looks at everything, whatever events said."""


class LeaderTasks:
    """Everything that writes. It is notified of changes while this replica leads, and of none afterwards."""

    def __init__(
        self,
        sender: Sender,
        state: ClusterState,
        options: ControllerOptions,
        *,
        clock_offset: Callable[[], timedelta | None],
        probe: WebhookProbe | None,
        clock: Callable[[], float],
    ) -> None:
        """Wire the loops; nothing runs before ``tasks`` are.

        Args:
            sender: Refuses to write when this replica does not lead.
            state: What the decisions rest on.
            options: What the command line says.
            clock_offset: By how much our time of day is ahead of the API server's; None while that is not known.
            probe: How to ask the webhook; None: over its Service.
            clock: Monotonic seconds.
        """
        namespace, service = options.namespace, options.service
        self._state = state
        api, observations = Api(sender), Observations(state)
        events = EventWriter(api, now=utc_now, clock=clock)
        self._namespaces = WorkQueue("namespaces", self._reconcile, on_error=self._namespace_failed)
        self._tiers = WorkQueue("tiers", self._update)
        self._certificates = CertificateKeeper(
            api,
            ClusterSecrets(api, namespace),
            state,
            names=service_names(service=service, namespace=namespace),
            policy=options.policy,
            now=utc_now,
            on_change=self.look_at_all_tiers,
            external_secret=options.external_secret,
            clock=clock,
            clock_offset=clock_offset,
            ca_injected=options.ca_injected,
        )
        self._reconciler = NamespaceReconciler(
            api, state, observations, events, again=self._namespaces.add_later, clock=clock
        )
        probe = probe or ServiceProbe(api, namespace=namespace, service=service, clock_offset=clock_offset)
        self._handover = self._new_handover(api, observations, probe, options.handover, clock)
        self._status = self._new_status(api, observations, events, clock)

    def _new_status(
        self, api: Api, observations: Observations, events: EventWriter, clock: Callable[[], float]
    ) -> StatusWriter:
        return StatusWriter(
            api,
            self._state,
            observations,
            events,
            enforcing=self._handover.enforcing,
            unasked=self._handover.unasked,
            errors=self._namespaces.errors,
            again=self._tiers.add_later,
            now=utc_now,
            clock=clock,
        )

    def _new_handover(
        self,
        api: Api,
        observations: Observations,
        probe: WebhookProbe,
        timing: HandoverTiming,
        clock: Callable[[], float],
    ) -> Handover:
        return Handover(
            api,
            self._state,
            observations,
            probe,
            timing=timing,
            base=self._certificates.enforcing,
            look_at_namespaces=self.look_at_all_namespaces,
            on_change=self.look_at_all_tiers,
            now=utc_now,
            clock=clock,
        )

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what runs as long as this replica leads, by name."""
        return {
            "quotas": self._namespaces.run,
            "status": self._tiers.run,
            "certificates": self._certificates.run,
            "handover": self._handover.run,
            "full pass": self._full_pass,
        }

    def is_urgent(self) -> bool:
        """Say whether everybody waits for what is written: a handover is being prepared."""
        return self._handover.preparing

    def look_at_namespace(self, name: str) -> None:
        """Have the objects of a namespace looked at soon."""
        self._namespaces.add(name)

    def look_at_all_namespaces(self) -> None:
        """Have the objects of every namespace looked at soon where they are not as they should be."""
        for name in self._state.namespaces():
            if not self._reconciler.is_settled(name):
                self._namespaces.add(name)

    def look_at_tier(self, name: str) -> None:
        """Have the status of a tier looked at soon."""
        self._tiers.add(name)

    def look_at_status(self, name: str) -> None:
        """Have a tier whose status alone changed looked at soon, if another client wrote it."""
        record = self._state.tier_record(name)
        if record is None or not self._status.has_written(record):
            self._tiers.add(name)

    def look_at_all_tiers(self) -> None:
        """Have the status of every tier looked at soon."""
        for name in self._state.tier_records():
            self._tiers.add(name)

    def look_at_certificates(self) -> None:
        """Have the certificates and the webhook configurations looked at soon."""
        self._certificates.look()

    async def _full_pass(self) -> None:
        """Look at everything once it has been listed, and again from time to time; only what needs work is queued."""
        while True:
            await self._state.objects_known()
            self.look_at_all_namespaces()
            self.look_at_all_tiers()
            await asyncio.sleep(FULL_PASS)

    async def _reconcile(self, namespace: str) -> None:
        await self._reconciler.reconcile(namespace)
        if self._state.namespace(namespace) is None:
            self._status.forget_namespace(namespace)

    async def _update(self, tier: str) -> None:
        await self._status.update(tier)

    def _namespace_failed(self, name: str) -> None:
        namespace = self._state.namespace(name)
        if namespace is not None and namespace.tier is not None:
            self._tiers.add(namespace.tier)
