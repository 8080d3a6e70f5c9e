"""Quotas of governed namespaces: what differs from what should be, and one reconcile step for one namespace.

Kubernetes' own quota controller and admission plugin do the counting; here only the objects are kept right.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias
from urllib.parse import quote

import msgspec

from tiergate.cluster.client import Client
from tiergate.cluster.paths import NAMESPACES
from tiergate.controller.events import Recorder
from tiergate.controller.facts import Facts
from tiergate.controller.queue import Budget
from tiergate.core.desired import DesiredQuota, native_quotas
from tiergate.core.quantity import MILLI_IN_NANO
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import ResourceList
from tiergate.core.tier import ScopeRequirement
from tiergate.wire.namespace import Namespace
from tiergate.wire.quota import write_quota

UNKNOWN_TIER_PATIENCE: Final = 5.0
"""Seconds a label may name no tier before anybody is told: installers create namespaces before tiers."""
WRITE_BURST: Final = 20
WRITE_INTERVAL: Final = 1.0
"""Writes to one namespace: who fights us over an object costs the API server one write a second."""


class Create(msgspec.Struct, frozen=True):
    """The quota does not exist."""

    desired: DesiredQuota


class Replace(msgspec.Struct, frozen=True):
    """The quota is ours and says something else."""

    desired: DesiredQuota
    resource_version: str


class Delete(msgspec.Struct, frozen=True):
    """The quota is ours and should not exist (any more, or with these immutable scopes)."""

    name: str
    resource_version: str


Action: TypeAlias = Create | Replace | Delete


class Comparison(msgspec.Struct, frozen=True):
    """What a namespace has against what it should have.

    Attributes:
        actions: The writes that bring it closer, in order. When some must wait for others to be in force, another
            comparison yields them later.
        waiting: Names of quotas that should be in force and are not, foreign ones left out.
        foreign: Names that we need and that somebody else's objects have.
        leftover: Names of quotas of ours that are not wanted (any more).
    """

    actions: tuple[Action, ...]
    waiting: tuple[str, ...]
    foreign: tuple[str, ...]
    leftover: tuple[str, ...] = ()


def compare(desired: Iterable[DesiredQuota], existing: Iterable[QuotaStatus]) -> Comparison:
    """Compare the quotas a namespace should have with those it has.

    Objects without our label are never touched. One of ours that is not wanted any more is removed only when all that
    are wanted are in force, so that a change of scopes leaves no moment without a bound.
    """
    wanted = {one.name: _as_stored(one) for one in desired}
    present = {one.name: one for one in existing}
    foreign = tuple(name for name in wanted if name in present and not present[name].managed)
    ours = {name: one for name, one in wanted.items() if name not in foreign}
    actions = [action for one in ours.values() if (action := _correct(one, present.get(one.name))) is not None]
    waiting = tuple(name for name, one in ours.items() if name not in present or not _in_force(one, present[name]))
    leftover = [one for one in present.values() if one.managed and one.name not in wanted]
    if not waiting and not foreign:
        actions += [Delete(one.name, one.resource_version) for one in leftover]
    names = tuple(one.name for one in leftover)
    return Comparison(actions=tuple(actions), waiting=waiting, foreign=foreign, leftover=names)


def _as_stored(desired: DesiredQuota) -> DesiredQuota:
    """Round as the API server does when it stores a ResourceList (D-1); else we would replace the object for ever."""
    hard = {name: quantity.rounded_up(MILLI_IN_NANO) for name, quantity in desired.hard.items()}
    return msgspec.structs.replace(desired, hard=hard)


def _correct(desired: DesiredQuota, existing: QuotaStatus | None) -> Action | None:
    if existing is None:
        return Create(desired)
    if _scopes(desired) != _scopes(existing):
        return Delete(existing.name, existing.resource_version)
    if not _equal(desired.hard, existing.spec_hard):
        return Replace(desired, existing.resource_version)
    return None


def _in_force(desired: DesiredQuota, existing: QuotaStatus) -> bool:
    """Say whether the quota controller has taken the bounds up: admission reads the status, never the spec."""
    return _equal(desired.hard, existing.hard) and _scopes(desired) == _scopes(existing)


def _equal(one: ResourceList, other: ResourceList) -> bool:
    return dict(one) == dict(other)


def _scopes(quota: DesiredQuota | QuotaStatus) -> tuple[frozenset[str], frozenset[ScopeRequirement]]:
    selector = (msgspec.structs.replace(one, values=tuple(sorted(one.values))) for one in quota.scope_selector)
    return frozenset(quota.scopes), frozenset(selector)


class QuotaReconciler:
    """Makes one namespace's quotas what they should be, one idempotent step at a time."""

    def __init__(
        self,
        client: Client,
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
        if not self._facts.knows_quotas() or self._facts.is_excluded(name):
            return
        namespace = self._facts.namespaces.items.get(name)
        if namespace is None or namespace.deleting:
            self._forget(name)
            return
        desired = await self._desired(namespace)
        if desired is None:
            return
        for action in compare(desired, self._facts.quotas_in(name)).actions:
            if (delay := self._budget.wait(name, now=self._clock())) > 0:
                self._again(name, delay)
                return
            self._budget.spend(name, now=self._clock())
            await self._apply(action, namespace)

    def _forget(self, name: str) -> None:
        self._budget.forget(name)
        self._unknown.pop(name, None)

    async def _desired(self, namespace: Namespace) -> tuple[DesiredQuota, ...] | None:
        """Return what the namespace should have; None where that is unknown and nothing may be changed."""
        if namespace.tier is None:
            self._unknown.pop(namespace.name, None)
            return ()
        if (tier := self._facts.good.get(namespace.tier)) is not None:
            self._unknown.pop(namespace.name, None)
            return native_quotas(tier)
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

    async def _apply(self, action: Action, namespace: Namespace) -> None:
        """Send one write; it carries the resourceVersion that it was decided on."""
        collection = f"{NAMESPACES}/{quote(namespace.name)}/resourcequotas"
        tier = namespace.tier or ""
        match action:
            case Create(desired):
                await self._client.request("POST", collection, body=_body(desired, namespace.name, tier, ""))
            case Replace(desired, version):
                body = _body(desired, namespace.name, tier, version)
                await self._client.request("PUT", f"{collection}/{quote(desired.name)}", body=body)
            case Delete(name, version):
                options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"resourceVersion": version}}
                body = msgspec.json.encode(options)
                await self._client.request("DELETE", f"{collection}/{quote(name)}", body=body)


class _UnknownTier(msgspec.Struct):
    """A label that names no tier: since when, and whether people were told."""

    tier: str
    since: float
    told: bool = False


def _body(desired: DesiredQuota, namespace: str, tier: str, resource_version: str) -> bytes:
    return write_quota(desired, namespace=namespace, tier=tier, resource_version=resource_version)
