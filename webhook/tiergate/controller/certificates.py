"""Certificates of the webhook: issued, stored, published to the API server, and repaired when somebody changes them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from tiergate.cluster.client import ApiError, Client, Unreachable
from tiergate.controller.facts import CONFIGURATION_KINDS, CONFIGURATION_NAME, Facts
from tiergate.controller.queue import CONFLICTS
from tiergate.controller.status import Verdict
from tiergate_certs.cabundle import entries, patch
from tiergate_certs.plan import Keep, Policy
from tiergate_certs.rotate import Rotated, rotate
from tiergate_certs.store import Conflict, SecretStore

PERIOD: Final = 10.0
"""Seconds between two looks at the Secrets: they are not watched."""
BREATH: Final = 0.5
"""Seconds between two steps at least: who fights us over a caBundle does not make us spin."""
LONGEST_PAUSE: Final = 30.0

JSON_PATCH: Final = "application/json-patch+json"

REQUIRED_ENTRIES: Final = {
    "MutatingWebhookConfiguration": ("pods.mutate.tiergate.io",),
    "ValidatingWebhookConfiguration": ("pods.validate.tiergate.io",),
}
"""Without these a tier is not enforced, whatever else is registered."""

logger = logging.getLogger(__name__)


class CertificateKeeper:
    """Runs the rotation step, and is its publisher."""

    def __init__(
        self,
        client: Client,
        store: SecretStore,
        facts: Facts,
        *,
        names: Sequence[str],
        policy: Policy,
        now: Callable[[], datetime],
        on_change: Callable[[], None],
    ) -> None:
        """Take what the loop needs.

        Args:
            client: Patches webhook configurations.
            store: Holds both Secrets.
            facts: The webhook configurations as they stand.
            names: DNS names of the webhook's Service.
            policy: Lifetimes.
            now: Time of day, aware.
            on_change: Told when the verdict of `enforcing` may have changed.
        """
        self._client = client
        self._store = store
        self._facts = facts
        self._names = names
        self._policy = policy
        self._now = now
        self._on_change = on_change
        self._look = asyncio.Event()
        self._trusted = b""
        self._failure = ""

    def look(self) -> None:
        """Have the next step taken soon: a webhook configuration changed."""
        self._look.set()

    async def run(self) -> None:
        """Take steps for ever: at once, when told to look, and periodically."""
        pause = BREATH
        while True:
            await self._facts.configurations_known()
            self._look.clear()
            try:
                await self.step()
                pause = BREATH
            except (Conflict, ApiError, Unreachable) as error:
                self._failed(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            await asyncio.sleep(BREATH)
            await self._wait()

    def _failed(self, error: Conflict | ApiError | Unreachable) -> None:
        logger.warning("certificates: will try again", extra={"fields": {"error": str(error)}})
        if isinstance(error, ApiError) and error.status not in CONFLICTS:
            self._failure = str(error)
            self._on_change()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(PERIOD):
                await self._look.wait()
        except TimeoutError:  # nobody called: time for the periodic look
            return

    async def step(self) -> Rotated:
        """Take one step: idempotent, and without a write when everything is right.

        Raises:
            Conflict, ApiError, Unreachable: To be taken again.
        """
        done = await rotate(self._store, self, now=self._now(), policy=self._policy, names=self._names)
        if not isinstance(done.plan, Keep):
            fields = {"plan": type(done.plan).__name__, "reason": done.plan.reason}
            logger.info("certificates issued", extra={"fields": fields})
        if done.trusted != self._trusted or self._failure:
            self._trusted, self._failure = done.trusted, ""
            self._on_change()
        return done

    async def publish(self, trusted: bytes) -> None:
        """Patch the webhook configurations that exist; one that was deleted is left deleted."""
        for kind, path in CONFIGURATION_KINDS.items():
            raw = self._facts.configurations[kind].items.get(CONFIGURATION_NAME)
            operations = [] if raw is None else patch(raw, trusted)
            if operations:
                body = msgspec.json.encode(operations)
                target = f"{path}/{CONFIGURATION_NAME}"
                await self._client.request("PATCH", target, body=body, content_type=JSON_PATCH)
                logger.info("CA published", extra={"fields": {"kind": kind, "entries": len(operations) // 2}})

    def enforcing(self) -> Verdict | None:
        """Say whether the API server asks us about pods and trusts our certificate; None while that is not known."""
        if not self._facts.knows_configurations():
            return None
        if not self._trusted:
            if not self._failure:
                return None
            return Verdict(holds=False, reason="CertificateUnavailable", message=self._failure)
        found = {kind: self._facts.configurations[kind].items.get(CONFIGURATION_NAME) for kind in CONFIGURATION_KINDS}
        return judge_enforcing(found, trusted=self._trusted)


def judge_enforcing(configurations: dict[str, bytes | None], *, trusted: bytes) -> Verdict:
    """Judge the webhook configurations as they stand.

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
            return Verdict(holds=False, reason="WebhookConfigurationMissing", message=message)
        missing = set(REQUIRED_ENTRIES[kind]) - {entry.name for entry in entries(raw)}
        if missing:
            message = f'{kind} "{CONFIGURATION_NAME}" lacks {", ".join(sorted(missing))}: helm upgrade restores it'
            return Verdict(holds=False, reason="WebhookEntryMissing", message=message)
        if patch(raw, trusted):
            message = f'{kind} "{CONFIGURATION_NAME}" does not trust the current certificate yet'
            return Verdict(holds=False, reason="CABundlePending", message=message)
    return Verdict(
        holds=True, reason="WebhooksRegistered", message="the webhooks are registered and trust the current certificate"
    )
