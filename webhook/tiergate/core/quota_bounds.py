"""What pods with their claims ask of each bound of a namespace's quotas.

Verdicts on workloads and the sums of `tiergate check` rest on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import msgspec

from tiergate.core.quantity import ZERO, Quantity
from tiergate.core.quota import Measured, QuotaStatus, charge, left_of, pertinent, quota_label, scopes_of
from tiergate.core.resources import EMPTY, ResourceList, add_into
from tiergate.core.scopes import shape_of
from tiergate.core.tier import ScopeRequirement, Tier


class Charged(msgspec.Struct, frozen=True):
    """A pod or claim, and what quotas count of it."""

    subject: Measured
    amounts: ResourceList


def reduced(one: Charged, *, minor: int) -> Charged:
    """Return it as small as quotas see it: without its containers."""
    return Charged(shape_of(one.subject, minor=minor), one.amounts)


def charged(subject: Measured, *, minor: int) -> Charged:
    """Return a new pod or claim with its charge."""
    return Charged(subject, charge(subject, now=None, minor=minor))


class Bound(msgspec.Struct, frozen=True):
    """One bound of a quota, and what is asked of it.

    Attributes:
        quota: What messages call the quota; no two of a namespace have the same.
        name: The quota name.
        hard: The bound.
        others: What is used besides the pods in question.
        each: What a pod of the new template asks.
        before: What a pod of the former template takes.
        scopes: Which pods the quota counts; () for all.
        native: The quota is a ResourceQuota that is not the tier's: it refuses in every mode.
    """

    quota: str
    name: str
    hard: Quantity
    others: Quantity
    each: Quantity
    before: Quantity
    scopes: tuple[ScopeRequirement, ...] = ()
    native: bool = False

    @property
    def room(self) -> Quantity:
        """What is left to the pods in question."""
        return self.hard - self.others

    def fitting(self, *, kept: int) -> int:
        """Return how many pods fit, of which so many are of the former template and come first."""
        room, before = self.room.nano, self.before.nano
        left = room - kept * before
        if left >= 0:
            return kept + left // self.each.nano
        return room // before if room > 0 else 0

    def needed(self, *, old: int, new: int) -> Quantity:
        """Return what so many pods of both templates take."""
        return Quantity(old * self.before.nano + new * self.each.nano)


class Asked(msgspec.Struct, frozen=True):
    """What a pod asks of one bound of a quota, what one of the former template takes of it, and what is used."""

    quota: QuotaStatus
    name: str
    hard: Quantity
    used: Quantity
    each: Quantity
    before: Quantity


class NamespaceQuotas(msgspec.Struct, frozen=True, dict=True):
    """The ResourceQuotas of a namespace.

    Its tier says what messages call them, the server's release 1.``minor`` what they count.
    """

    quotas: tuple[QuotaStatus, ...]
    tier: Tier
    minor: int

    @cached_property
    def unused(self) -> tuple[QuotaStatus, ...]:
        """The quotas as if nothing else was there: what refuses each single object."""
        return tuple([msgspec.structs.replace(one, used={}) for one in self.quotas])

    def asked(
        self, unit: tuple[Charged, ...], former: tuple[Charged, ...] = (), *, beside: int | None = None
    ) -> Iterator[Asked]:
        """Yield each bound by which a pod with its claims is measured, beside one of the former template.

        With ``beside`` only those that so many of the larger one may exceed, whatever of what is used is their own.
        """
        for quota in self.quotas:
            hard, used, now = quota.hard, quota.used, _asked(unit, quota, self.minor)
            before = now if former is unit else _asked(former, quota, self.minor) if former else EMPTY
            for name in sorted(now):
                each, taken, was, most = now[name], used.get(name, ZERO), before.get(name, ZERO), hard[name]
                if each.nano <= 0:
                    continue
                if beside is None or taken.nano + beside * max(each.nano, was.nano) > most.nano:
                    yield Asked(quota, name, most, taken, each, was)

    def leave_room(self, unit: tuple[Charged, ...], pods: int) -> bool:
        """Say whether so many pods with their claims certainly exceed no bound; False where that takes a closer look.

        No sums are made: each amount is taken times the number of objects in the unit, which is never less than
        what the unit as a whole asks for.
        """
        for quota in self.quotas:
            for one in unit:
                amounts, times = one.amounts, pods * len(unit)
                for name, left in left_of(one.subject, quota, minor=self.minor):
                    if (each := amounts.get(name)) is not None and times * each.nano > left:
                        return False
        return True

    def bound(self, asked: Asked, *, others: Quantity, before: Quantity) -> Bound:
        """Return what is asked of a bound, beside what others use of it."""
        quota, name = asked.quota, asked.name
        label = quota_label(quota, name, self.tier, self.quotas)
        return Bound(
            label, name, asked.hard, others, asked.each, before, scopes=scopes_of(quota), native=not quota.managed
        )

    def allow(self, one: Charged) -> bool:
        """Say whether no quota is smaller than a pod or claim alone."""
        amounts = one.amounts
        for quota in self.quotas:
            for name in pertinent(one.subject, quota, minor=self.minor):
                if name in amounts and amounts[name].nano > quota.hard[name].nano:
                    return False
        return True


def _asked(unit: tuple[Charged, ...], quota: QuotaStatus, minor: int) -> ResourceList:
    """Return what a pod and its claims together ask of a quota."""
    total: dict[str, Quantity] = {}
    for one in unit:
        names, amounts = pertinent(one.subject, quota, minor=minor), one.amounts
        found = {name: amounts[name] for name in names if name in amounts}
        if len(unit) == 1:  # as nearly always
            return found
        add_into(total, found)
    return total
