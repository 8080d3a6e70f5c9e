"""What the objects of a namespace add up to, kept as counts of equal footprints.

Pods of one template charge the same and match the same scopes, so a namespace of thousands of pods holds a few distinct
footprints, and its usage is a sum over those. Rules R-20 to R-24 and R-40 to R-43, without native quota's own mistakes
(R-53, R-58, R-60a).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias
from weakref import WeakValueDictionary

import msgspec

from tiergate.core.claim import Claim
from tiergate.core.desired import DesiredQuota, desired_quotas, quotas_of
from tiergate.core.podspec import Pod
from tiergate.core.quantity import Format, Quantity
from tiergate.core.quota import Measured, QuotaStatus, as_created, charge, matches, measured_by
from tiergate.core.release import MAX_OF_SUMS, NEWEST
from tiergate.core.resources import ResourceList
from tiergate.core.scopes import shape_of
from tiergate.core.tier import Tier

_Key: TypeAlias = tuple[object, ...]


class Footprint(msgspec.Struct, frozen=True, eq=False, weakref=True):
    """What quotas see of an object: compared by identity, since equal ones are one and the same.

    ``shape`` is the object without all that no scope asks for, ``charge`` its usage by quota name, ``earlier`` the same
    as releases up to 1.36 count a pod being resized (R-32). After ``over_at``, in seconds since the epoch, a pod that
    is still there counts as an object only (R-21).
    """

    shape: Measured
    charge: ResourceList
    earlier: ResourceList
    over_at: float | None = None

    def charge_at(self, now: float, *, minor: int) -> ResourceList:
        """Return the usage at a time, as a server of release 1.``minor`` counts it."""
        charged = self.charge if minor >= MAX_OF_SUMS else self.earlier
        if self.over_at is None or now <= self.over_at:
            return charged
        return {name: quantity for name, quantity in charged.items() if name == "count/pods"}


class Footprints:
    """Makes footprints, one for each distinct value; one that nobody holds any more is forgotten."""

    def __init__(self, names: frozenset[str] | None = None) -> None:
        """Start with none; of a charge these names are kept, None: all. Tenants choose the others."""
        self._names = names
        self._known: WeakValueDictionary[_Key, Footprint] = WeakValueDictionary()

    def __len__(self) -> int:
        """Return how many distinct ones are held."""
        return len(self._known)

    def of(self, subject: Measured) -> Footprint:
        """Return the footprint of an object, whatever the time and the server's release."""
        over_at = _over_at(subject)
        shape = shape_of(subject, minor=NEWEST)  # a stored pod has its class in the status
        charged, earlier = self._charge(subject, MAX_OF_SUMS), self._charge(subject, MAX_OF_SUMS - 1)
        key = (over_at, _amounts(charged), _amounts(earlier), *_traits(shape))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Footprint(shape, charged, charged if earlier == charged else earlier, over_at)
        return found

    def _charge(self, subject: Measured, minor: int) -> ResourceList:
        charged, names = charge(subject, now=None, minor=minor), self._names
        return charged if names is None else {name: amount for name, amount in charged.items() if name in names}


def _amounts(charged: ResourceList) -> _Key:
    return tuple([(name, quantity.nano, quantity.format) for name, quantity in charged.items()])


def _over_at(subject: Measured) -> float | None:
    if isinstance(subject, Claim) or subject.deleted_at is None or subject.grace_seconds is None:
        return None
    return subject.deleted_at + subject.grace_seconds


def _traits(shape: Measured) -> _Key:
    if isinstance(shape, Claim):
        return (shape.attributes_classes,)
    return shape.active_deadline_seconds, shape.qos_class, shape.priority_class, shape.cross_namespace_affinity


class Tally:
    """How many objects of each footprint every namespace has; an object's key is ``namespace/name``."""

    def __init__(self) -> None:
        """Start empty."""
        self._of: dict[str, Footprint] = {}
        self._counts: dict[str, dict[Footprint, int]] = {}

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self._of)

    def set(self, key: str, footprint: Footprint | None) -> None:
        """Say what an object's footprint is now; None for one that is gone."""
        namespace = key.partition("/")[0]
        before = self._of.pop(key, None)
        if before is not None:
            self._count(namespace, before, by=-1)
        if footprint is not None:
            self._of[key] = footprint
            self._count(namespace, footprint, by=1)

    def _count(self, namespace: str, footprint: Footprint, *, by: int) -> None:
        counts = self._counts.setdefault(namespace, {})
        number = counts.get(footprint, 0) + by
        if number:
            counts[footprint] = number
        else:
            del counts[footprint]
            if not counts:
                del self._counts[namespace]

    def counts(self, namespace: str) -> Mapping[Footprint, int]:
        """Return how many objects of each footprint the namespace has."""
        return self._counts.get(namespace, {})


def used(
    quota: QuotaStatus | DesiredQuota, counts: Iterable[tuple[Footprint, int]], *, now: float, minor: int
) -> dict[str, Quantity]:
    """Return the usage of a quota's names by objects that all its scopes match, as native quota recomputes it (R-60).

    Only names that pods or claims are measured by; ``now`` is seconds since the epoch, ``minor`` the server's release.
    """
    nanos = dict.fromkeys((*measured_by(Pod, quota), *measured_by(Claim, quota)), 0)
    formats: dict[str, Format] = {}
    for footprint, number in counts:
        if matches(footprint.shape, quota, minor=minor):
            for name, quantity in footprint.charge_at(now, minor=minor).items():
                if name in nanos and quantity.nano:
                    nanos[name] += quantity.nano * number  # integers: a sum of Quantities costs five times as much
                    formats.setdefault(name, quantity.format)
    return {name: Quantity(nano, formats.get(name, "DecimalSI")) for name, nano in nanos.items()}


def would_be(
    tier: Tier, kind: type[Measured], counts: Mapping[Footprint, int], *, namespace: str, now: float, minor: int
) -> tuple[QuotaStatus, ...]:
    """Return the tier's quotas as native quota would show them, with the names this kind of object is measured by."""
    empty = (_unused(one, kind, namespace) for one in desired_quotas(tier) if measured_by(kind, one))
    return tuple(msgspec.structs.replace(one, used=used(one, counts.items(), now=now, minor=minor)) for one in empty)


def _unused(desired: DesiredQuota, kind: type[Measured], namespace: str) -> QuotaStatus:
    hard = {name: desired.hard[name] for name in measured_by(kind, desired)}
    return as_created(desired, namespace, hard=hard)


def names_to_count(tiers: Iterable[Tier], kind: type[Measured]) -> frozenset[str]:
    """Return the names of which some tier has to have the usage by a kind computed: native quota does not count it.

    In modes Warn and Audit there is no native quota for the tier, as it would refuse.
    """
    quotas = [one for tier in tiers if not tier.is_native for one in desired_quotas(tier)]
    return frozenset(name for one in quotas for name in measured_by(kind, one))


def unmeasured(tier: Tier) -> tuple[str, ...]:
    """Return the names of the tier's quotas that are not measured from pods or claims, sorted: native quota's alone."""
    quotas = quotas_of(tier)
    names = {name for one in quotas for name in one.hard}
    counted = {name for one in quotas for kind in (Pod, Claim) for name in measured_by(kind, one)}
    return tuple(sorted(names - counted))
