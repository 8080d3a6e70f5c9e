"""The controller as a service of the shared runner: caches, queues and loops wired together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from tiergate.cluster.client import Client
from tiergate.cluster.secrets import ClusterSecrets
from tiergate.controller.certificates import CertificateKeeper
from tiergate.controller.events import Recorder, utc_now
from tiergate.controller.facts import Facts, Listeners
from tiergate.controller.queue import WorkQueue
from tiergate.controller.quotas import QuotaReconciler
from tiergate.controller.status import StatusWriter
from tiergate.process.service import Receive, Scope, Send
from tiergate_certs.issue import service_names
from tiergate_certs.plan import Policy

FULL_PASS: Final = 30.0
"""Seconds between two looks at everything, whatever events said."""


class ControllerService:
    """What `tiergate controller` brings; it implements ``tiergate.process.service.Service``.

    There is no leader election yet: the Deployment has one replica. With it, the caches run in every replica, which is
    why a standby is ready, and the other tasks of `Loops.tasks` in the leader's only.
    """

    pages = None

    def __init__(
        self, *, kubeconfig: str | None, service_account_dir: str | None, namespace: str, service: str
    ) -> None:
        """Remember where the API server is, and the Service the certificate is for; nothing is opened yet.

        Args:
            kubeconfig: File to use instead of the service account.
            service_account_dir: Folder with the token and the CA of a service account.
            namespace: Of the release: Secrets live there.
            service: Name of the webhook's Service.
        """
        self._kubeconfig = kubeconfig
        self._service_account_dir = service_account_dir
        self._namespace = namespace
        self._service = service
        self._loops: Loops | None = None

    async def start(self) -> None:
        """Prepare the client and wire the parts; nothing is sent yet.

        Raises:
            ConfigError: There is no usable way to an API server.
        """
        client = await Client.connect(kubeconfig=self._kubeconfig, service_account_dir=self._service_account_dir)
        self._loops = Loops(client, namespace=self._namespace, service=self._service)

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return the caches and the loops over them.

        Raises:
            RuntimeError: The service was not started.
        """
        return self._started().tasks()

    def ready(self) -> tuple[bool, str]:
        """Be ready once every cache was listed."""
        if self._loops is None:
            return False, "not started"
        unsynced = self._loops.facts.unsynced()
        return (False, f"not listed yet: {', '.join(unsynced)}") if unsynced else (True, "")

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # the runner's signature
        """Answer 404: there is nothing here but probes."""
        body = b"not found\n"
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _started(self) -> Loops:
        if self._loops is None:
            raise RuntimeError("the controller was not started")
        return self._loops


class Loops:
    """Everything that exists once there is a client."""

    def __init__(self, client: Client, *, namespace: str, service: str) -> None:
        listeners = Listeners(namespace=self._look_at_namespace, tier=self._look_at_tier, configuration=self._look)
        self.facts = Facts(client, release_namespace=namespace, listeners=listeners)
        recorder = Recorder(client, now=utc_now)
        self._certificates = CertificateKeeper(
            client,
            ClusterSecrets(client, namespace),
            self.facts,
            names=service_names(service=service, namespace=namespace),
            policy=Policy(),
            now=utc_now,
            on_change=self._look_at_all_tiers,
        )
        self._namespaces = WorkQueue("namespaces", self._reconcile, on_error=self._namespace_failed)
        self._tiers = WorkQueue("tiers", self._update)
        self._quotas = QuotaReconciler(client, self.facts, recorder, again=self._namespaces.add_later)
        self._status = StatusWriter(
            client,
            self.facts,
            recorder,
            enforcing=self._certificates.enforcing,
            errors=self._namespaces.errors,
            again=self._tiers.add_later,
            now=utc_now,
        )

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return everything that runs for ever, by name."""
        caches = {f"cache {name}": cache.run for name, cache in self.facts.caches().items()}
        loops = {
            "quotas": self._namespaces.run,
            "status": self._tiers.run,
            "certificates": self._certificates.run,
            "full pass": self._full_pass,
        }
        return {**caches, **loops}

    async def _full_pass(self) -> None:
        """Look at everything once it has been listed, and again from time to time."""
        while True:
            await self.facts.quotas_known()
            for name in self.facts.namespaces.items:
                self._namespaces.add(name)
            self._look_at_all_tiers()
            await asyncio.sleep(FULL_PASS)

    async def _reconcile(self, namespace: str) -> None:
        await self._quotas.reconcile(namespace)

    async def _update(self, tier: str) -> None:
        await self._status.update(tier)

    def _look_at_namespace(self, name: str) -> None:
        self._namespaces.add(name)

    def _look_at_tier(self, name: str) -> None:
        self._tiers.add(name)

    def _look_at_all_tiers(self) -> None:
        for name in self.facts.known_tiers():
            self._tiers.add(name)

    def _look(self) -> None:
        self._certificates.look()

    def _namespace_failed(self, name: str) -> None:
        namespace = self.facts.namespaces.items.get(name)
        if namespace is not None and namespace.tier is not None:
            self._tiers.add(namespace.tier)
