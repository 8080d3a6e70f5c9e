"""Certificates of the webhook: issued, stored, published to the API server, and repaired when somebody changes them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from tiergate.cluster.api import JSON_PATCH, Api
from tiergate.cluster.client import ApiError, Unreachable
from tiergate.cluster.meta import read_meta
from tiergate.cluster.registration import CONFIGURATION_KINDS, CONFIGURATION_NAME, missing_entries
from tiergate.cluster.state import ClusterState
from tiergate.controller.queue import CONFLICTS
from tiergate.controller.tier_conditions import Assessment
from tiergate_certs.cabundle import Operation, entries, patch
from tiergate_certs.plan import Keep, Policy
from tiergate_certs.rotate import rotate
from tiergate_certs.store import Conflict, SecretStore

PERIOD: Final = 10.0
"""Seconds between two looks at the Secrets: they are not watched."""
SHORTEST_PAUSE: Final = 0.5
"""Seconds between two steps at least: who fights us over a caBundle does not make us spin."""
LONGEST_PAUSE: Final = 30.0

CA_KEY: Final = "ca.crt"

logger = logging.getLogger(__name__)


class ExternalSecretUnusable(RuntimeError):
    """The Secret that somebody else keeps is not there, or names no CA; the message says which."""


class CertificateKeeper:
    """Runs the rotation step, and is its publisher; or publishes the CA of a Secret that somebody else keeps."""

    def __init__(
        self,
        api: Api,
        store: SecretStore,
        state: ClusterState,
        *,
        names: Sequence[str],
        policy: Policy,
        now: Callable[[], datetime],
        on_change: Callable[[], None],
        external_secret: str = "",
        ca_injected: bool = False,
    ) -> None:
        """Take what the loop needs.

        Args:
            api: Patches webhook configurations.
            store: Holds both Secrets.
            state: The webhook configurations as they stand.
            names: DNS names of the webhook's Service.
            policy: Lifetimes.
            now: Time of day, aware.
            on_change: Told when the answer of `enforcing` may have changed.
            external_secret: Name of the Secret with the certificate when somebody else keeps it: read, never written.
            ca_injected: Whether somebody else writes the caBundle, too: then nothing is published here, only judged.
        """
        self._api = api
        self._store = store
        self._state = state
        self._names = names
        self._policy = policy
        self._now = now
        self._on_change = on_change
        self._external_secret = external_secret
        self._ca_injected = ca_injected
        self._look = asyncio.Event()
        self._trusted = b""
        self._failure = ""

    def look(self) -> None:
        """Have the next step taken soon: a webhook configuration changed."""
        self._look.set()

    async def run(self) -> None:
        """Take steps for ever: at once, when told to look, and periodically."""
        pause = SHORTEST_PAUSE
        while True:
            await self._state.configurations_known()
            self._look.clear()
            try:
                await self.step()
                pause = SHORTEST_PAUSE
            except (Conflict, ApiError, Unreachable, ExternalSecretUnusable) as error:
                self._failed(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            await asyncio.sleep(SHORTEST_PAUSE)
            await self._wait()

    def _failed(self, error: Conflict | ApiError | Unreachable | ExternalSecretUnusable) -> None:
        logger.warning("certificates: will try again", extra={"fields": {"error": str(error)}})
        if isinstance(error, ExternalSecretUnusable) or (isinstance(error, ApiError) and error.status not in CONFLICTS):
            self._failure = str(error)
            self._on_change()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(PERIOD):
                await self._look.wait()
        except TimeoutError:  # nobody called: time for the periodic look
            return

    async def step(self) -> None:
        """Take one step: idempotent, and without a write when everything is right.

        Raises:
            Conflict, ApiError, Unreachable, ExternalSecretUnusable: To be taken again.
        """
        trusted = await (self._publish_external() if self._external_secret else self._rotate())
        if trusted != self._trusted or self._failure:
            self._trusted, self._failure = trusted, ""
            self._on_change()

    async def _rotate(self) -> bytes:
        """Issue what is due, publish and return the CA certificates."""
        done = await rotate(self._store, self, now=self._now(), policy=self._policy, names=self._names)
        if not isinstance(done.plan, Keep):
            fields = {"plan": type(done.plan).__name__, "reason": done.plan.reason}
            logger.info("certificates issued", extra={"fields": fields})
        return done.trusted

    async def _publish_external(self) -> bytes:
        """Publish and return the CA certificates of the Secret that somebody else keeps."""
        kept = await self._store.read(self._external_secret)
        if kept is None:
            raise ExternalSecretUnusable(f'Secret "{self._external_secret}" with the certificate does not exist')
        if not (trusted := kept.data.get(CA_KEY, b"")):
            raise ExternalSecretUnusable(
                f'Secret "{self._external_secret}" has no {CA_KEY}: without it nobody knows whom to trust'
            )
        if not self._ca_injected:
            await self.publish(trusted)
        return trusted

    async def publish(self, trusted: bytes) -> None:
        """Patch the webhook configurations that exist; one that was deleted is left deleted."""
        for kind, resource in CONFIGURATION_KINDS.items():
            raw = self._state.configuration(kind)
            operations = [] if raw is None else patch(raw, trusted)
            if raw is not None and operations:
                body = msgspec.json.encode([_unchanged(raw), *operations])
                await self._api.patch(resource, CONFIGURATION_NAME, body, patch_type=JSON_PATCH)
                logger.info("CA published", extra={"fields": {"kind": kind, "entries": len(operations) // 2}})

    def enforcing(self) -> Assessment | None:
        """Say whether the API server asks us about pods and trusts our certificate; None while that is not known."""
        if not self._state.knows_configurations():
            return None
        if not self._trusted:
            if not self._failure:
                return None
            return Assessment(holds=False, reason="CertificateUnavailable", message=self._failure)
        found = {kind: self._state.configuration(kind) for kind in CONFIGURATION_KINDS}
        return assess_webhooks(found, trusted=self._trusted)


def _unchanged(raw: bytes) -> Operation:
    """Return the operation with which the API server refuses a patch of any other version than this one."""
    return {"op": "test", "path": "/metadata/resourceVersion", "value": read_meta(raw).resource_version}


def assess_webhooks(configurations: dict[str, bytes | None], *, trusted: bytes) -> Assessment:
    """Assess the webhook configurations as they stand.

    Args:
        configurations: Raw JSON by kind; None for one that does not exist.
        trusted: The CA certificates that clients should trust, PEM.
    """
    for kind, raw in configurations.items():
        if raw is None:
            message = (
                f'{kind} "{CONFIGURATION_NAME}" does not exist, so pods are not checked; '
                "it is never created by the controller: helm upgrade restores it"
            )
            return Assessment(holds=False, reason="WebhookConfigurationMissing", message=message)
        if missing := missing_entries(kind, (entry.name for entry in entries(raw))):
            message = f'{kind} "{CONFIGURATION_NAME}" lacks {", ".join(missing)}: helm upgrade restores it'
            return Assessment(holds=False, reason="WebhookEntryMissing", message=message)
        if patch(raw, trusted):
            message = f'{kind} "{CONFIGURATION_NAME}" does not trust the current certificate yet'
            return Assessment(holds=False, reason="CABundlePending", message=message)
    return Assessment(
        holds=True, reason="WebhooksRegistered", message="the webhooks are registered and trust the current certificate"
    )
