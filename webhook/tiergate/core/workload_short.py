"""Which bounds keep how many pods of a workload from running, and what would help at all of them together (ADR 27)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from tiergate.core.authorship import written_request
from tiergate.core.claim import STORAGE, Claim
from tiergate.core.decision import Finding, RuleId
from tiergate.core.lowering import Lowering, lowering, side_and_name
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
    shortages = _merged([_shortage(demand, one, without) for one in found if _exceeds(one, count)], told)
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


def _shortage(demand: Demand, bound: Bound, without: dict[tuple[str, str], Bound]) -> Shortage:
    count, alone, old = demand.count, without.get((bound.quota, bound.name)), demand.case.old
    of_claims = alone is None or alone.each != bound.each
    there = 0 if old is None else min(old.running, count.kept)
    return Shortage(
        bound=bound,
        names=bound.name,
        pods=count.pods,
        kept=count.kept,
        fitting=max(bound.fitting(kept=count.kept), there),
        of_claims=of_claims,
        # What claims ask cannot be changed any more once the StatefulSet is there.
        lower=Lowering(ZERO) if of_claims and demand.former is not None else _lowering(demand, bound),
        request=written_request(demand.unit.pod, bound.name),
        counted_by=BY_KIND[demand.case.workload.kind].counted_by,
    )


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


def _lowering(demand: Demand, bound: Bound) -> Lowering:
    """Return how much each pod may ask for that all fit; 0 where nothing sensible is left."""
    count, name, pod = demand.count, bound.name, demand.unit.pod
    left = bound.room - bound.needed(old=count.kept, new=0)
    if not name.startswith(PER_POD) or left < ZERO:
        return Lowering(ZERO)
    overhead, step = pod.overhead.get(side_and_name(name)[1], ZERO), unit(name)
    nano = left.nano // (count.pods - count.kept) - overhead.nano
    if step == NANO and nano >= _MEBI:
        step = _MEBI
    each = whole_pages(name, Quantity(nano // step * step))
    claims = [one.subject for one in demand.unit.charges + demand.unit.kept if isinstance(one.subject, Claim)]
    if name == STORAGE and claims:
        least = lowering(claims[0], name, Quantity(each.nano // len(claims)), demand.case.ranges)
        return Lowering(each if least.most else ZERO, "together" if len(claims) > 1 else "")
    return lowering(pod, name, each + overhead, demand.case.ranges)


def _merged(found: list[Shortage], told: BoundNames) -> list[Shortage]:
    """Return the shortages, the worst first; those of a request and a limit of the same numbers are one."""
    merged: dict[tuple[object, ...], Shortage] = {}
    for one in sorted(found, key=lambda one: one.fitting):
        bound, stem = one.bound, one.bound.name.removeprefix("limits.").removeprefix("requests.")
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
