"""What the controller knows of the cluster: watch caches, and the indexes its loops look things up in."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, TypeVar

import msgspec

from tiergate.cluster.client import Client
from tiergate.cluster.paths import LIMIT_RANGES, NAMESPACES, QUOTAS, TIERS
from tiergate.cluster.registration import CONFIGURATION_KINDS, CONFIGURATION_NAME
from tiergate.cluster.watch import Cache
from tiergate.controller.tier_status import TierStatus, read_status
from tiergate.core.decision import Fault
from tiergate.core.native import LimitRange
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import Tier, is_protected
from tiergate.wire.limitrange import read_limit_range
from tiergate.wire.namespace import Namespace, read_namespace
from tiergate.wire.quota import read_quota
from tiergate.wire.tier import judged_tier

SYNC_PATIENCE: Final = 1.0


class TierRecord(msgspec.Struct, frozen=True):
    """A Tier object: its spec as a value where it can be read, what is wrong with it, and the status it has.

    ``faults`` is empty for a tier that can be in force.
    """

    name: str
    uid: str
    resource_version: str
    generation: int
    tier: Tier | None
    faults: tuple[Fault, ...]
    status: TierStatus


class _Meta(msgspec.Struct):
    name: str = ""
    uid: str = ""
    resource_version: str = msgspec.field(default="", name="resourceVersion")
    generation: int = 0


class _Object(msgspec.Struct):
    metadata: _Meta
    status: msgspec.Raw = msgspec.Raw(b"null")


_read_object = msgspec.json.Decoder(_Object).decode


def read_record(raw: bytes) -> TierRecord:
    """Decode a Tier; a spec that cannot be read is a fault of the tier, not an error."""
    seen = _read_object(raw)
    tier, found = judged_tier(raw)
    meta = seen.metadata
    return TierRecord(
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        generation=meta.generation,
        tier=tier,
        faults=found,
        status=read_status(bytes(seen.status)),
    )


T = TypeVar("T")
AnyCache: TypeAlias = Cache[TierRecord] | Cache[Namespace] | Cache[QuotaStatus] | Cache[LimitRange] | Cache[bytes]


class Listeners(msgspec.Struct, frozen=True):
    """Whom to tell of changes; none of them may wait."""

    namespace: Callable[[str], None]
    """The quotas or the LimitRange of this namespace may have to change."""
    tier: Callable[[str], None]
    """The status of this tier may have to change."""
    configuration: Callable[[], None]
    """A webhook configuration changed."""


class Facts:
    """The caches, kept current by ``caches``, and what follows from them.

    ``good`` holds the last valid version of every tier that exists: an invalid edit leaves the earlier version in
    force. It is lost with the process; then nothing is changed in the tier's namespaces until the tier is valid again.
    """

    def __init__(self, client: Client, *, release_namespace: str, listeners: Listeners) -> None:
        """Describe the caches; nothing is read yet."""
        self._release_namespace = release_namespace
        self._listeners = listeners
        self._members: defaultdict[str, set[str]] = defaultdict(set)
        self._member_of: dict[str, str] = {}
        self._quotas: defaultdict[str, dict[str, QuotaStatus]] = defaultdict(dict)
        self._limit_ranges: defaultdict[str, dict[str, LimitRange]] = defaultdict(dict)
        self.good: dict[str, Tier] = {}
        self.tiers = Cache(client, TIERS, decode=read_record, on_change=self._tier_changed)
        self.namespaces = Cache(client, NAMESPACES, decode=read_namespace, on_change=self._namespace_changed)
        self.quotas = Cache(client, QUOTAS, decode=read_quota, on_change=self._quota_changed)
        # Always, though few tiers ask for one: what is left of a tier that asked once has to go.
        self.limit_ranges = Cache(client, LIMIT_RANGES, decode=read_limit_range, on_change=self._limit_range_changed)
        self.configurations: dict[str, Cache[bytes]] = {
            kind: Cache(
                client,
                path,
                decode=bytes,
                on_change=self._configuration_changed,
                query={"fieldSelector": f"metadata.name={CONFIGURATION_NAME}"},
            )
            for kind, path in CONFIGURATION_KINDS.items()
        }

    def caches(self) -> Mapping[str, AnyCache]:
        """Return all caches by the name of their task."""
        return {
            "tiers": self.tiers,
            "namespaces": self.namespaces,
            "resourcequotas": self.quotas,
            "limitranges": self.limit_ranges,
            **{path.rpartition("/")[2]: self.configurations[kind] for kind, path in CONFIGURATION_KINDS.items()},
        }

    def unsynced(self) -> tuple[str, ...]:
        """Return the caches that have not been listed yet."""
        return tuple(name for name, cache in self.caches().items() if not cache.synced)

    def knows_objects(self) -> bool:
        """Say whether all was listed that objects in namespaces are decided on: before that nothing may be written."""
        return all(cache.synced for cache in (self.tiers, self.namespaces, self.quotas, self.limit_ranges))

    def knows_configurations(self) -> bool:
        """Say whether the webhook configurations were listed."""
        return all(cache.synced for cache in self.configurations.values())

    async def objects_known(self) -> None:
        """Wait for `knows_objects`."""
        for cache in (self.tiers, self.namespaces, self.quotas, self.limit_ranges):
            while not cache.synced:
                await cache.changed(SYNC_PATIENCE)

    async def configurations_known(self) -> None:
        """Wait for `knows_configurations`."""
        for cache in self.configurations.values():
            while not cache.synced:
                await cache.changed(SYNC_PATIENCE)

    def is_excluded(self, namespace: str) -> bool:
        """Say whether the namespace can never be governed: the cluster's own ones and the release's."""
        return is_protected(namespace, release_namespace=self._release_namespace)

    def members(self, tier: str) -> tuple[str, ...]:
        """Return the names of the namespaces that carry the tier's label, in order; excluded ones are left out."""
        return tuple(sorted(self._members.get(tier, ())))

    def quotas_in(self, namespace: str) -> tuple[QuotaStatus, ...]:
        """Return the ResourceQuotas of a namespace in the order of their names."""
        return tuple(quota for _, quota in sorted(self._quotas.get(namespace, {}).items()))

    def limit_ranges_in(self, namespace: str) -> tuple[LimitRange, ...]:
        """Return the LimitRanges of a namespace in the order of their names."""
        return tuple(one for _, one in sorted(self._limit_ranges.get(namespace, {}).items()))

    def known_tiers(self) -> frozenset[str]:
        """Return the names of the tiers that exist, valid or not."""
        return frozenset(self.tiers.items) | frozenset(self.tiers.faults)

    def _tier_changed(self, name: str, record: TierRecord | None) -> None:
        before = self.good.get(name)
        if record is None:
            self.good.pop(name, None)
        elif record.tier is not None and not record.faults:
            self.good[name] = record.tier
        if self.good.get(name) != before:
            for namespace in self.members(name):
                self._listeners.namespace(namespace)
        self._listeners.tier(name)

    def _namespace_changed(self, name: str, namespace: Namespace | None) -> None:
        before = self._member_of.pop(name, None)
        if before is not None:
            self._members[before].discard(name)
        now = None if namespace is None or self.is_excluded(name) else namespace.tier
        if now is not None:
            self._member_of[name] = now
            self._members[now].add(name)
        self._listeners.namespace(name)
        for tier in {before, now} - {None}:
            self._listeners.tier(str(tier))

    def _quota_changed(self, key: str, quota: QuotaStatus | None) -> None:
        self._object_changed(self._quotas, key, quota)

    def _limit_range_changed(self, key: str, limit_range: LimitRange | None) -> None:
        self._object_changed(self._limit_ranges, key, limit_range)

    def _object_changed(self, index: dict[str, dict[str, T]], key: str, value: T | None) -> None:
        namespace, _, name = key.partition("/")
        if value is not None:
            index[namespace][name] = value
        elif namespace in index:
            index[namespace].pop(name, None)
            if not index[namespace]:
                del index[namespace]
        self._listeners.namespace(namespace)
        if (tier := self._member_of.get(namespace)) is not None:
            self._listeners.tier(tier)

    def _configuration_changed(self, _name: str, _raw: bytes | None) -> None:
        self._listeners.configuration()
        for name in self.known_tiers():
            self._listeners.tier(name)
