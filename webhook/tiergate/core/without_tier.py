"""What is said where the label of a namespace names no usable tier: a typo in it must not let everything pass."""

from __future__ import annotations

import msgspec

from tiergate.core.decision import Finding
from tiergate.core.facts import InvalidTier, MissingTier
from tiergate.core.workload import Workload, steady
from tiergate.core.workload_findings import NeverRuns


def refused(tier: MissingTier | InvalidTier) -> Finding:
    """Return why a pod or claim is refused."""
    if isinstance(tier, MissingTier):
        return Finding("tier-missing", "", tier=tier.name)
    return Finding("tier-invalid", "", tier=tier.name, detail=tier.reason)


def never_runs(tier: MissingTier | InvalidTier) -> Finding:
    """Return why no pod of a workload can run."""
    cause = refused(tier)
    return Finding("workload-never-runs", "", because=cause.rule, workload=NeverRuns(cause))


def warned(workload: Workload, old: Workload | None, tier: MissingTier | InvalidTier) -> tuple[Finding, ...]:
    """Return what whoever asks for pods of a workload is warned of: the tier may be created a moment later."""
    if not _asks_for_pods(workload, old):
        return ()
    return (msgspec.structs.replace(never_runs(tier), effect="warn"),)


def _asks_for_pods(workload: Workload, old: Workload | None) -> bool:
    """Say whether pods are wanted that were not, as far as is known: of a DaemonSet where it is changed."""
    pods = steady(workload)
    if pods == 0 or workload.owned:
        return False
    return old is None or old.written != workload.written or (pods or 0) > (steady(old) or 0)
