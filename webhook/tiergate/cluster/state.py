"""What a process knows of the cluster, from one list and watch for each resource; `serve` and `controller` share it.

Each object is decoded once for each event. Reading the state is free and may be late.
"""

from __future__ import annotations

import functools
import logging
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tiergate.cluster.namespaced_cache import limit_ranges, resource_quotas
from tiergate.cluster.registration import CONFIGURATION_KINDS, CONFIGURATION_NAME
from tiergate.cluster.resource import NAMESPACES, TIERS
from tiergate.cluster.tier_record import TierInForce, read_record, reason_of
from tiergate.cluster.watch import Cache
from tiergate.core.tier import is_protected
from tiergate.wire.namespace import read_namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from tiergate.cluster.resource import Resource
    from tiergate.cluster.tier_record import TierRecord
    from tiergate.cluster.watch import Source
    from tiergate.core.decision import Fault
    from tiergate.core.native import LimitRange
    from tiergate.core.quota import QuotaStatus
    from tiergate.core.tier import Tier
    from tiergate.wire.namespace import Namespace

SYNC_PATIENCE: Final = 1.0

logger = logging.getLogger(__name__)


class Listeners(msgspec.Struct, frozen=True):
    """Whom to tell of changes; none of them may wait."""

    namespace: Callable[[str], None]
    """The quotas or the LimitRange of this namespace may have to change."""
    tier: Callable[[str], None]
    """The status of this tier may have to change."""
    status: Callable[[str], None]
    """Nothing but the status of this tier was written."""
    configuration: Callable[[], None]
    """A webhook configuration changed."""


def _ignore(_name: str) -> None:
    """Tell nobody."""


NOBODY: Final = Listeners(namespace=_ignore, tier=_ignore, status=_ignore, configuration=lambda: None)


