"""What becomes of a workload whose namespace names no usable tier.

The webhook warns and refuses its pods, as the tier may be created a moment later; a check knows all that will be there.
"""

from __future__ import annotations

from tiergate.check.facts import of_another
from tiergate.core.decision import Decision
from tiergate.core.facts import InvalidTier, MissingTier
from tiergate.core.request import Subject, Unreadable, WorkloadChange
from tiergate.core.without_tier import never_runs
from tiergate.core.workload import steady


def of_pods(subject: Subject, tier: MissingTier | InvalidTier | None, decision: Decision) -> tuple[Decision, str]:
    """Return the decision with what becomes of the pods, and what is not known of them."""
    if tier is None or not decision.governed:
        return decision, ""
    if isinstance(subject, WorkloadChange):
        if subject.workload is None or steady(subject.workload) == 0:
            return decision, ""
        if unproved := of_another(subject):
            return decision, unproved
    elif not isinstance(subject, Unreadable):
        return decision, ""
    return Decision((never_runs(tier),), tier=tier.name), ""
