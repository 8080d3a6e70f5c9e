"""The sum of a change set in one namespace: what all its objects ask together, beside the quotas.

Pure arithmetic. While rollouts go on each workload may have its surge at once; what a rollout needs before it can take
its next step is less, and only where that does not fit it stalls (W-1, W-1c).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from tiergate.check.result import BoundSum, Room
from tiergate.core.podspec import Pod
from tiergate.core.quantity import ZERO, Quantity
from tiergate.core.quota_bounds import Asked, Bound, Charged, NamespaceQuotas, reduced
from tiergate.core.text import shortened
from tiergate.core.workload import Workload, surge, unavailable
from tiergate.core.workload_room import Rolling


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One object of a change set.

    Attributes:
        index: Which result of the report is this object's.
        what: What a sentence calls it.
        unit: The pod with its claims, or the claim, that quotas count.
        pods: How many of these there are in the end.
        workload: The object as a workload, None for a pod or claim.
        kept_claims: Claims that a StatefulSet has for each pod.
        waits: Its pods wait until there is room: a Job.
        former: The unit that runs now and is replaced, so many times.
        running: How many of the former unit there are.
        kept: It asks for no more than these, and of the same template.
    """

    index: int
    what: str
    unit: tuple[Charged, ...]
    pods: int = 1
    workload: Workload | None = None
    kept_claims: tuple[Charged, ...] = ()
    waits: bool = False
    former: tuple[Charged, ...] = ()
    running: int = 0
    kept: bool = False

    def reduced(self, *, minor: int) -> Part:
        """Return it without what no sum asks for: all parts are kept, and their containers may be many thousands."""
        unit, kept_claims, former = (
            tuple([reduced(one, minor=minor) for one in units]) for units in (self.unit, self.kept_claims, self.former)
        )
        workload = self.workload
        if workload is not None:
            workload = msgspec.structs.replace(workload, template=Pod(), written=b"", claims=(), kept_claims=())
        return msgspec.structs.replace(self, unit=unit, kept_claims=kept_claims, former=former, workload=workload)

    @property
    def peak(self) -> int:
        """The most pods while its rollout goes on."""
        return self.pods if self.workload is None else self.pods + surge(self.workload, self.pods)


class Contribution(msgspec.Struct, frozen=True):
    """What a part asks of a bound: each unit, all of them, and all at the peak."""

    part: Part
    each: Quantity
    steady: Quantity
    peak: Quantity
    freed: Quantity


class Total(msgspec.Struct, frozen=True):
    """One bound and the shares of all parts that it measures."""

    bound: Bound
    shares: list[Contribution]

    @property
    def used(self) -> Quantity:
        """What is used besides what the change set replaces."""
        freed = sum(share.freed.nano for share in self.shares)
        return Quantity(max(0, self.bound.others.nano - freed), self.bound.others.format)

    def sum(self, *, known: bool) -> BoundSum:
        """Return the numbers."""
        return BoundSum(
            quota=shortened(self.bound.quota),
            resource=shortened(self.bound.name),
            hard=self.bound.hard,
            used=self.used if known else None,
            steady=_sum(share.steady for share in self.shares),
            peak=_sum(share.peak for share in self.shares),
        )

    def over(self, *, waiting: bool) -> Quantity:
        """Return by how much the bound is exceeded in the end; 0 where all fits. Jobs may wait."""
        asked = sum(share.steady.nano for share in self.shares if waiting or not share.part.waits)
        return Quantity(max(0, self.used.nano + asked - self.bound.hard.nano), self.bound.hard.format)

    @property
    def room(self) -> int:
        """The nano-units that are left in the end."""
        return self.bound.hard.nano - self.used.nano - sum(share.steady.nano for share in self.shares)

    def stalled(self) -> Iterator[Contribution]:
        """Yield the workloads whose rollout cannot take a step in the room that is left in the end."""
        for share in self.shares:
            workload = share.part.workload
            if workload is None or workload.rollout is None or not share.part.pods or not share.each:
                continue
            pods, own = share.part.pods, share.each
            others = self.bound.hard - Quantity(self.room, own.format) - share.steady
            if Rolling(pods, pods, unavailable(workload, pods)).stalls(
                msgspec.structs.replace(self.bound, others=others, each=own, before=own)
            ):
                yield share


def totals(parts: Iterable[Part], quotas: NamespaceQuotas) -> list[Total]:
    """Return the bounds that measure any part, in the order of the quotas."""
    found: dict[tuple[int, str], Total] = {}
    places = {id(quota): place for place, quota in enumerate(quotas.quotas)}  # two may have one name: ours and another
    for part in parts:
        for units, former, most in ((part.unit, part.former, part.peak), (part.kept_claims, (), part.pods)):
            for asked in quotas.asked(units, former):
                key = places[id(asked.quota)], asked.name
                if key not in found:
                    found[key] = Total(quotas.bound(asked, others=asked.used, before=asked.before), [])
                found[key].shares.append(_share(part, asked, most))
    return [found[key] for key in sorted(found)]


def _share(part: Part, asked: Asked, most: int) -> Contribution:
    each = asked.each
    return Contribution(part, each, _times(each, part.pods), _times(each, most), _times(asked.before, part.running))


def _times(amount: Quantity, number: int) -> Quantity:
    return Quantity(amount.nano * number, amount.format)


def _sum(amounts: Iterable[Quantity]) -> Quantity:
    total = ZERO
    for amount in amounts:
        total += amount
    return total


def room(found: list[Total], *, most: int) -> tuple[Room, ...]:
    """Return how many more replicas of the largest workloads fit."""
    left: dict[str, int] = {}
    weight: dict[str, int] = {}
    for total in found:
        for share in total.shares:
            if share.part.workload is not None and share.each:
                more = max(0, total.room // share.each.nano)
                left[share.part.what] = min(more, left.get(share.part.what, more))
                weight[share.part.what] = weight.get(share.part.what, 0) + share.steady.nano * 100 // (
                    total.bound.hard.nano or 1
                )
    largest = sorted(left, key=lambda what: (-weight[what], what))[:most]
    return tuple(Room(what, left[what]) for what in largest)
