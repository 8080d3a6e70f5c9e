"""Whether a rollout stalls that begins while an earlier one is under way, so that its pods are not known (ADR 27).

The status counts the pods, and those of the stored template; of which templates the others are it does not tell. It
tells how many are available, and each controller keeps ``replicas - maxUnavailable`` of these until new ones are. Where
these are all that there are, nothing makes room for the first new pod.
"""

from __future__ import annotations

from tiergate.core.quota_bounds import Bound
from tiergate.core.workload import Workload, unavailable
from tiergate.core.workload_demand import Demand
from tiergate.core.workload_findings import Blocked
from tiergate.core.workload_room import Present, Rolling, passing, tight_bounds


def blocked(demand: Demand) -> Blocked | None:
    """Return where the first new pod does not fit; None where it fits, or room may be made.

    A change back to a template whose pods are there may need no new pod. Only whoever makes the change knows.
    """
    new, old, pods = demand.case.workload, demand.case.old, demand.count.pods
    if old is None or new.rollout is None or new.rollout.partition:
        return None
    before = demand.count.before
    if pods < before or may_end(new, old, pods=pods, before=before):  # fewer are scaled down first, of any template
        return None

    def bounds(running: int, pods: int) -> tuple[Bound, ...]:
        return tight_bounds(demand.quotas, demand.unit.charges, Present(demand.charges, running), pods=pods)

    first = next((bound for bound in bounds(0, 0) if bound.each > bound.room), None)
    if first is None:
        return None
    # What would help is said as if all pods were of the stored template, as they are after a mere change of the image.
    alike = bounds(old.running, pods)
    rolling = Rolling(pods, min(old.running, pods), unavailable(new, pods))
    least = passing([(rolling, bound) for bound in alike]) if _may_replace(new) else None
    foreign = next(one.others for one in alike if (one.quota, one.name) == (first.quota, first.name))
    return Blocked(new, first, running=old.running, passing=least, foreign=foreign)


def may_end(new: Workload, old: Workload, *, pods: int, before: int) -> int:
    """Return how many of the pods may end before a new one is available: those that are going, not ready or surplus.

    A status may be late: a pod that a Deployment wanted and does not report is there and not ready yet, unless it says
    that it could not be made. Others never say so.
    """
    is_late = old.kind == "Deployment" and not old.failing
    running = max(old.running, before) if is_late else old.running
    return running + old.terminating - min(old.available, max(0, pods - unavailable(new, pods)))


def _may_replace(workload: Workload) -> bool:
    """Say whether a larger maxUnavailable goes on with a rollout that lacks pods already."""
    return workload.kind == "Deployment" or bool(workload.rollout and workload.rollout.surge.amount)
