"""One reconcile step for one namespace: its ResourceQuotas, and its LimitRange where the tier wants one."""

import time
from collections.abc import Callable
from typing import Final

import msgspec

from tiergate.cluster.api import Api
from tiergate.cluster.budget import Budget
from tiergate.cluster.state import ClusterState
from tiergate.controller.events import EventWriter
from tiergate.controller.observations import Observations
from tiergate.core.tier import Tier
from tiergate.wire.namespace import Namespace

UNKNOWN_TIER_PATIENCE: Final = 5.0
"""Seconds a label may name no tier before anybody is told: installers create namespaces before tiers."""
WRITE_BURST: Final = 20
WRITE_INTERVAL: Final = 1.0
"""Writes to one namespace: who fights us over an object costs the API server one write a second."""


class NamespaceReconciler:
    """Makes one namespace's objects what they should be, one idempotent step at a time."""

    def __init__(
        self,
        api: Api,
        state: ClusterState,
        observations: Observations,
        events: EventWriter,
        *,
        again: Callable[[str, float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what a step needs.

        Args:
            api: Sends the writes.
            state: What the decision rests on.
            observations: How far the namespaces are.
            events: Tells people of labels that name no tier.
            again: Has a namespace looked at again after some seconds.
            clock: Monotonic seconds.
        """
        self._api = api
        self._state = state
        self._observations = observations
        self._events = events
        self._again = again
        self._clock = clock
        self._budget = Budget(burst=WRITE_BURST, interval=WRITE_INTERVAL)
        self._unknown: dict[str, _UnknownTier] = {}

    def is_settled(self, name: str) -> bool:
        """Say whether a step would find nothing to do."""
        namespace = self._alive(name)
        if namespace is None:
            return True
        tier = self._state.tier(namespace.tier or "")
        if tier is None and namespace.tier is not None:
            return self._state.has_tier(namespace.tier)
        return not self._observations.of(name, tier).actions

    async def reconcile(self, name: str) -> None:
        """Bring one namespace closer to what it should have; a steady state costs nothing.

        Raises:
            ApiError, Unreachable: A write failed; the namespace is to be looked at again.
        """
        if not self._state.knows_objects():
            return
        namespace = self._alive(name)
        if namespace is None:
            self._forget(name)
            return
        tier = self._state.tier(namespace.tier or "")
        if tier is None and namespace.tier is not None:
            if not self._state.has_tier(namespace.tier):
                await self._tell_unknown(name, namespace.tier)
            return
        self._unknown.pop(name, None)
        await self._correct(name, tier)

    def _alive(self, name: str) -> Namespace | None:
        """Return a namespace whose objects we keep: a terminating one takes its objects with it."""
        namespace = self._state.namespace(name)
        if namespace is None or namespace.deleting:
            return None
        return namespace

    async def _correct(self, name: str, tier: Tier | None) -> None:
        for action in self._observations.of(name, tier).actions:
            if (delay := self._budget.wait(name, now=self._clock())) > 0:
                self._again(name, delay)
                return
            self._budget.spend(name, now=self._clock())
            await action.send(self._api, namespace=name, tier="" if tier is None else tier.name)

    def _forget(self, name: str) -> None:
        self._budget.forget(name)
        self._observations.forget(name)
        self._unknown.pop(name, None)

    async def _tell_unknown(self, namespace: str, tier: str) -> None:
        """Record an Event on the namespace once, when the label has named no tier for a while."""
        now = self._clock()
        seen = self._unknown.get(namespace)
        if seen is None or seen.tier != tier:
            seen = self._unknown[namespace] = _UnknownTier(tier, since=now)
        if seen.told:
            return
        if (left := seen.since + UNKNOWN_TIER_PATIENCE - now) > 0:
            self._again(namespace, left)
            return
        await self._events.namespace_without_tier(namespace, tier)
        seen.told = True


class _UnknownTier(msgspec.Struct):
    """A label that names no tier: since when, and whether people were told."""

    tier: str
    since: float
    told: bool = False
