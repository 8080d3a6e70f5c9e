"""Workloads: how many pods an object with a pod template keeps, and how it replaces them (rules W-1 to W-8).

Source: kubernetes ``pkg/controller/deployment``, ``statefulset``, ``daemon``, ``job`` and ``cronjob``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from tiergate.core.claim import Claim
from tiergate.core.placement import Node, Placement, matching
from tiergate.core.podspec import Pod
from tiergate.core.workload_kind import BY_KIND, WorkloadKind


class IntOrPercent(msgspec.Struct, frozen=True):
    """A number, or a percentage, of pods."""

    amount: int
    percent: bool = False

    def of(self, pods: int, *, up: bool) -> int:
        """Return how many of so many pods it is, a percentage rounded up or down."""
        if not self.percent:
            return self.amount
        return -(-pods * self.amount // 100) if up else pods * self.amount // 100

    def __str__(self) -> str:
        return f"{self.amount}%" if self.percent else str(self.amount)


QUARTER: Final = IntOrPercent(25, percent=True)
NONE: Final = IntOrPercent(0)
ONE_POD: Final = IntOrPercent(1)
ALL: Final = IntOrPercent(100, percent=True)


class Rollout(msgspec.Struct, frozen=True):
    """How pods of an old template are replaced: ``surge`` more than wanted, ``unavailable`` fewer than wanted.

    ``partition`` is how many pods of a StatefulSet keep the old template.
    """

    surge: IntOrPercent = QUARTER
    unavailable: IntOrPercent = QUARTER
    partition: int = 0


RECREATE: Final = Rollout(surge=NONE, unavailable=ALL)


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """An object with a pod template.

    Attributes:
        kind: Its kind.
        template: The pod of its template, as written.
        written: The template as stored; two templates are the same where these are.
        replicas: How many pods it wants; of a DaemonSet 0, as its nodes say.
        rollout: How it replaces pods after a change of the template; None: it does not.
        claims: Claims that come into being with each pod (generic ephemeral volumes).
        kept_claims: Claims of each pod of a StatefulSet, which may be there already.
        runtime_class: The RuntimeClass of the template, whose overhead its pods get.
        placement: Where a DaemonSet's pods may run.
        running: How many pods its status says that there are.
        available: How many of these are available; 0 where the status may leave pods out.
        terminating: How many more are terminating.
        observed: Whether its status is that of this version.
        settled: Besides, all its pods are of this template.
        complete: Its last rollout has ended, so that the pods below its partition are made of this template, too.
        held: It does not replace its pods, as it is paused or by its strategy, and all of them are of an earlier
            template; which one is not known.
        failing: Its status says that pods could not be made.
        paused: It does not act on what it says.
        owned: A workload that is judged itself made it, or another controller than Kubernetes' own runs it.
    """

    kind: WorkloadKind
    template: Pod
    written: bytes = b""
    replicas: int = 1
    rollout: Rollout | None = None
    claims: tuple[Claim, ...] = ()
    kept_claims: tuple[Claim, ...] = ()
    runtime_class: str = ""
    placement: Placement | None = None
    running: int = 0
    available: int = 0
    terminating: int = 0
    observed: bool = True
    settled: bool = True
    complete: bool = True
    held: bool = False
    failing: bool = False
    paused: bool = False
    owned: bool = False

    @property
    def waits(self) -> bool:
        """Whether its pods run when others are done."""
        return BY_KIND[self.kind].ends

    @property
    def never_replaces(self) -> bool:
        """Whether its pods stay as they are whatever its template says, as those of a ReplicaSet do."""
        return self.rollout is None and not BY_KIND[self.kind].may_keep_pods and not self.waits


class Scale(msgspec.Struct, frozen=True):
    """A change of the number of pods through the ``scale`` subresource."""

    replicas: int
    before: int


def job_pods(*, parallelism: int | None, completions: int | None, succeeded: int) -> int:
    """Return how many pods a Job runs at once (W-4)."""
    at_once = 1 if parallelism is None else parallelism
    return at_once if completions is None else max(0, min(at_once, completions - succeeded))


def steady(workload: Workload, nodes: Sequence[Node] | None = None) -> int | None:
    """Return how many pods the workload keeps; None for a DaemonSet where its nodes are not known."""
    if workload.kind != "DaemonSet":
        return workload.replicas
    if nodes is None or workload.placement is None:
        return None
    return matching(workload.placement, nodes)


def surge(workload: Workload, pods: int) -> int:
    """Return how many pods more than wanted a rollout may make (W-1, W-3, W-8)."""
    return 0 if workload.rollout is None else workload.rollout.surge.of(pods, up=True)


def unavailable(workload: Workload, pods: int) -> int:
    """Return how many pods fewer than wanted a rollout may leave (W-1, W-1c); where nothing else lets it move, 1."""
    rollout = workload.rollout
    if rollout is None:
        return 0
    fewer = min(pods, rollout.unavailable.of(pods, up=workload.kind == "DaemonSet"))
    return fewer if fewer or surge(workload, pods) else min(pods, 1)


def replaced(workload: Workload, pods: int) -> int:
    """Return how many of so many pods of an earlier template the strategy replaces; a pause does not count."""
    return 0 if workload.rollout is None else max(0, pods - workload.rollout.partition)
