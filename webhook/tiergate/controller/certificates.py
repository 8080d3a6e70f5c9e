"""Certificates of the webhook: issued, stored, published to the API server, and repaired when they are changed."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tiergate.cluster.api import JSON_PATCH, Api
from tiergate.cluster.client import ApiError, Unreachable, off_by
from tiergate.cluster.errors import in_words
from tiergate.cluster.meta import read_meta
from tiergate.cluster.registration import CONFIGURATION_KINDS, CONFIGURATION_NAME, missing_entries, unchanged
from tiergate.cluster.state import ClusterState
from tiergate.controller.queue import CONFLICTS
from tiergate.controller.tier_conditions import Assessment
from tiergate_certs.bundle import from_secrets, leaf_problems, read_certificates
from tiergate_certs.cabundle import entries, patch, trusted_by
from tiergate_certs.overlap import Overlap
from tiergate_certs.plan import CLOCK_SKEW, Keep, Policy, Wait
from tiergate_certs.rotate import Published, rotate
from tiergate_certs.store import NotStored, Outdated, SecretStore

PERIOD: Final = 10.0
"""Seconds between two looks at the Secrets at most: they are not watched."""
SHORTEST_PAUSE: Final = 0.5
"""Seconds between two steps at least: who fights us over a caBundle does not make us spin."""
LONGEST_PAUSE: Final = 30.0
PATIENCE: Final = 30.0
"""Seconds for which a refusal of the API server may last before a status tells of it."""
MOST_NAMED: Final = 20
"""Entries that a message names at most; we have fewer."""

logger = logging.getLogger(__name__)


class ExternalSecretUnusable(RuntimeError):
    """The Secret of another owner does not exist, names no CA or cannot serve; the message says which."""


class ClockSkew(RuntimeError):
    """Our clock and the API server's differ too much to judge what is valid."""


