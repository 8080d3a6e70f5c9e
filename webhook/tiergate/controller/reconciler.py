"""One reconcile step for one namespace: its ResourceQuotas, and its LimitRange where the tier wants one."""

import time
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import msgspec

from tiergate.cluster.paths import NAMESPACES
from tiergate.cluster.sender import Sender
from tiergate.controller import limitranges, quotas
from tiergate.controller.events import Recorder
from tiergate.controller.facts import Facts
from tiergate.controller.queue import Budget
from tiergate.controller.writes import Write
from tiergate.core.desired import DesiredQuota, native_limits, native_quotas
from tiergate.core.tier import LimitRangeItem
from tiergate.wire.namespace import Namespace

UNKNOWN_TIER_PATIENCE: Final = 5.0
"""Seconds a label may name no tier before anybody is told: installers create namespaces before tiers."""
WRITE_BURST: Final = 20
WRITE_INTERVAL: Final = 1.0
"""Writes to one namespace: who fights us over an object costs the API server one write a second."""


class Desired(msgspec.Struct, frozen=True):
    """What a namespace should have."""

    tier: str = ""
    quotas: tuple[DesiredQuota, ...] = ()
    limits: tuple[LimitRangeItem, ...] = ()


class NamespaceReconciler:
    """Makes one namespace's objects what they should be, one idempotent step at a time."""

    def __init__(
        self,
        client: Sender,
        facts: Facts,
        recorder: Recorder,
        *,
        again: Callable[[str, float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what a step needs.

        Args:
            client: Sends the writes.
            facts: What the decision rests on.
            recorder: Tells people of labels that name no tier.
            again: Has a namespace looked at again after some seconds.
            clock: Monotonic seconds.
        """
        self._client = client
        self._facts = facts
        self._recorder = recorder
        self._again = again
        self._clock = clock
        self._budget = Budget(burst=WRITE_BURST, interval=WRITE_INTERVAL)
        self._unknown: dict[str, _UnknownTier] = {}

    async def reconcile(self, name: str) -> None:
        """Bring one namespace closer to what it should have; a steady state costs nothing.

        Raises:
            ApiError, Unreachable: A write failed; the namespace is to be looked at again.
        """
        if not self._facts.knows_objects() or self._facts.is_excluded(name):
            return
        namespace = self._facts.namespaces.items.get(name)
        if namespace is None or namespace.deleting:
            self._forget(name)
            return
        desired = await self._desired(namespace)
        if desired is None:
            return
        for write in self._writes(name, desired):
            if (delay := self._budget.wait(name, now=self._clock())) > 0:
                self._again(name, delay)
                return
            self._budget.spend(name, now=self._clock())
            path = f"{NAMESPACES}/{quote(name, safe='')}/{write.path}"
            await self._client.request(write.method, path, body=write.body)

    def _writes(self, namespace: str, desired: Desired) -> list[Write]:
        """Return the writes that are due; each carries the resourceVersion that it was decided on."""
        tier = desired.tier
        of_quotas = quotas.compare(desired.quotas, self._facts.quotas_in(namespace), tier=tier).actions
        of_limits = limitranges.compare(desired.limits, self._facts.limit_ranges_in(namespace), tier=tier).actions
        return [action.write(namespace=namespace, tier=tier) for action in (*of_quotas, *of_limits)]

    def _forget(self, name: str) -> None:
        self._budget.forget(name)
        self._unknown.pop(name, None)

    async def _desired(self, namespace: Namespace) -> Desired | None:
        """Return what the namespace should have; None where that is unknown and nothing may be changed."""
        if namespace.tier is None:
            self._unknown.pop(namespace.name, None)
            return Desired()
        if (tier := self._facts.good.get(namespace.tier)) is not None:
            self._unknown.pop(namespace.name, None)
            return Desired(tier.name, native_quotas(tier), native_limits(tier))
        if namespace.tier not in self._facts.known_tiers():
            await self._tell_unknown(namespace.name, namespace.tier)
        return None

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
        await self._recorder.namespace_without_tier(namespace, tier)
        seen.told = True


class _UnknownTier(msgspec.Struct):
    """A label that names no tier: since when, and whether people were told."""

    tier: str
    since: float
    told: bool = False
