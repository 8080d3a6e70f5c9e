"""Ask whether the webhook answers; hand over to Kubernetes' own engines when it does not, and back when it does."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from tiergate.cluster.api import JSON_PATCH
from tiergate.cluster.errors import ApiError, BodyTooLarge, Unreachable, in_words
from tiergate.cluster.registration import (
    CONFIGURATION_KINDS,
    CONFIGURATION_NAME,
    FIELD_MANAGER,
    IGNORE,
    PODS_VALIDATE,
    Registration,
    disown,
    exclude,
    hand_back,
    hand_over,
    mark,
    read_registration,
)
from tiergate.controller.coverage import uncovered, uncovered_live
from tiergate.controller.enforcement import assess, unasked, uncovered_of, waiting_for
from tiergate.controller.half_handover import HalfHandover
from tiergate.controller.queue import CONFLICTS
from tiergate.core.handover import WRITING, HandoverTiming, Seen, Step, next_step
from tiergate.core.text import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from tiergate.cluster.api import Api
    from tiergate.cluster.registration import Operations
    from tiergate.cluster.state import ClusterState
    from tiergate.cluster.webhook_probe import ProbeResult
    from tiergate.controller.observations import Observations
    from tiergate.controller.tier_conditions import Assessment
    from tiergate.wire.namespace import Namespace

PERIOD: Final = 1.0
"""Seconds between two probes."""
PREPARING_PERIOD: Final = 0.25
"""Seconds between two looks while LimitRanges are being written."""
SILENT_AFTER: Final = 5.0
"""Seconds without an answer after which the conditions say so."""
NO_PROGRESS_AFTER: Final = 2.0
"""Seconds without progress after which the namespaces that are still not covered are excluded from a handover."""
INCLUDE_PERIOD: Final = 10.0
"""Seconds between two inclusions of excluded namespaces: one that comes and goes costs few writes."""
MOST_EXCLUDED: Final = 500
"""Namespaces that may be excluded: one tenant has no more, and a webhook configuration can name no more."""
UNLOGGED: Final = frozenset[Step]({"enforce", "keep"})

logger = logging.getLogger(__name__)


class WebhookProbe(Protocol):
    """Asks the webhook."""

    async def ask(self, client_config: Mapping[str, object]) -> ProbeResult:
        """Ask once."""


class Handover:
    """One loop of the leader. A step is decided from what the cluster shows, so a new leader goes on."""

    def __init__(
        self,
        api: Api,
        state: ClusterState,
        observations: Observations,
        probe: WebhookProbe,
        *,
        timing: HandoverTiming,
        base: Callable[[], Assessment | None],
        look_at_namespaces: Callable[[], None],
        on_change: Callable[[], None],
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what a step needs.

        Args:
            api: Patches webhook configurations.
            state: The cluster as the caches have it.
            observations: Told what becomes of the LimitRanges of a handover.
            probe: Asks the webhook.
            timing: When to hand over and back.
            base: Whether the webhooks are registered and trusted.
            look_at_namespaces: Has all namespaces reconciled.
            on_change: Told when the answer of `enforcing` changed.
            now: Time of day.
            clock: Monotonic seconds.
        """
        self._api, self._state, self._observations, self._probe = api, state, observations, probe
        self._timing, self._base, self._now, self._clock = timing, base, now, clock
        self._look_at_namespaces, self._on_change = look_at_namespaces, on_change
        self._silent_since: float | None = None
        self._answering_since: float | None = None
        self._latest: ProbeResult | None = None
        self._detail = ""
        self._was_silent: bool | None = None
        self._uncovered: Mapping[str, str] = {}
        self._fewest: tuple[int, float] | None = None
        self._include_at = 0.0
        self._half = HalfHandover(clock)
        self._said: tuple[Assessment | None, Mapping[str, str]] = None, {}
        self._failures, self._failure = 0, ""
        self.preparing = False
        """LimitRanges are being written, and requests are refused until they are all there."""
        self._read: dict[str, tuple[bytes, Registration]] = {}

    async def run(self) -> None:
        """Take steps for ever."""
        while True:
            await self._state.configurations_known()
            await self._state.objects_known()
            try:
                pause = await self.step()
                self._tell()
            except Exception as error:  # noqa: BLE001 - whatever an object holds, the loop goes on and the status says why
                self._failed(error)
                pause = PERIOD
            await asyncio.sleep(pause)

    def _tell(self) -> None:
        self._failures, self._failure = 0, ""
        if (said := (self.enforcing(), self._uncovered)) != self._said:
            self._said = said
            self._on_change()

    def _failed(self, error: Exception) -> None:
        expected = isinstance(error, (ApiError, Unreachable, BodyTooLarge, ValueError, msgspec.MsgspecError))
        text = in_words(error)
        logger.warning(
            "handover: will try again", extra={"fields": {"error": text}}, exc_info=None if expected else error
        )
        self._failures += 1
        if self._failures == 1 and isinstance(error, ApiError) and error.status in CONFLICTS:
            return  # our caches were behind
        failure = shortened(text)
        if self._failure != failure:
            self._failure = failure
            self._on_change()

    def enforcing(self, members: Iterable[Namespace] = ()) -> Assessment | None:
        """Say to a tier of these namespaces whether the webhook enforces tiers; None while that is not known."""
        silent = self._is_silent()
        return assess(
            self._base(),
            self._registrations(),
            silent=silent,
            detail=self._detail,
            uncovered=uncovered_of(self._uncovered, [one.name for one in members]),
            failure=self._failure,
        )

    def unasked(self, members: Iterable[Namespace]) -> list[str]:
        """Return the names of those about which the API server asks no webhook, whatever the tier says."""
        return unasked(self._registrations(), members)

    async def step(self) -> float:
        """Ask, decide, do one thing; return the seconds until the next step.

        Raises:
            ApiError, Unreachable: A write failed, or did not apply to what is stored now.
            msgspec.MsgspecError, BodyTooLarge: What was answered is no such object.
        """
        registrations = self._registrations()
        await self._ask(registrations)
        self._half.look(registrations)
        step = next_step(self._seen(registrations), self._timing)
        if step == "set-fail" and self._half.is_new:
            step = "keep"  # both are handed back together
        self.preparing = step == "prepare"
        if step in WRITING:
            self._set_limit_ranges(written=True)
        if step not in UNLOGGED:
            everywhere = waiting_for(uncovered_of(self._uncovered, self._uncovered))
            logger.info("handover", extra={"fields": {"step": step, "uncovered": everywhere}})
        await self._do(step, registrations)
        return PREPARING_PERIOD if step == "prepare" else PERIOD

    async def _do(self, step: Step, registrations: list[Registration]) -> None:
        if step == "enforce":
            await self._enforce(registrations)
        elif step == "set-ignore":
            await self._set_ignore(registrations)
        elif step == "set-fail":
            await self._set_fail(registrations)
        elif step == "keep":
            await self._keep(registrations)

    async def _enforce(self, registrations: list[Registration]) -> None:
        """Give up what a handover left behind, once the API server itself says that nothing is handed over."""
        self._uncovered, self._fewest = {}, None
        if self._observations.handover != "removed":
            for kind in CONFIGURATION_KINDS:
                if await self._is_handed_over_live(kind):
                    return  # the caches are behind
            self._set_limit_ranges(written=False)
        for one in registrations:
            await self._patch(one, exclude(one, ()) or disown(one))

    async def _set_ignore(self, registrations: list[Registration]) -> None:
        """Hand over once it was read back that everything is there: the caches may be behind."""
        missing = await uncovered_live(self._api, self._state)
        if not self._may_exclude(missing):
            return
        since = f"{self._now():%Y-%m-%dT%H:%M:%SZ}"
        self._include_at = self._clock() + INCLUDE_PERIOD
        for one in registrations:
            await self._patch(one, hand_over(one, since=since, excluded=tuple(missing)))

    async def _keep(self, registrations: list[Registration]) -> None:
        """Exclude at once what is not covered any more; include from time to time what is covered again."""
        missing = uncovered(self._state, self._observations)
        excluded = {name for one in registrations for name in one.excluded()}
        wanted = excluded | missing.keys()
        if len(wanted) > MOST_EXCLUDED:  # Ignore must not stand for namespaces that nothing holds
            self._uncovered = missing
            await self._set_fail(registrations)
            return
        if wanted == excluded and excluded - missing.keys() and self._clock() >= self._include_at:
            self._include_at = self._clock() + INCLUDE_PERIOD
            missing = await uncovered_live(self._api, self._state)
            wanted = excluded & missing.keys()
        self._uncovered = missing
        for one in registrations:
            changed = exclude(one, sorted(wanted)) if one.handed_over_since else []
            await self._patch(one, changed or disown(one))
        if not self._half.is_new:
            await self._mark_again()

    async def _set_fail(self, registrations: list[Registration]) -> None:
        if await self._mark_again():
            return  # what is not marked would never be handed back
        for one in registrations:
            await self._patch(one, hand_back(one))

    async def _mark_again(self) -> bool:
        """Mark what lost its mark; say whether anything did."""
        for one in self._half.unmarked:
            await self._patch(one, mark(one, since=self._half.since))
        return bool(self._half.unmarked)

    async def _is_handed_over_live(self, kind: str) -> bool:
        raw = await self._api.get(CONFIGURATION_KINDS[kind], CONFIGURATION_NAME)
        return raw is not None and read_registration(kind, raw).handed_over_since != ""

    def _may_exclude(self, missing: Mapping[str, str]) -> bool:
        """Say whether these namespaces, or none, may be excluded: they are few, and have not become fewer for a while.

        A namespace that comes and goes can make the others wait no longer than that.
        """
        self._uncovered = missing
        if self._fewest is None or len(missing) < self._fewest[0]:
            self._fewest = len(missing), self._clock()
        stuck = self._clock() - self._fewest[1] >= NO_PROGRESS_AFTER
        return not missing or (stuck and len(missing) <= MOST_EXCLUDED)

    def _set_limit_ranges(self, *, written: bool) -> None:
        wanted: Final = "written" if written else "removed"
        if self._observations.handover != wanted:
            self._observations.handover = wanted
            self._look_at_namespaces()

    async def _ask(self, registrations: list[Registration]) -> None:
        entries = (entry for one in registrations for entry in one.entries if entry.get("name") == PODS_VALIDATE)
        config = next((entry.get("clientConfig") or {} for entry in entries), {})
        asked, self._was_silent = self._clock(), self._is_silent()
        self._latest = await self._probe.ask(config)
        if self._latest.answered:
            self._silent_since = None
            self._answering_since = asked if self._answering_since is None else self._answering_since
        else:
            self._detail = self._latest.detail
            self._answering_since = None
            self._silent_since = asked if self._silent_since is None else self._silent_since

    def _is_silent(self) -> bool | None:
        """Say whether no replica answers; None while it is not known: one probe that fails says nothing yet."""
        if self._latest is None:
            return None
        if self._latest.answered:
            return False
        return True if self._silent_for() >= SILENT_AFTER else self._was_silent

    def _silent_for(self) -> float:
        """Return the seconds since our first probe without an answer: nobody saw what was before."""
        return 0.0 if self._silent_since is None else self._clock() - self._silent_since

    def _seen(self, registrations: list[Registration]) -> Seen:
        live = [policy for one in registrations for policy, _ in one.policies().values()]
        marked = any(one.handed_over_since for one in registrations)
        since = self._answering_since
        silent_for, unreachable = self._silent_for(), self._latest is not None and self._latest.unreachable
        # Counting all namespaces costs something: only where it decides.
        matters = marked or (unreachable and silent_for >= self._timing.after)
        covered = matters and bool(live) and self._is_covered()
        return Seen(
            marked=marked,
            opened=all(policy == IGNORE for policy in live),
            by_hand=not marked and IGNORE in live,
            covered=covered,
            # Without an entry there is nothing to hand over: deleting them is how break-glass works.
            unreachable=unreachable and bool(live),
            silent_for=silent_for,
            answering_for=0.0 if since is None else self._clock() - since,
        )

    def _is_covered(self) -> bool:
        if self._observations.handover != "written":
            return False  # what is not asked for yet is not missing yet
        return self._may_exclude(uncovered(self._state, self._observations))

    def _registrations(self) -> list[Registration]:
        """Return the configurations that exist, each taken apart once for each version."""
        for kind in CONFIGURATION_KINDS:
            raw, known = self._state.configuration(kind), self._read.get(kind)
            if raw is None:
                self._read.pop(kind, None)
            elif known is None or known[0] is not raw:
                self._read[kind] = raw, read_registration(kind, raw)
        return [registration for _, registration in self._read.values()]

    async def _patch(self, found: Registration, operations: Operations) -> None:
        """Send a patch; then give up the ownership of what it wrote, so that Helm may write it, too."""
        if not operations:
            return
        resource, kind = CONFIGURATION_KINDS[found.kind], found.kind
        body = msgspec.json.encode(operations)
        query = {"fieldManager": FIELD_MANAGER}
        stored = await self._api.patch(resource, CONFIGURATION_NAME, body, patch_type=JSON_PATCH, query=query)
        if owned := disown(read_registration(kind, stored)):
            body = msgspec.json.encode(owned)
            await self._api.patch(resource, CONFIGURATION_NAME, body, patch_type=JSON_PATCH, query=query)
