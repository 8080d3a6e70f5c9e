"""What an object adds to the sum of its namespace."""

from __future__ import annotations

from tiergate.check.change_set import Part
from tiergate.check.context import ObjectContext
from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod
from tiergate.core.quantity import ZERO
from tiergate.core.quota_bounds import charged
from tiergate.core.request import Subject, workload_of
from tiergate.core.tier import Tier
from tiergate.core.workload import Workload, steady
from tiergate.core.workload_case import WorkloadCase
from tiergate.core.workload_pod import too_much, unit_of


def part_of(context: ObjectContext, subject: Subject, tier: Tier, *, minor: int) -> tuple[Part | None, str]:
    """Return an object's part in the sum, None where it has none; and what is not known of it.

    Args:
        context: The object as it is judged.
        subject: What was decided on.
        tier: Of the namespace.
        minor: The release.
    """
    if context.predicted is not None:
        return _of_one(context, context.predicted.pod, minor), ""
    if isinstance(subject, Claim):
        return _of_one(context, subject, minor), ""
    workload = workload_of(subject)
    if workload is not None and not workload.owned:
        return _of_workload(context, workload, tier, minor)
    return None, ""


def _of_one(context: ObjectContext, subject: Pod | Claim, minor: int) -> Part:
    """Return the part of a pod or claim."""
    unit, stored = charged(subject, minor=minor), context.stored
    if not isinstance(stored, Pod | Claim):
        return Part(index=context.index, what=context.what, unit=(unit,))
    former = charged(stored, minor=minor)
    kept = all(amount <= former.amounts.get(name, ZERO) for name, amount in unit.amounts.items())
    return Part(index=context.index, what=context.what, unit=(unit,), former=(former,), running=1, kept=kept)


def _of_workload(context: ObjectContext, workload: Workload, tier: Tier, minor: int) -> tuple[Part | None, str]:
    running = workload_of(context.stored)
    case = WorkloadCase(
        workload=workload,
        old=running,
        tier=tier,
        quotas=context.surroundings.quotas,
        around=context.surroundings.around,
        minor=minor,
        scaled=False,
    )
    if reason := too_much(case):
        return None, reason
    unit, pods = unit_of(workload, case), steady(workload, context.surroundings.around.nodes)
    if unit is None:
        return None, "the pods of its template are not known: its RuntimeClass, or which LimitRange sets a default"
    if pods is None:
        return None, "how many nodes it runs on is not known: give the Nodes with --usage"
    former = None if running is None else unit_of(running, case)
    before = 0 if running is None else max(running.running, steady(running, context.surroundings.around.nodes) or 0)
    part = Part(
        index=context.index,
        what=context.what,
        unit=unit.charges,
        pods=pods,
        workload=workload,
        kept_claims=unit.kept if running is None else (),
        waits=workload.waits,
        former=() if former is None else former.charges,
        running=before,
        kept=running is not None and workload.written == running.written and pods <= before,
    )
    return part, ""
