"""The status of a workload: which pods its controller says that there are, and of which template they are."""

from __future__ import annotations

import msgspec

from tiergate.core.workload import Rollout, Workload
from tiergate.core.workload_kind import WorkloadKind
from tiergate.wire.types import Int64, Name


class WorkloadCondition(msgspec.Struct):
    """An entry of ``status.conditions``."""

    type: Name = ""
    status: Name = ""


class WorkloadStatus(msgspec.Struct):
    """``status`` of a workload: the fields of all kinds but CronJob."""

    observedGeneration: Int64 | None = None
    replicas: Int64 = 0
    updatedReplicas: Int64 = 0
    availableReplicas: Int64 = 0
    currentRevision: Name = ""
    updateRevision: Name = ""
    terminatingReplicas: Int64 | None = None
    currentNumberScheduled: Int64 = 0
    numberMisscheduled: Int64 = 0
    updatedNumberScheduled: Int64 = 0
    numberAvailable: Int64 = 0
    active: Int64 = 0
    succeeded: Int64 = 0
    terminating: Int64 | None = None
    conditions: list[WorkloadCondition] | None = None

    @property
    def failing(self) -> bool:
        """Whether it says that pods could not be made."""
        found = [one for one in self.conditions or () if one.type == "ReplicaFailure" and one.status == "True"]
        return bool(found)  # quicker than a generator, and every update comes by here


def with_status(workload: Workload, status: WorkloadStatus, *, generation: int) -> Workload:
    """Return the workload with what its status tells of its pods."""
    kind, rollout, failing = workload.kind, workload.rollout, status.failing
    observed = kind == "Job" or (status.observedGeneration or 0) >= generation
    return msgspec.structs.replace(
        workload,
        running=_running(kind, status),
        available=_available(kind, status, rollout, failing=failing),
        terminating=status.terminatingReplicas or status.terminating or 0,
        observed=observed,
        settled=observed and _has_settled(kind, status),
        complete=status.currentRevision == status.updateRevision,
        held=observed and _is_held(kind, status, rollout, paused=workload.paused),
        failing=failing,
    )


def _running(kind: WorkloadKind, status: WorkloadStatus) -> int:
    """Return how many pods there are; those that are on their way out may be left out."""
    match kind:
        case "DaemonSet":
            return status.currentNumberScheduled + status.numberMisscheduled
        case "Job":
            return status.active
        case _:
            return status.replicas


def _available(kind: WorkloadKind, status: WorkloadStatus, rollout: Rollout | None, *, failing: bool) -> int:
    """Return how many pods are available, 0 where there may be others of which the status does not tell."""
    match kind:
        case "Deployment":
            # Up to 1.34 pods on their way out are not told of; where none can be made there is no room of those either.
            return status.availableReplicas if failing or status.terminatingReplicas is not None else 0
        case "StatefulSet":
            return status.availableReplicas  # pods on their way out are among all its pods
        case "DaemonSet":
            # What is counted are nodes: where pods surge, one may have two.
            two = rollout is not None and rollout.surge.amount > 0 and status.updatedNumberScheduled > 0
            return 0 if two else status.numberAvailable
        case _:
            return 0


def _is_held(kind: WorkloadKind, status: WorkloadStatus, rollout: Rollout | None, *, paused: bool) -> bool:
    """Say whether all pods are of an earlier template and stay."""
    if kind == "DaemonSet":
        return rollout is None and status.currentNumberScheduled > 0 and status.updatedNumberScheduled == 0
    if status.replicas == 0 or status.updatedReplicas:
        return False
    if kind == "StatefulSet":
        return rollout is None or rollout.partition >= status.replicas
    return paused


def _has_settled(kind: WorkloadKind, status: WorkloadStatus) -> bool:
    """Say whether all pods that the status tells of are of the template."""
    match kind:
        case "Deployment" | "StatefulSet":
            return status.updatedReplicas == status.replicas
        case "DaemonSet":
            return status.updatedNumberScheduled == status.currentNumberScheduled
        case _:
            return True  # the template of a Job does not change, and the others do not replace pods
