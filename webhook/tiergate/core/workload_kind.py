"""The one table of workload kinds: what each is called, who makes its pods, and what says how many there are.

How a controller replaces pods is told in ``core/workload.py``, how a status is read in ``wire/workload_status.py``.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

WorkloadKind = Literal[
    "Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "CronJob"
]


class KindOfWorkload(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of object with a pod template.

    Attributes:
        kind: Its name.
        group: Its API group, "" for the core group; the version is v1 everywhere.
        plural: Its resource.
        pods_made_by: The service account of ``kube-system`` that makes its pods.
        made_by: The kind whose objects make objects of this one, and are judged themselves.
        counted_by: The field that says how many pods there are; "" where nodes do.
        scalable: Whether it has the subresource ``scale``.
        ends: Whether its pods end: what does not fit now runs when others are done.
        may_keep_pods: Whether its update strategy may leave pods of an earlier template as they are.
    """

    kind: WorkloadKind
    group: str
    plural: str
    pods_made_by: str
    made_by: WorkloadKind | None = None
    counted_by: str = "replicas"
    scalable: bool = True
    ends: bool = False
    may_keep_pods: bool = False

    @property
    def resource(self) -> str:
        """The resource with its group, as a rule names it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


WORKLOAD_KINDS: Final[tuple[KindOfWorkload, ...]] = (
    KindOfWorkload(kind="Deployment", group="apps", plural="deployments", pods_made_by="replicaset-controller"),
    KindOfWorkload(
        kind="ReplicaSet",
        group="apps",
        plural="replicasets",
        pods_made_by="replicaset-controller",
        made_by="Deployment",
    ),
    KindOfWorkload(
        kind="StatefulSet",
        group="apps",
        plural="statefulsets",
        pods_made_by="statefulset-controller",
        may_keep_pods=True,
    ),
    KindOfWorkload(
        kind="DaemonSet",
        group="apps",
        plural="daemonsets",
        pods_made_by="daemon-set-controller",
        counted_by="",
        scalable=False,
        may_keep_pods=True,
    ),
    KindOfWorkload(
        kind="ReplicationController",
        group="",
        plural="replicationcontrollers",
        pods_made_by="replication-controller",
    ),
    KindOfWorkload(
        kind="Job",
        group="batch",
        plural="jobs",
        pods_made_by="job-controller",
        made_by="CronJob",
        counted_by="parallelism",
        scalable=False,
        ends=True,
    ),
    KindOfWorkload(
        kind="CronJob",
        group="batch",
        plural="cronjobs",
        pods_made_by="job-controller",
        counted_by="parallelism",
        scalable=False,
        ends=True,
    ),
)
BY_KIND: Final[dict[str, KindOfWorkload]] = {one.kind: one for one in WORKLOAD_KINDS}
BY_RESOURCE: Final[dict[str, KindOfWorkload]] = {one.resource: one for one in WORKLOAD_KINDS}
