"""What the namespaces of tiers use: as ResourceQuotas report it, and as their pods and claims really add up."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from tiergate.cluster import resource as resources
from tiergate.cluster.usage_index import claim_decoder, pod_decoder
from tiergate.core.claim import Claim
from tiergate.core.desired import desired_quotas
from tiergate.core.podspec import Pod
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus, as_created, measured_by, quota_label
from tiergate.core.tally import Footprint, Footprints, used
from tiergate.core.tier import Tier
from tiergate.live.listing import ListedMeta, each_object, read_metadata, reason
from tiergate.live.snapshot import take
from tiergate.wire.namespace import read_namespace
from tiergate.wire.owners import Reference, read_owned
from tiergate.wire.quota import read_quota
from tiergate.wire.snapshot import Missing
from tiergate.wire.tier import tier_and_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tiergate.cluster.api import Api
    from tiergate.live.snapshot import Snapshot

MOST_CONSUMERS: Final = 3
_HASH: Final = "pod-template-hash"
Quotas: TypeAlias = "dict[str, list[QuotaStatus]]"
"""By namespace."""


class BoundUsage(msgspec.Struct, frozen=True):
    """One bound of a namespace: what is reported as used, and what it really is; None where that is not known.

    ``enforced`` says whether there is a ResourceQuota with it, as far as that may be read.
    """

    quota: str
    resource: str
    hard: Quantity
    reported: Quantity | None
    real: Quantity | None
    enforced: bool = True

    @property
    def used(self) -> int:
        """The nano-units that are used: really, where that is known."""
        found = self.real if self.real is not None else self.reported
        return 0 if found is None else found.nano

    @property
    def differs(self) -> bool:
        """Whether the quota reports something else than there is (R-58)."""
        return self.reported is not None and self.real is not None and self.reported.nano != self.real.nano


class Consumer(msgspec.Struct, frozen=True):
    """What uses the most of the bound that is nearest to its end."""

    what: str
    objects: int
    resource: str
    amount: Quantity


class MemberUsage(msgspec.Struct, frozen=True):
    """A namespace of a tier."""

    name: str
    bounds: tuple[BoundUsage, ...]
    consumers: tuple[Consumer, ...] = ()


class TierUsage(msgspec.Struct, frozen=True):
    """A tier and its namespaces."""

    name: str
    mode: str
    namespaces: tuple[MemberUsage, ...]


class ClusterUsage(msgspec.Struct, frozen=True):
    """Everything, and what could not be read."""

    tiers: tuple[TierUsage, ...]
    missing: tuple[Missing, ...]


class Objects:
    """The pods and claims of namespaces, counted by what makes them."""

    def __init__(self) -> None:
        """Start with none."""
        self._counts: defaultdict[str, defaultdict[str, defaultdict[Footprint, int]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(int))
        )
        self.unknown: set[tuple[str, type]] = set()
        """Of which namespace, "" for all, not all objects of which kind are known."""

    def add(self, namespace: str, what: str, footprint: Footprint) -> None:
        """Count an object."""
        self._counts[namespace][what][footprint] += 1

    def knows(self, namespace: str, kind: type) -> bool:
        """Say whether all objects of a kind are counted."""
        return not {("", kind), (namespace, kind)} & self.unknown

    def real(self, namespace: str, quota: QuotaStatus, now: float, minor: int) -> dict[str, Quantity]:
        """Return what the objects of a namespace add up to under a quota."""
        every = [item for counts in self._counts[namespace].values() for item in counts.items()]
        found = used(quota, every, now=now, minor=minor)
        unknown = [
            name for kind in (Pod, Claim) if not self.knows(namespace, kind) for name in measured_by(kind, quota)
        ]
        return {name: amount for name, amount in found.items() if name not in unknown}

    def largest(self, namespace: str, quota: QuotaStatus, name: str, now: float, minor: int) -> Iterator[Consumer]:
        """Yield what uses the most of a name, the largest first."""
        found = []
        for what, counts in self._counts[namespace].items():
            amount = used(quota, counts.items(), now=now, minor=minor).get(name)
            if amount:
                found.append(Consumer(what, sum(counts.values()), name, amount))
        yield from sorted(found, key=lambda one: (-one.amount.nano, one.what))[:MOST_CONSUMERS]


async def read(api: Api, *, namespaces: Sequence[str] = (), clock: Callable[[], float] = time.time) -> ClusterUsage:
    """Read a cluster, or these namespaces of it.

    A quota that changes while its objects are read says nothing of a difference, so it is read before and after.

    Raises:
        ApiError, Unreachable: There is no answer.
    """
    kinds = ("ResourceQuota",)
    before = await take(api, namespaces=namespaces, everything=not namespaces, kinds=kinds)
    tiers, of_namespaces = _tiers(before), _namespaces(before)
    objects, missing = await _objects(api, sorted(of_namespaces), everything=not namespaces)
    after = await take(api, namespaces=namespaces, everything=not namespaces, kinds=kinds)
    quotas = _settled(_quotas(before), _quotas(after))
    found = []
    for tier in tiers:
        names = sorted(name for name, label in of_namespaces.items() if label == tier.name)
        rows = [
            _usage(
                name,
                tier,
                quotas.get(name, []),
                objects,
                now=clock(),
                minor=before.minor,
                hidden=any(one.kind == "ResourceQuota" and one.namespace in ("", name) for one in after.missing),
            )
            for name in names
        ]
        found.append(TierUsage(tier.name, tier.mode, tuple(rows)))
    return ClusterUsage(tuple(found), (*before.missing, *missing))


def _tiers(snapshot: Snapshot) -> list[Tier]:
    found = [tier_and_faults(msgspec.json.encode(one)) for one in snapshot.objects if one["kind"] == "Tier"]
    return [tier for tier, _ in found if tier is not None]


def _namespaces(snapshot: Snapshot) -> dict[str, str]:
    found = [read_namespace(msgspec.json.encode(one)) for one in snapshot.objects if one["kind"] == "Namespace"]
    return {one.name: one.tier for one in found if one.tier}


def _quotas(snapshot: Snapshot) -> Quotas:
    found: Quotas = defaultdict(list)
    for one in snapshot.objects:
        if one["kind"] == "ResourceQuota":
            quota = read_quota(msgspec.json.encode(one))
            found[quota.namespace].append(quota)
    return found


def _settled(before: Quotas, after: Quotas) -> Quotas:
    """Return the later quotas; of what changed meanwhile nothing is reported."""
    earlier = {(namespace, one.name): one.used for namespace, quotas in before.items() for one in quotas}
    return {
        namespace: [
            msgspec.structs.replace(
                one,
                used={
                    name: it for name, it in one.used.items() if earlier.get((namespace, one.name), {}).get(name) == it
                },
            )
            for one in quotas
        ]
        for namespace, quotas in after.items()
    }


async def _objects(api: Api, namespaces: Sequence[str], *, everything: bool) -> tuple[Objects, list[Missing]]:
    objects, missing, footprints = Objects(), list[Missing](), Footprints()
    for kind, name, resource, decode in (
        (Pod, "Pod", resources.PODS, pod_decoder(footprints)),
        (Claim, "PersistentVolumeClaim", resources.CLAIMS, claim_decoder(footprints)),
    ):

        def keep(raw: bytes, decode: Callable[[bytes], Footprint] = decode, kind: type = kind) -> None:
            metadata = read_metadata(raw)
            try:
                objects.add(metadata.namespace, _maker(metadata, read_owned(raw).controller(), kind), decode(raw))
            except ValueError:
                objects.unknown.add((metadata.namespace, kind))

        for namespace, error in await each_object(api, resource, namespaces, keep, everything=everything):
            objects.unknown.add((namespace, kind))
            missing.append(Missing(name, reason(error), namespace))
    return objects, missing


def _maker(metadata: ListedMeta, owner: Reference | None, kind: type) -> str:
    """Return what makes an object, in a word: of a ReplicaSet of a Deployment that one."""
    if owner is None:
        return f"{'pod' if kind is Pod else 'claim'} {metadata.name}"
    suffix = f"-{(metadata.labels or {}).get(_HASH, '')}"
    if owner.kind == "ReplicaSet" and len(suffix) > 1 and owner.name.endswith(suffix):
        return f"deployment {owner.name.removesuffix(suffix)}"
    return f"{owner.kind.lower()} {owner.name}"


def _usage(  # noqa: PLR0913, RUF100 - what a row rests on
    namespace: str,
    tier: Tier,
    stored: Sequence[QuotaStatus],
    objects: Objects,
    *,
    now: float,
    minor: int,
    hidden: bool,
) -> MemberUsage:
    """Return the usage of a namespace; ``hidden``: its quotas may not be read."""
    bounds: list[tuple[BoundUsage, QuotaStatus]] = []
    quotas = list(_with_bounds(namespace, tier, stored))
    for quota in quotas:
        real = objects.real(namespace, quota, now, minor)
        for name, hard in quota.hard.items():
            label, enforced = quota_label(quota, name, tier, quotas), quota in stored or hidden
            one = BoundUsage(label, name, hard, quota.used.get(name), real.get(name), enforced)
            bounds.append((one, quota))
    nearest = max(
        bounds, key=lambda one: (one[0].used * 1000 // (one[0].hard.nano or 1), one[0].resource), default=None
    )
    consumers = objects.largest(namespace, nearest[1], nearest[0].resource, now, minor) if nearest else ()
    return MemberUsage(namespace, tuple(one for one, _ in bounds), tuple(consumers))


def _with_bounds(namespace: str, tier: Tier, stored: Sequence[QuotaStatus]) -> Iterator[QuotaStatus]:
    """Yield the quotas in force; of a tier that has none, as it does not enforce, those that it would have."""
    ours = {one.name for one in stored if one.managed}
    for desired in desired_quotas(tier):
        if desired.name not in ours:
            yield as_created(desired, namespace)
    yield from stored
