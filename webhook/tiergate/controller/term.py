"""One term of a leader: the queues and loops that write. A new term begins with new ones and remembers nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tiergate.cluster.secrets import ClusterSecrets
from tiergate.controller.certificates import CertificateKeeper
from tiergate.controller.events import Recorder, utc_now
from tiergate.controller.queue import WorkQueue
from tiergate.controller.reconciler import NamespaceReconciler
from tiergate.controller.status import StatusWriter
from tiergate_certs.issue import service_names
from tiergate_certs.plan import Policy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tiergate.cluster.sender import Sender
    from tiergate.controller.facts import Facts

FULL_PASS: Final = 30.0
"""Seconds between two looks at everything, whatever events said."""


class Term:
    """Everything that writes. It is told of changes, and told nothing once it is over."""

    def __init__(self, client: Sender, facts: Facts, *, namespace: str, service: str, given: str = "") -> None:
        """Wire the loops; nothing runs before ``tasks`` are.

        Args:
            client: Refuses to write when the term is over.
            facts: What the decisions rest on.
            namespace: Of the release: Secrets live there.
            service: Name of the webhook's Service.
            given: Name of the Secret with the certificate when somebody else keeps it.
        """
        self._facts = facts
        recorder = Recorder(client, now=utc_now)
        self._certificates = CertificateKeeper(
            client,
            ClusterSecrets(client, namespace),
            facts,
            names=service_names(service=service, namespace=namespace),
            policy=Policy(),
            now=utc_now,
            on_change=self.look_at_all_tiers,
            given=given,
        )
        self._namespaces = WorkQueue("namespaces", self._reconcile, on_error=self._namespace_failed)
        self._tiers = WorkQueue("tiers", self._update)
        self._reconciler = NamespaceReconciler(client, facts, recorder, again=self._namespaces.add_later)
        self._status = StatusWriter(
            client,
            facts,
            recorder,
            enforcing=self._certificates.enforcing,
            errors=self._namespaces.errors,
            again=self._tiers.add_later,
            now=utc_now,
        )

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what runs as long as the term lasts, by name."""
        return {
            "quotas": self._namespaces.run,
            "status": self._tiers.run,
            "certificates": self._certificates.run,
            "full pass": self._full_pass,
        }

    def look_at_namespace(self, name: str) -> None:
        """Have the objects of a namespace looked at soon."""
        self._namespaces.add(name)

    def look_at_tier(self, name: str) -> None:
        """Have the status of a tier looked at soon."""
        self._tiers.add(name)

    def look_at_all_tiers(self) -> None:
        """Have the status of every tier looked at soon."""
        for name in self._facts.known_tiers():
            self._tiers.add(name)

    def look_at_certificates(self) -> None:
        """Have the certificates and the webhook configurations looked at soon."""
        self._certificates.look()

    async def _full_pass(self) -> None:
        """Look at everything once it has been listed, and again from time to time."""
        while True:
            await self._facts.objects_known()
            for name in self._facts.namespaces.items:
                self._namespaces.add(name)
            self.look_at_all_tiers()
            await asyncio.sleep(FULL_PASS)

    async def _reconcile(self, namespace: str) -> None:
        await self._reconciler.reconcile(namespace)

    async def _update(self, tier: str) -> None:
        await self._status.update(tier)

    def _namespace_failed(self, name: str) -> None:
        namespace = self._facts.namespaces.items.get(name)
        if namespace is not None and namespace.tier is not None:
            self._tiers.add(namespace.tier)