class ClusterState:
    """Watch caches, kept current by running `caches`, and what follows from them.

    The last valid version of every Tier that exists stays in force: an invalid edit changes nothing. A process that
    started since takes the one that the Tier's status keeps (ADR 19).
    """

    def __init__(
        self,
        source: Source,
        *,
        release_namespace: str,
        listeners: Listeners = NOBODY,
        controls: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Describe the state; nothing is read yet.

        Args:
            source: Where to list and watch.
            release_namespace: Our own namespace, which can never be governed.
            listeners: Whom to tell of changes.
            controls: Also follow our webhook configurations, and let LimitRanges decide whether the state is known.
            clock: Monotonic seconds.
        """
        self._release_namespace = release_namespace
        self._listeners = listeners
        self._members: defaultdict[str, set[str]] = defaultdict(set)
        self._in_force: dict[str, TierInForce] = {}
        follow = functools.partial(Cache, source, clock=clock)
        self._tiers: Cache[TierRecord] = follow(TIERS, decode=read_record, on_change=self._tier_changed)
        self._namespaces: Cache[Namespace] = follow(
            NAMESPACES, decode=self.read_namespace, on_change=self._namespace_changed
        )
        self._quotas = resource_quotas(source, on_change=self._object_changed, clock=clock)
        self._limit_ranges = limit_ranges(source, on_change=self._object_changed, clock=clock)
        self._objects: dict[str, Cache[Any]] = {
            "tiers": self._tiers,
            "namespaces": self._namespaces,
            "resourcequotas": self._quotas,
        }
        self._configurations: dict[str, Cache[bytes]] = {}
        if controls:
            self._follow_for_the_controller(source, clock)

    def _follow_for_the_controller(self, source: Source, clock: Callable[[], float]) -> None:
        # LimitRanges always, though few tiers ask for one: what is left of a tier that asked once has to go.
        self._objects["limitranges"] = self._limit_ranges
        query = {"fieldSelector": f"metadata.name={CONFIGURATION_NAME}"}
        for kind, resource in CONFIGURATION_KINDS.items():
            self._configurations[kind] = Cache(
                source, resource, decode=bytes, on_change=self._configuration_changed, query=query, clock=clock
            )

    def caches(self) -> Mapping[str, Cache[Any]]:
        """Return all caches by the plural of their resource; each ``run`` keeps one current."""
        configurations = {CONFIGURATION_KINDS[kind].plural: cache for kind, cache in self._configurations.items()}
        return {**self._objects, **configurations}

    def unsynced(self) -> list[str]:
        """Return the caches that have not been listed yet."""
        return [name for name, cache in self.caches().items() if not cache.synced]

    def knows_objects(self) -> bool:
        """Say whether all was listed that objects in namespaces are decided on: before that nothing may be written."""
        return all(cache.synced for cache in self._objects.values())

    def knows_configurations(self) -> bool:
        """Say whether the webhook configurations were listed."""
        return all(cache.synced for cache in self._configurations.values())

    async def objects_known(self) -> None:
        """Wait for `knows_objects`."""
        await _synced(self._objects.values())

    async def configurations_known(self) -> None:
        """Wait for `knows_configurations`."""
        await _synced(self._configurations.values())

    async def quotas_changed(self, timeout: float) -> None:  # noqa: ASYNC109  # the bound is the point
        """Wait for a change of any ResourceQuota, or so many seconds."""
        await self._quotas.changed(timeout)

    def configuration(self, kind: str) -> bytes | None:
        """Return our webhook configuration of a kind as JSON, None where there is none."""
        return self._configurations[kind].items.get(CONFIGURATION_NAME)

    def tier(self, name: str) -> Tier | None:
        """Return the tier in force: the last valid version."""
        found = self._in_force.get(name)
        return None if found is None else found.tier

    def in_force(self, name: str) -> TierInForce | None:
        """Return the same with its generation."""
        return self._in_force.get(name)

    def tiers_in_force(self) -> list[Tier]:
        """Return all tiers in force."""
        return [one.tier for one in self._in_force.values()]

    def tier_record(self, name: str) -> TierRecord | None:
        """Return a Tier as it stands, in force or not."""
        return self._tiers.items.get(name)

    def tier_records(self) -> Mapping[str, TierRecord]:
        """Return all Tiers as they stand, by name."""
        return self._tiers.items

    def has_tier(self, name: str) -> bool:
        """Say whether there is a Tier of the name, valid or not."""
        return name in self._tiers.items or name in self._tiers.faults

    def faults(self) -> Mapping[str, int]:
        """Return how many objects of each cache cannot be used as they stand."""
        counts = {name: len(cache.faults) for name, cache in self.caches().items()}
        counts["tiers"] += sum(1 for record in self._tiers.items.values() if record.faults)
        return counts

    def fault(self, resource: Resource, namespace: str, name: str) -> Fault | None:
        """Return why an object cannot be used as it stands, None where it can."""
        return self._objects[resource.plural].faults.get(f"{namespace}/{name}")

    def namespace(self, name: str) -> Namespace | None:
        """Return a namespace."""
        return self._namespaces.items.get(name)

    def namespaces(self) -> Collection[str]:
        """Return the names of all namespaces."""
        return self._namespaces.items.keys()

    def namespaces_of(self, tier: str) -> tuple[str, ...]:
        """Return the names of the namespaces that the tier governs, sorted."""
        return tuple(sorted(self._members.get(tier, ())))

    def quotas(self, namespace: str) -> tuple[QuotaStatus, ...]:
        """Return all ResourceQuotas of a namespace, ours or not, by name: the same tuple until one of them changes."""
        return self._quotas.of(namespace)

    def limit_ranges(self, namespace: str) -> tuple[LimitRange, ...]:
        """Return all LimitRanges of a namespace likewise."""
        return self._limit_ranges.of(namespace)

    def read_namespace(self, raw: bytes) -> Namespace:
        """Read a namespace; one that may never be governed has no tier here, whatever its label says."""
        namespace = read_namespace(raw)
        if is_protected(namespace.name, release_namespace=self._release_namespace):
            return msgspec.structs.replace(namespace, tier=None)
        return namespace

    def _tier_changed(self, name: str, earlier: TierRecord | None, record: TierRecord | None) -> None:
        before = self._in_force.get(name)
        if earlier is not None and record is not None and earlier.uid != record.uid:
            self._in_force.pop(name, None)  # another Tier of the same name
        if record is not None:
            _log_faults(record, earlier)
        if record is None:
            self._in_force.pop(name, None)
        elif (valid := record.valid) is not None and (not record.faults or name not in self._in_force):
            # An equal tier stays the same object, so that what was derived from it is found at once.
            tier = before.tier if before is not None and before.tier == valid.tier else valid.tier
            self._in_force[name] = TierInForce(tier, valid.written)
        if self.tier(name) != (None if before is None else before.tier) or (earlier is None) != (record is None):
            for namespace in self.namespaces_of(name):
                self._listeners.namespace(namespace)
        if record is not None and earlier is not None and _differ_in_status_only(record, earlier):
            self._listeners.status(name)
        else:
            self._listeners.tier(name)

    def _namespace_changed(self, name: str, before: Namespace | None, namespace: Namespace | None) -> None:
        if _of_interest(before) == _of_interest(namespace):
            return
        if before is not None and before.tier is not None:
            self._members[before.tier].discard(name)
            if not self._members[before.tier]:
                del self._members[before.tier]
        if namespace is not None and namespace.tier is not None:
            self._members[namespace.tier].add(name)
        self._listeners.namespace(name)
        for tier in {one.tier for one in (before, namespace) if one is not None and one.tier is not None}:
            self._listeners.tier(tier)

    def _object_changed(self, namespace: str) -> None:
        self._listeners.namespace(namespace)
        found = self._namespaces.items.get(namespace)
        if found is not None and found.tier is not None:
            self._listeners.tier(found.tier)

    def _configuration_changed(self, _name: str, _before: bytes | None, _now: bytes | None) -> None:
        self._listeners.configuration()
        for name in self._tiers.items:
            self._listeners.tier(name)


async def _synced(caches: Iterable[Cache[Any]]) -> None:
    for cache in caches:
        while not cache.synced:
            await cache.changed(SYNC_PATIENCE)


def _of_interest(namespace: Namespace | None) -> tuple[object, ...] | None:
    """Return what of a namespace matters to anybody: a change of anything else is not passed on."""
    return None if namespace is None else (namespace.tier, namespace.deleting, namespace.platform)


def _differ_in_status_only(record: TierRecord, earlier: TierRecord) -> bool:
    return (record.uid, record.generation, record.tier, record.faults) == (
        earlier.uid,
        earlier.generation,
        earlier.tier,
        earlier.faults,
    )


def _log_faults(record: TierRecord, earlier: TierRecord | None) -> None:
    """Log a tier that cannot be in force, once for each set of faults."""
    if record.faults and (earlier is None or earlier.faults != record.faults):
        fault = f"{record.faults[0].pointer}: {reason_of(record.faults)}"
        fields = {"path": TIERS.collection(), "key": record.name, "fault": fault}
        logger.warning("object cannot be used", extra={"fields": fields})
