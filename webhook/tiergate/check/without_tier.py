"""What becomes of a workload whose namespace names no usable tier: the webhook admits it and refuses its pods."""

from __future__ import annotations

from tiergate.check.facts import of_another
from tiergate.core.decide import without_tier
from tiergate.core.decision import Decision, Finding
from tiergate.core.facts import InvalidTier, MissingTier
from tiergate.core.request import Subject, Unreadable, WorkloadChange
from tiergate.core.workload import steady
from tiergate.core.workload_findings import NeverRuns


def of_pods(subject: Subject, tier: MissingTier | InvalidTier | None, decision: Decision) -> tuple[Decision, str]:
    """Return the decision with what becomes of the pods, and what is not known of them."""
    if tier is None or not decision.governed or decision.findings:
        return decision, ""
    if isinstance(subject, WorkloadChange):
        if subject.workload is None or steady(subject.workload) == 0:
            return decision, ""
        if unproved := of_another(subject):
            return decision, unproved
    elif not isinstance(subject, Unreadable):
        return decision, ""
    causes = without_tier(tier).findings
    found = [Finding("workload-never-runs", "", because=one.rule, workload=NeverRuns(one)) for one in causes]
    return Decision(tuple(found), tier=tier.name), ""