class CertificateKeeper:
    """Runs the rotation step, and is its publisher; or publishes the CA of a Secret of another owner."""

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
        clock: Callable[[], float] = time.monotonic,
        clock_offset: Callable[[], timedelta | None] = lambda: None,
        ca_injected: bool = False,
    ) -> None:
        """Take what the loop needs.

        Args:
            api: Patches webhook configurations.
            store: Holds both Secrets.
            state: The webhook configurations as they stand.
            names: DNS names of the webhook's Service, first the one that the API server calls.
            policy: Lifetimes.
            now: Time of day, aware.
            on_change: Told when the answer of `enforcing` may have changed.
            external_secret: Name of the Secret with the certificate if another owner keeps it: read, never written.
            clock: Monotonic seconds.
            clock_offset: By how much our time of day is ahead of the API server's; None while that is not known.
            ca_injected: Whether cainjector writes the caBundle: then nothing is published here, only judged.
        """
        self._api = api
        self._store = store
        self._state = state
        self._names = names
        self._policy = policy
        self._now = now
        self._on_change = on_change
        self._external_secret = external_secret
        self._clock = clock
        self._clock_offset = clock_offset
        self._ca_injected = ca_injected
        self._look = asyncio.Event()
        self._overlap: Overlap | None = None
        self._wanted = b""
        self._wanted_since = 0.0
        self._trusted = b""
        self._failure: Assessment | None = None
        self._failing_since: float | None = None

    def look(self) -> None:
        """Have the next step taken soon: a webhook configuration changed."""
        self._look.set()

    async def run(self) -> None:
        """Take steps for ever: at once, when told to look, when something is due, and periodically."""
        pause = SHORTEST_PAUSE
        while True:
            await self._state.configurations_known()
            self._look.clear()
            try:
                wait = await self.step()
                pause = SHORTEST_PAUSE
            except Exception as error:  # noqa: BLE001 - whatever a Secret holds, the loop goes on and the status says why
                self._failed(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            await asyncio.sleep(SHORTEST_PAUSE)
            await self._wait(wait)

    def _failed(self, error: Exception) -> None:
        """Log the error, and tell of it in the status unless it is one that passes by itself."""
        expected = isinstance(error, Outdated | ApiError | Unreachable | NotStored | ExternalSecretUnusable | ClockSkew)
        fields = {"fields": {"error": in_words(error)}}
        logger.warning("certificates: will try again", extra=fields, exc_info=None if expected else error)
        if isinstance(error, Outdated | Unreachable) or (isinstance(error, ApiError) and error.status in CONFLICTS):
            return
        now = self._clock()
        self._failing_since = now if self._failing_since is None else self._failing_since
        if isinstance(error, ApiError) and self._trusted and now - self._failing_since < PATIENCE:
            return
        message = str(error) if expected else f"unexpected: {in_words(error)}; the controller's log says more"
        if isinstance(error, ClockSkew):
            self._tell(Assessment(holds=False, reason="ClockSkew", message=message))
        else:
            self._tell(Assessment(holds=False, reason="CertificateUnavailable", message=message))

    def _tell(self, failure: Assessment | None) -> None:
        if failure != self._failure:
            self._failure = failure
            self._on_change()

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._look.wait()
        except TimeoutError:  # nobody called: time for the periodic look
            return

    async def step(self) -> float:
        """Take one step: idempotent, and without a write when everything is right.

        Returns:
            The seconds until the next step, if nobody calls earlier.

        Raises:
            Outdated, NotStored, ApiError, Unreachable, ExternalSecretUnusable, ClockSkew: To be taken again.
        """
        self._check_clock()
        trusted, until = await (self._publish_external() if self._external_secret else self._rotate())
        changed, self._trusted, self._failing_since = trusted != self._trusted, trusted, None
        self._tell(None)
        if changed:
            self._on_change()
        return PERIOD if until is None else min(PERIOD, max(0.0, (until - self._now()).total_seconds()))

    def _check_clock(self) -> None:
        """Raise ClockSkew where nothing may be decided by our clock."""
        offset = self._clock_offset()
        if offset is not None and abs(offset) > CLOCK_SKEW:
            raise ClockSkew(
                f"the controller's clock is {off_by(offset)}: "
                "no certificate is issued or published until they agree to 300 s"
            )

    async def _rotate(self) -> tuple[bytes, datetime]:
        """Issue what is due, publish; return the CA certificates and when something is due again."""
        done = await rotate(self._store, self, now=self._now(), policy=self._policy, names=self._names)
        if isinstance(done.plan, Keep | Wait):
            return done.trusted, done.plan.until
        fields = {"plan": type(done.plan).__name__, "reason": done.plan.reason}
        logger.info("certificates issued", extra={"fields": fields})
        return done.trusted, self._now()

    async def _publish_external(self) -> tuple[bytes, None]:
        """Publish and return the CA certificates of the Secret of another owner."""
        name = f'Secret "{self._external_secret}"'
        kept = await self._store.read(self._external_secret)
        if kept is None:
            raise ExternalSecretUnusable(f"{name} with the certificate does not exist")
        bundle = from_secrets(authority=None, serving=kept.data)
        if bundle is None or not bundle.trusted:
            raise ExternalSecretUnusable(f"{name} has no ca.crt: without it the CA to trust is not known")
        if not read_certificates(bundle.trusted):
            raise ExternalSecretUnusable(f"{name}: its ca.crt cannot be read as certificates in PEM")
        trusted = bundle.trusted
        if not self._ca_injected:
            trusted = (await self.publish(trusted, alone=False)).trusted
        if bad := leaf_problems(bundle.leaf, trusted=trusted, names=self._names[:1], at=self._now()):
            raise ExternalSecretUnusable(f"{name}: {'; '.join(problem.text for problem in bad)}")
        return trusted, None

    async def publish(self, wanted: bytes, *, alone: bool) -> Published:
        """Patch the webhook configurations that exist; one that was deleted is left deleted.

        What is found there at first was published before us, perhaps by another mode: a replica may still serve a leaf
        of it. What appears there later is not ours, and goes.
        """
        now = self._now()
        if self._overlap is None:
            self._overlap = Overlap(self._policy.overlap)
            for raw in self._configurations().values():
                for found in trusted_by(raw):
                    self._overlap.remember(found, now=now)
        trusted = self._overlap.join(wanted, alone=alone, now=now)
        if await self._patch(trusted) or wanted != self._wanted:
            self._wanted, self._wanted_since = wanted, self._clock()
        return Published(trusted, timedelta(seconds=self._clock() - self._wanted_since))

    async def _patch(self, trusted: bytes) -> bool:
        """Return whether anything had to be written."""
        written = False
        for kind, raw in self._configurations().items():
            if operations := patch(raw, trusted):
                body = msgspec.json.encode([unchanged(read_meta(raw).resource_version), *operations])
                await self._api.patch(CONFIGURATION_KINDS[kind], CONFIGURATION_NAME, body, patch_type=JSON_PATCH)
                logger.info("CA published", extra={"fields": {"kind": kind, "entries": len(operations) // 2}})
                written = True
        return written

    def _configurations(self) -> dict[str, bytes]:
        """Return the webhook configurations that exist, by kind."""
        found = {kind: self._state.configuration(kind) for kind in CONFIGURATION_KINDS}
        return {kind: raw for kind, raw in found.items() if raw is not None}

    def enforcing(self) -> Assessment | None:
        """Say whether the API server asks us about pods and trusts our certificate; None while that is not known."""
        if not self._state.knows_configurations():
            return None
        if self._failure is not None or not self._trusted:
            return self._failure
        found = {kind: self._state.configuration(kind) for kind in CONFIGURATION_KINDS}
        return assess_webhooks(found, trusted=self._trusted)


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
        if names := [one["value"] for one in patch(raw, trusted) if one["op"] == "test"]:
            told = ", ".join(names[:MOST_NAMED])
            message = f'{kind} "{CONFIGURATION_NAME}" does not trust the current certificate yet: caBundle of {told}'
            return Assessment(holds=False, reason="CABundlePending", message=message)
    return Assessment(
        holds=True, reason="WebhooksRegistered", message="the webhooks are registered and trust the current certificate"
    )
