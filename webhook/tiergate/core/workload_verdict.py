"""The verdict on a workload: whether its pods can ever run, fit now, and whether its rollout gets through (ADR 27).

Never wrong in the costly direction: whatever is not known for certain is not said, and what an update leaves as it was
is not judged. A workload is never charged; each of its pods is judged itself.
"""

from __future__ import annotations

from tiergate.core.decision import Finding
from tiergate.core.quantity import ZERO
from tiergate.core.quota import QuotaStatus
from tiergate.core.quota_bounds import Bound, NamespaceQuotas
from tiergate.core.validity import invalid_template
from tiergate.core.workload import Workload, steady, unavailable
from tiergate.core.workload_again import blocked
from tiergate.core.workload_case import WorkloadCase
from tiergate.core.workload_demand import Count, Demand
from tiergate.core.workload_findings import Stall
from tiergate.core.workload_pod import Unit, is_sound, never_made, never_runs, too_much, unit_of
from tiergate.core.workload_room import Rolling, in_force, passing
from tiergate.core.workload_short import BoundNames, of_bound, short
from tiergate.core.workload_unwritten import unwritten


def verdict(case: WorkloadCase) -> tuple[Finding, ...]:
    """Return what is to be said of the workload, with the effect that a tier in mode Enforce gives it."""
    workload = case.workload
    if case.tier.workloads == "Ignore" or workload.owned:
        return ()
    pods = steady(workload, case.around.nodes)
    before = _wanted_before(case, pods)
    if not case.changed and (pods is None or before is None or pods <= before):
        return ()
    if reason := too_much(case):
        return (Finding("workload-unchecked", "/spec", detail=reason, effect="warn"),)
    unit = unit_of(workload, case)
    if unit is None:
        return ()
    found = _found(case, unit, pods, before)
    # Where the API server refuses the template its own words are enough.
    return () if found and invalid_template(workload.template) else found


def _wanted_before(case: WorkloadCase, pods: int | None) -> int | None:
    """Return how many pods were asked for before, of now so many, None where the nodes of a DaemonSet are not known."""
    old = case.old
    if old is None or (case.resumed and old.paused and not old.held):
        return 0
    return pods if _on_the_same_nodes(old, case.workload) else steady(old, case.around.nodes)


def _on_the_same_nodes(one: Workload, other: Workload) -> bool:
    """Say whether both are DaemonSets with one placement: there may be thousands of nodes to look at."""
    return one.kind == other.kind == "DaemonSet" and one.placement == other.placement


def _found(case: WorkloadCase, unit: Unit, pods: int | None, before: int | None) -> tuple[Finding, ...]:
    """Return what is to be said of the pods that are wanted, beside those that were wanted before."""
    workload = case.workload
    quotas = NamespaceQuotas(_certain(in_force(case.quotas or (), case.tier), workload), case.tier, case.minor)
    if pods and before is not None and case.quotas is not None and _fit(case, unit, quotas, pods):
        return ()
    kept = _kept(case, pods or 0)
    asked_anew = (case.changed or before == 0) and pods != 0 and not (kept == pods and workload.rollout is not None)
    never = never_runs(unit, case, quotas, deny=asked_anew and not workload.paused and not case.scaled)
    # Claims of pods that were wanted before have been asked for before.
    claims = never_made(unit, case, quotas) if unit.kept and pods is not None and pods > (before or 0) else ()
    # Where an earlier rollout is under way, or held, nobody knows of which template those are that stay.
    sizes_matter = kept > 0 and case.old is not None and not _is_known(case.old, workload)
    if never or not pods or before is None or sizes_matter:
        return never + claims
    if case.quotas is None:
        return (*claims, Finding("workload-unchecked", "/spec", effect="warn"))
    told = frozenset([(one.quota, one.resource) for one in claims])
    former = _former(case, unit)
    if former is None and case.old is not None:
        return claims
    return claims + _room(Demand(case, quotas, unit, former, Count(pods, before, kept)), told)


def _fit(case: WorkloadCase, unit: Unit, quotas: NamespaceQuotas, pods: int) -> bool:
    """Say whether one look shows that all pods can run, as nearly always; False where that takes a closer look."""
    if unit.kept or (case.old is not None and not _alike(case.workload, case.old)):
        return False
    return quotas.leave_room(unit.charges, pods + 1) and is_sound(unit, case, quotas)


