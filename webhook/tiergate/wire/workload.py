"""The workloads of apps/v1, batch/v1 and v1, and autoscaling/v1 Scale."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.core.claim import Claim
from tiergate.core.workload import Scale, Workload, job_pods
from tiergate.core.workload_kind import BY_KIND, WorkloadKind
from tiergate.wire.claim import WireClaim, to_claim
from tiergate.wire.malformed import Faults
from tiergate.wire.rollout import Strategy, to_rollout
from tiergate.wire.template import Template, count_claims, read_template
from tiergate.wire.types import ABSENT, Int64, Metadata, Name, is_absent
from tiergate.wire.workload_status import WorkloadStatus, with_status

_TEMPLATE: Final = "/spec/template"
_JOB_TEMPLATE: Final = "/spec/jobTemplate/spec/template"
JOB_CONTROLLER: Final = "kubernetes.io/job-controller"
"""``managedBy`` of a Job that Kubernetes' own controller runs."""


class OwnerReference(msgspec.Struct):
    """An entry of ``ownerReferences``."""

    apiVersion: Name = ""
    kind: Name = ""
    controller: bool | None = None


class WorkloadMetadata(Metadata):
    """``metadata`` of a workload."""

    ownerReferences: list[OwnerReference] | None = None


class WorkloadSpec(msgspec.Struct):
    """``spec`` of a workload: the fields of all kinds but CronJob."""

    replicas: Int64 | None = None
    template: msgspec.Raw = ABSENT
    strategy: Strategy | None = None
    updateStrategy: Strategy | None = None
    paused: bool | None = None
    volumeClaimTemplates: list[WireClaim] | None = None
    parallelism: Int64 | None = None
    completions: Int64 | None = None
    suspend: bool | None = None
    managedBy: Name | None = None


class WireWorkload(msgspec.Struct):
    """A workload, as far as we read it."""

    metadata: WorkloadMetadata | None = None
    spec: WorkloadSpec | None = None
    status: WorkloadStatus | None = None


class JobTemplate(msgspec.Struct):
    """``jobTemplate`` of a CronJob."""

    spec: WorkloadSpec | None = None


class CronJobSpec(msgspec.Struct):
    """``spec`` of a CronJob."""

    jobTemplate: JobTemplate | None = None
    suspend: bool | None = None
    concurrencyPolicy: Name | None = None


class ActiveJob(msgspec.Struct):
    """An entry of ``status.active``: that it is there is all that counts."""


class CronJobStatus(msgspec.Struct):
    """``status`` of a CronJob."""

    active: list[ActiveJob] | None = None


class WireCronJob(msgspec.Struct):
    """A CronJob, as far as we read it."""

    metadata: WorkloadMetadata | None = None
    spec: CronJobSpec | None = None
    status: CronJobStatus | None = None


class ScaleSpec(msgspec.Struct):
    """``spec`` of a Scale."""

    replicas: Int64 = 0


class WireScale(msgspec.Struct):
    """A Scale, as far as we read it."""

    metadata: Metadata | None = None
    spec: ScaleSpec | None = None


def to_workload(wire: WireWorkload, kind: WorkloadKind) -> Workload | None:
    """Return the core value of a stored one, None for one without a template; raise Malformed."""
    return _stored(wire, kind)[0]


def to_workloads(
    new: WireWorkload, old: WireWorkload | None, kind: WorkloadKind
) -> tuple[Workload | None, Workload | None]:
    """Return a workload and the stored one, each None if it has no template; raise Malformed.

    What a status tells is that of the stored one.
    """
    stored, before = (None, None) if old is None else _stored(old, kind)
    return _workload(new, kind, before)[0], stored


def _stored(wire: WireWorkload, kind: WorkloadKind) -> tuple[Workload | None, Template | None]:
    """Return a stored workload with what its status tells, and its template."""
    workload, template = _workload(wire, kind, None)
    if workload is not None:
        generation = wire.metadata.generation if wire.metadata else 0
        workload = with_status(workload, wire.status or WorkloadStatus(), generation=generation)
    return workload, template


def _template(spec: WorkloadSpec | None, pointer: str, old: Template | None = None) -> Template | None:
    if spec is None or is_absent(spec.template):
        return None
    return read_template(bytes(spec.template), pointer, old=old)


