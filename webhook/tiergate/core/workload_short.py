"""Which bounds keep how many pods of a workload from running, and what would help at all of them together (ADR 27)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import Final

import msgspec

from tiergate.core.authorship import written_request
from tiergate.core.claim import STORAGE, Claim
from tiergate.core.decision import Finding, RuleId
from tiergate.core.lowering import Lowering, Lowerings, side_and_name
from tiergate.core.mode import Effect
from tiergate.core.quantity import NANO, ZERO, Quantity
from tiergate.core.quota_bounds import Bound
from tiergate.core.resources import unit, whole_pages
from tiergate.core.usage import aggregate, spec_requests
from tiergate.core.workload_demand import Count, Demand
from tiergate.core.workload_findings import PER_POD, Blocked, Shortage, Stall
from tiergate.core.workload_kind import BY_KIND
from tiergate.core.workload_unwritten import unwritten

_MEBI: Final = 2**20 * NANO
MAX_SHORT: Final = 5
"""Bounds of which a verdict says that the pods do not fit."""

BoundNames = frozenset[tuple[str, str]]
"""Quotas and names of which more has been said already."""


def short(demand: Demand, found: Sequence[Bound], *, alone: Sequence[Bound], told: BoundNames) -> Iterator[Finding]:
    """Yield the bounds that keep pods from running, of those of which the workload now asks more than before.

    ``alone`` are the bounds without claims that may be there already. What helps is said only if it helps: fewer pods
    with the number that passes all bounds, and other ways only where each bound has one.
    """
    case, count = demand.case, demand.count
    deny = case.tier.workloads == "Enforce" and not case.scaled and not case.workload.paused and not case.workload.waits
    without = {(bound.quota, bound.name): bound for bound in alone}
    exceeded = [one for one in found if _exceeds(one, count)]
    shortages = _merged(_shortages(demand, exceeded, without), told) if exceeded else []
    helps = all(one.can_be_freed or one.lower.most for one in shortages)
    for number, one in enumerate(shortages[:MAX_SHORT]):
        certain = without.get((one.bound.quota, one.bound.name))
        refused = deny and certain is not None and _exceeds(certain, count)
        shortage = msgspec.structs.replace(one, passing=0 if number else one.fitting, helps=helps)
        yield of_bound("workload-does-not-fit", _with_author(shortage, demand), "deny" if refused else "warn")


def _exceeds(bound: Bound, count: Count) -> bool:
    """Say whether the pods are more than the bound leaves them, and more than was asked before."""
    needed = bound.needed(old=count.kept, new=count.pods - count.kept)
    return needed > bound.room and needed > bound.needed(old=count.before, new=0)


def _shortages(demand: Demand, found: list[Bound], without: dict[tuple[str, str], Bound]) -> list[Shortage]:
    """Return what is said of each bound; the pod and its claims are looked at once, however many there are."""
    count, old, pod = demand.count, demand.case.old, demand.unit.pod
    there = 0 if old is None else min(old.running, count.kept)
    lower, requested = _Lower(demand), cache(partial(written_request, pod))
    shortages = []
    for bound in found:
        alone = without.get((bound.quota, bound.name))
        of_claims = alone is None or alone.each != bound.each
        shortages.append(
            Shortage(
                bound=bound,
                names=bound.name,
                pods=count.pods,
                kept=count.kept,
                fitting=max(bound.fitting(kept=count.kept), there),
                of_claims=of_claims,
                # What claims ask cannot be changed any more once the StatefulSet is there.
                lower=Lowering(ZERO) if of_claims and demand.former is not None else lower.at(bound),
                request=requested(bound.name),
                counted_by=BY_KIND[demand.case.workload.kind].counted_by,
            )
        )
    return shortages


def _with_author(shortage: Shortage, demand: Demand) -> Shortage:
    """Return the shortage with who set its values, where they are not the author's: asked of few bounds."""
    authors = {unwritten(demand.unit.pod, demand.case, name) for name in shortage.names.split(" and ")}
    author = authors.pop()
    if author is None or authors:  # a limit that was raised to a request that was written is its author's, too
        return shortage
    return msgspec.structs.replace(shortage, unwritten=author, beside=_beside(demand, shortage.bound.name))


def _beside(demand: Demand, limit: str) -> Quantity:
    """Return the request that a limit has beside it, 0 where it was written or no quota counts it."""
    side, name = side_and_name(limit)
    request = f"requests.{name}"
    if side != "limits" or not any(name in one.hard or request in one.hard for one in demand.quotas.quotas):
        return ZERO
    pod = demand.unit.pod
    if unwritten(pod, demand.case, request) is None:
        return ZERO
    return aggregate(pod, spec_requests).get(name, ZERO)


class _Lower:
    """How much each pod may ask for that all fit."""

    def __init__(self, demand: Demand) -> None:
        made, ranges = demand.unit, demand.case.ranges
        claims = [one.subject for one in made.charges + made.kept if isinstance(one.subject, Claim)]
        self._count = demand.count
        self._pod = made.pod
        self._claims = len(claims)
        self._of_pod = Lowerings(made.pod, ranges)
        self._of_claim = Lowerings(claims[0], ranges) if claims else None

    def at(self, bound: Bound) -> Lowering:
        """Return it for a bound; 0 where nothing sensible is left."""
        count, name = self._count, bound.name
        left = bound.room - bound.needed(old=count.kept, new=0)
        if not name.startswith(PER_POD) or left < ZERO:
            return Lowering(ZERO)
        overhead, step = self._pod.overhead.get(side_and_name(name)[1], ZERO), unit(name)
        nano = left.nano // (count.pods - count.kept) - overhead.nano
        if step == NANO and nano >= _MEBI:
            step = _MEBI
        each = whole_pages(name, Quantity(nano // step * step))
        if name == STORAGE and self._of_claim is not None:
            least = self._of_claim.to(name, Quantity(each.nano // self._claims))
            return Lowering(each if least.most else ZERO, "together" if self._claims > 1 else "")
        return self._of_pod.to(name, each + overhead)


def _merged(found: list[Shortage], told: BoundNames) -> list[Shortage]:
    """Return the shortages, the worst first; those of a request and a limit of the same numbers are one."""
    merged: dict[tuple[object, ...], Shortage] = {}
    for one in sorted(found, key=lambda one: one.fitting):
        bound, stem = one.bound, side_and_name(one.bound.name)[1]
        if (bound.quota, bound.name) in told:
            continue
        key = (bound.quota, stem, bound.hard.nano, bound.others.nano, bound.each.nano, bound.before.nano, one.of_claims)
        same = merged.get(key)
        if same is None:
            merged[key] = one
        else:
            merged[key] = msgspec.structs.replace(same, names=f"{same.names} and {bound.name}")
    return list(merged.values())


def of_bound(rule: RuleId, found: Shortage | Stall | Blocked, effect: Effect) -> Finding:
    """Return what is found at a bound."""
    bound = found.bound
    return Finding(rule, "/spec", quota=bound.quota, native=bound.native, workload=found, effect=effect)