def _former(case: WorkloadCase, unit: Unit) -> Unit | None:
    """Return the pod that the stored template became, None where there is none or it is not known."""
    if case.old is None:
        return None
    return unit if _alike(case.workload, case.old) else unit_of(case.old, case)


def _certain(quotas: tuple[QuotaStatus, ...], workload: Workload) -> tuple[QuotaStatus, ...]:
    """Return the quotas known to count the pods: one without a priority class may yet get the default one."""
    if workload.template.priority_class:
        return quotas
    return tuple([one for one in quotas if not _asks_for_priority(one)])


def _asks_for_priority(one: QuotaStatus) -> bool:
    return bool(one.scope_selector) and any(each.scope_name == "PriorityClass" for each in one.scope_selector)


def _kept(case: WorkloadCase, pods: int) -> int:
    """Return how many pods are of the stored template still, or of an earlier one where that is the stored one.

    Those of a StatefulSet below its partition are, also where they are not there yet.
    """
    old, workload = case.old, case.workload
    if old is None or workload.kind == "CronJob":
        return 0
    if not case.changed and not old.never_replaces and _is_known(old, workload):
        return 0
    return min(old.running if workload.rollout is None else workload.rollout.partition, pods)


def _is_known(old: Workload, workload: Workload) -> bool:
    """Say whether pods that stay are of the stored template, and those that a partition will have made of it."""
    return old.settled and (old.complete or workload.rollout is None)


def _room(demand: Demand, told: BoundNames) -> tuple[Finding, ...]:
    """Return what does not fit; where all does, whether the rollout gets through."""
    found = demand.bounds()
    # Claims that are there already are used and need no more room: of these a verdict only warns.
    whole = demand.bounds_with_claims() if demand.unit.kept else found
    missing = tuple(short(demand, whole, alone=found, told=told)) if whole else ()
    old = demand.case.old
    if missing or old is None or not _is_rolled_out(demand.case, old):
        return missing
    if not found and old.settled:  # as nearly always
        return ()
    # Another template, whatever keeps the pods back, may be the one that they are of.
    back = old.held and old.written != demand.case.workload.written
    stalls = () if back else _stalls(demand, old, found)
    if stalls or old.settled or (old.held and not back):
        return stalls
    stop = blocked(demand)
    return () if stop is None else (of_bound("workload-rollout-stalls", stop, "warn"),)


def _is_rolled_out(case: WorkloadCase, old: Workload) -> bool:
    """Say whether pods that are there will be replaced."""
    return old.running > 0 and case.workload.rollout is not None and case.changed


def _alike(one: Workload, other: Workload) -> bool:
    """Say whether the pods of both are the same to us; the decoder reads what says the same as one value."""
    return one.template is other.template and one.claims is other.claims and one.runtime_class == other.runtime_class


def _stalls(demand: Demand, old: Workload, found: tuple[Bound, ...]) -> tuple[Finding, ...]:
    """Return where the rollout of a changed template comes to a halt."""
    workload = demand.case.workload
    rollings = [(_rolling(workload, old, bound, demand.count), bound) for bound in found]
    for rolling, bound in rollings:
        if rolling.pods > 0 and rolling.stalls(bound):
            author = unwritten(demand.unit.pod, demand.case, bound.name)
            stall = Stall(workload, rolling, bound, passing(rollings), old.held, author)
            return (of_bound("workload-rollout-stalls", stall, "warn"),)
    return ()


def _rolling(workload: Workload, old: Workload, bound: Bound, count: Count) -> Rolling:
    """Return the rollout; one with more pods wanted first makes as many of the former template as fit (W-1a).

    While an earlier one is under way nobody knows of which templates the pods are: all may have gone at its end.
    """
    if not old.settled and not old.held:
        return Rolling(count.pods, 0, unavailable(workload, count.pods))
    pods, running = count.pods - count.kept, max(0, old.running - count.kept)
    if workload.kind == "Deployment" and bound.before > ZERO and not old.held:
        running = max(running, min(pods, bound.room.nano // bound.before.nano))
    return Rolling(pods, min(running, pods), unavailable(workload, count.pods), count.kept)