def _workload(wire: WireWorkload, kind: WorkloadKind, old: Template | None) -> tuple[Workload | None, Template | None]:
    """Return the workload with its template, which may be that of the stored one; raise all faults at once."""
    spec, status = wire.spec or WorkloadSpec(), wire.status or WorkloadStatus()
    metadata, faults = wire.metadata or WorkloadMetadata(), Faults()
    template = faults.read(_template, spec, _TEMPLATE, old)
    rollout = to_rollout(kind, spec.strategy if kind == "Deployment" else spec.updateStrategy, faults)
    kept_claims = faults.read(_kept_claims, spec) if spec.volumeClaimTemplates else ()
    faults.raise_all()
    if template is None:
        return None, None
    workload = Workload(
        kind=kind,
        template=template.pod,
        written=template.written,
        replicas=_replicas(kind, spec, status),
        rollout=rollout,
        claims=template.claims,
        kept_claims=kept_claims or (),
        runtime_class=template.runtime_class,
        placement=template.placement if kind == "DaemonSet" else None,
        paused=spec.paused is True,
        owned=_owned(kind, metadata) or _is_elsewhere(spec),
    )
    return workload, template


def to_cron_jobs(new: WireCronJob, old: WireCronJob | None) -> tuple[Workload | None, Workload | None]:
    """Return a CronJob and the stored one, as one Job of each; None without a template; raise Malformed (W-5)."""
    before = None if old is None else _template(_job(old), _JOB_TEMPLATE)
    after = _template(_job(new), _JOB_TEMPLATE, before)
    stored = None if old is None or before is None else _cron_job(old, before)
    return (None if after is None else _cron_job(new, after)), stored


def _job(wire: WireCronJob) -> WorkloadSpec | None:
    job = wire.spec.jobTemplate if wire.spec else None
    return job.spec if job else None


def _cron_job(wire: WireCronJob, template: Template) -> Workload:
    spec, status = wire.spec or CronJobSpec(), wire.status or CronJobStatus()
    at_once = _replicas("Job", _job(wire) or WorkloadSpec(), WorkloadStatus())
    return Workload(
        kind="CronJob",
        template=template.pod,
        written=template.written,
        replicas=0 if spec.suspend else at_once,
        claims=template.claims,
        runtime_class=template.runtime_class,
        # With Forbid the next Job waits for the one that is there, with Replace it takes its place (W-5). With Allow it
        # runs beside those: then what they use is as much in its way as what others use.
        running=len(status.active or ()) * at_once if spec.concurrencyPolicy in ("Forbid", "Replace") else 0,
        failing=True,  # what its Jobs have is known by their number alone
        owned=_is_elsewhere(_job(wire) or WorkloadSpec()),
    )


def _is_elsewhere(spec: WorkloadSpec) -> bool:
    """Say whether another controller runs a Job, such as one that has its pods in another cluster."""
    return spec.managedBy not in (None, "", JOB_CONTROLLER)


def to_scale(wire: WireScale, old: WireScale | None) -> Scale:
    """Return the core value."""
    return Scale((wire.spec or ScaleSpec()).replicas, ((old and old.spec) or ScaleSpec()).replicas)


def _replicas(kind: WorkloadKind, spec: WorkloadSpec, status: WorkloadStatus) -> int:
    if kind == "DaemonSet":
        return 0
    if kind != "Job":
        return 1 if spec.replicas is None else spec.replicas
    if spec.suspend:
        return 0
    return job_pods(parallelism=spec.parallelism, completions=spec.completions, succeeded=status.succeeded)


def _kept_claims(spec: WorkloadSpec) -> tuple[Claim, ...]:
    wires, where = spec.volumeClaimTemplates or (), "/spec/volumeClaimTemplates"
    count_claims(len(wires), where)
    return tuple(to_claim(one, pointer=f"{where}/{index}") for index, one in enumerate(wires))


def _owned(kind: WorkloadKind, metadata: WorkloadMetadata) -> bool:
    """Say whether a workload made it that is judged itself."""
    owner = BY_KIND[kind].made_by
    if owner is None or not metadata.ownerReferences:
        return False
    group = f"{BY_KIND[owner].group}/"
    return any(
        one.controller is True and one.kind == owner and one.apiVersion.startswith(group)
        for one in metadata.ownerReferences
    )
