"""What the objects of a namespace add up to, kept as sums over those that the same scopes match.

Pods of one template charge the same, so that a namespace of thousands of pods holds a few distinct footprints. Scopes
tell fewer apart, whatever the amounts are, and one sum is kept for each of these. Rules R-20 to R-24 and R-40 to R-43,
without native quota's own mistakes (R-53, R-58, R-60a).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import add, sub
from typing import Final, TypeAlias
from weakref import WeakValueDictionary

import msgspec

from tiergate.core.claim import Claim
from tiergate.core.desired import DesiredQuota, desired_quotas, quotas_of
from tiergate.core.podspec import Pod
from tiergate.core.quantity import ZERO, Format, Quantity
from tiergate.core.quota import Measured, QuotaStatus, as_created, charge, matches, measured_by
from tiergate.core.release import MAX_OF_SUMS, NEWEST
from tiergate.core.resources import ResourceList
from tiergate.core.scopes import shape_of
from tiergate.core.tier import Tier

MOST_SUMS: Final = 500
"""Sums of one namespace that are added up for a review: of pods that are being deleted there is one for each second in
which the time of some is over, of claims one for each class that they name. Each costs 1 to 2 us for each quota."""

_Key: TypeAlias = tuple[object, ...]
_Join: TypeAlias = Callable[[Quantity, Quantity], Quantity]


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
    """What the objects of every namespace add up to; an object's key is ``namespace/name``.

    For all objects that scopes cannot tell apart, and that are over at the same time, one sum is kept, as a footprint.
    It changes with each object. So the usage costs the same to read however many objects there are.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._of: dict[str, Footprint] = {}
        self._sums: dict[str, dict[_Key, tuple[int, Footprint]]] = {}

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self._of)

    def set(self, key: str, footprint: Footprint | None) -> None:
        """Say what an object's footprint is now; None for one that is gone."""
        namespace = key.partition("/")[0]
        before = self._of.pop(key, None)
        if before is footprint:  # as after most changes of an object
            if footprint is not None:
                self._of[key] = footprint
            return
        if before is not None:
            self._take(namespace, before)
        if footprint is not None:
            self._of[key] = footprint
            self._add(namespace, footprint)

    def _add(self, namespace: str, one: Footprint) -> None:
        sums, alike = self._sums.setdefault(namespace, {}), _alike(one)
        number, total = sums.get(alike, (0, None))
        sums[alike] = number + 1, one if total is None else _sum(total, one, add)

    def _take(self, namespace: str, one: Footprint) -> None:
        sums, alike = self._sums[namespace], _alike(one)
        number, total = sums.pop(alike)
        if number > 1:
            sums[alike] = number - 1, _sum(total, one, sub)
        elif not sums:
            del self._sums[namespace]

    def is_crowded(self, namespace: str) -> bool:
        """Say whether the namespace has more sums than are added up for a review."""
        return len(self._sums.get(namespace, ())) > MOST_SUMS

    def sums(self, namespace: str) -> list[Footprint]:
        """Return what the objects of the namespace add up to."""
        return [total for _, total in self._sums.get(namespace, {}).values()]


def _alike(one: Footprint) -> _Key:
    return (one.over_at, *_traits(one.shape))


def _sum(total: Footprint, one: Footprint, join: _Join) -> Footprint:
    charged = _joined(total.charge, one.charge, join)
    same = total.earlier is total.charge and one.earlier is one.charge
    return Footprint(total.shape, charged, charged if same else _joined(total.earlier, one.earlier, join), one.over_at)


def _joined(total: ResourceList, one: ResourceList, join: _Join) -> ResourceList:
    joined = dict(total)
    for name, quantity in one.items():
        joined[name] = join(joined.get(name, ZERO), quantity)
    return joined


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
    tier: Tier, kind: type[Measured], sums: Iterable[Footprint], *, namespace: str, now: float, minor: int
) -> tuple[QuotaStatus, ...]:
    """Return the tier's quotas as native quota would show them, with the names this kind of object is measured by."""
    empty = (_unused(one, kind, namespace) for one in desired_quotas(tier) if measured_by(kind, one))
    counts = [(one, 1) for one in sums]
    return tuple(msgspec.structs.replace(one, used=used(one, counts, now=now, minor=minor)) for one in empty)


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
