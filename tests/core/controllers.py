"""The controllers of StatefulSets and ReplicaSets, in short: which pods they make, of which template, and end.

Written from kubernetes ``pkg/controller/statefulset`` (newVersionedStatefulSetPod, updateStatefulSet, completeUpdate)
and ``pkg/controller/replicaset``.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from tests.core.workloads import a_template
from tiergate.core.podspec import Pod
from tiergate.core.workload import NONE, ONE_POD, Rollout, Workload


class Spec(msgspec.Struct, frozen=True):
    """What is applied: how much each pod asks for, a version of the image, and the strategy.

    ``partition`` None is OnDelete; a ReplicaSet has none.
    """

    size: int
    replicas: int
    partition: int | None = 0
    image: int = 1


class Cluster(msgspec.Struct):
    """A namespace with one workload and a quota of so much; ``pods`` are templates by ordinal."""

    replica_set: bool
    hard: int
    others: int
    spec: Spec
    current: Spec
    in_order: bool = True
    pods: dict[int, Spec] = {}

    @property
    def used(self) -> int:
        """What quota counts."""
        return self.others + sum(pod.size for pod in self.pods.values())

    @property
    def done(self) -> bool:
        """Whether all pods are there, of the template that its strategy gives them."""
        first = self.spec.replicas if self.replica_set else self._partition
        there = sorted(self.pods) == [*range(self.spec.replicas)]
        return there and all(map(self._is_new, range(first, self.spec.replicas)))

    @property
    def settled(self) -> bool:
        """Whether all pods are of the latest template."""
        return all(map(self._is_new, self.pods))

    @property
    def _partition(self) -> int:
        return self.spec.replicas if self.spec.partition is None else self.spec.partition

    def _is_new(self, ordinal: int) -> bool:
        pod, spec = self.pods[ordinal], self.spec
        return (pod.size, pod.image) == (spec.size, spec.image)

    def settle(self) -> None:
        """Let the controller work until nothing changes any more."""
        if self.replica_set:
            self._end([one for one in self.pods if one >= self.spec.replicas])
        while self._make() or (not self.replica_set and self._replace()):
            pass

    def _missing(self) -> list[int]:
        return [one for one in range(self.spec.replicas) if one not in self.pods]

    def _make(self) -> bool:
        """Make one pod that is missing; in order only the first one."""
        for ordinal in self._missing()[: 1 if self.in_order else None]:
            below = not self.replica_set and self.spec.partition is not None and ordinal < self.spec.partition
            pod = self.current if below else self.spec
            if self.used + pod.size <= self.hard:
                self.pods[ordinal] = pod
                return True
        return False

    def _replace(self) -> bool:
        """End pods that are too many, or else the last one of an earlier template; none while one cannot be made."""
        if self._missing():
            return False
        surplus = [one for one in self.pods if one >= self.spec.replicas]
        if not surplus and self.settled:
            self.current = self.spec
        old = [one for one in range(self._partition, self.spec.replicas) if not self._is_new(one)]
        return self._end(surplus or old[-1:])

    def _end(self, ordinals: list[int]) -> bool:
        for one in ordinals:
            del self.pods[one]
        return bool(ordinals)

    def stored(self) -> Workload:
        """Return the workload with what its status tells."""
        running, rollout = len(self.pods), self._rollout()
        updated = sum(map(self._is_new, self.pods))
        waits = not self.replica_set and running > 0 and not updated
        return msgspec.structs.replace(
            self.applied(),
            running=running,
            available=running,
            settled=self.replica_set or updated == running,
            complete=self.replica_set or (self.current.size, self.current.image) == (self.spec.size, self.spec.image),
            held=waits and (rollout is None or rollout.partition >= running),
            failing=self.replica_set and running < self.spec.replicas,
        )

    def applied(self) -> Workload:
        """Return the workload as it is applied."""
        return Workload(
            kind="ReplicaSet" if self.replica_set else "StatefulSet",
            template=template(self.spec.size),
            written=f"{self.spec.size} {self.spec.image}".encode(),
            replicas=self.spec.replicas,
            rollout=self._rollout(),
        )

    def _rollout(self) -> Rollout | None:
        return None if self.replica_set or self.spec.partition is None else Rollout(NONE, ONE_POD, self.spec.partition)


@lru_cache
def template(size: int) -> Pod:
    """Return the template of pods that ask for so much."""
    return a_template({"cpu": str(size)})
