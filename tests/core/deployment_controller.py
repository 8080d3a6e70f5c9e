"""The controllers of Deployments and their ReplicaSets, in short: how many pods of which template there are.

Written from kubernetes ``pkg/controller/deployment`` (rolling.go, recreate.go, sync.go: scale). All pods are ready at
once, and of pods of two templates those of one always find room first.
"""

from __future__ import annotations

import msgspec

from tests.core.controllers import template
from tiergate.core.workload import RECREATE, Rollout, Workload, surge, unavailable

Template = tuple[int, int]
"""How much each pod asks for, and a version of the image."""


class ReplicaSet(msgspec.Struct):
    """How many pods are wanted, how many are there, and for how many of the Deployment they were wanted."""

    wanted: int = 0
    there: int = 0
    known: int = 0


class Spec(msgspec.Struct, frozen=True):
    """What is applied."""

    size: int
    image: int
    replicas: int
    rollout: Rollout
    paused: bool = False

    @property
    def template(self) -> Template:
        """Which template it is."""
        return self.size, self.image


class Deployments(msgspec.Struct):
    """A namespace with one Deployment and a quota of so much."""

    hard: int
    others: int
    spec: Spec
    new_first: bool = True
    sets: dict[Template, ReplicaSet] = {}

    @property
    def used(self) -> int:
        """What quota counts."""
        return self.others + sum(size * one.there for (size, _), one in self.sets.items())

    @property
    def done(self) -> bool:
        """Whether all pods are there, of the latest template, and no other."""
        there = {key: one.there for key, one in self.sets.items() if one.there}
        return there == ({self.spec.template: self.spec.replicas} if self.spec.replicas else {})

    def settle(self) -> None:
        """Let the controllers work until nothing changes any more."""
        for _ in range(1000):
            before = msgspec.json.encode([*self.sets.values()])
            self._sync()
            self._make_and_end()
            if msgspec.json.encode([*self.sets.values()]) == before:
                return
        raise AssertionError(self)

    def _make_and_end(self) -> None:
        for key in sorted(self.sets, key=lambda key: (key == self.spec.template) is not self.new_first):
            one = self.sets[key]
            one.there = min(one.there, one.wanted)
            while one.there < one.wanted and self.used + key[0] <= self.hard:
                one.there += 1

    def _sync(self) -> None:
        spec, workload = self.spec, self.applied()
        active = [one for one in self.sets.values() if one.wanted]
        more = surge(workload, spec.replicas)
        if spec.paused or any(one.known != spec.replicas for one in active):
            self._scale(active, more)
        elif spec.rollout == RECREATE:
            self._recreate()
        else:
            self._roll(more, spec.replicas - unavailable(workload, spec.replicas))

    def _old(self) -> list[ReplicaSet]:
        return [one for key, one in sorted(self.sets.items()) if key != self.spec.template]

    def _latest(self) -> ReplicaSet:
        latest = self.sets.setdefault(self.spec.template, ReplicaSet())
        latest.known = self.spec.replicas
        return latest

    def _recreate(self) -> None:
        for one in self._old():
            one.wanted = 0
        if not any(one.there for one in self._old()):
            self._latest().wanted = self.spec.replicas

    def _roll(self, more: int, least: int) -> None:
        """Make new pods as far as the surge goes; else end old ones that are not there, then available ones."""
        latest, replicas, before = self._latest(), self.spec.replicas, self._wanted()
        latest.wanted = min(replicas, latest.wanted + max(0, replicas + more - before))
        if self._wanted() != before:
            return
        surplus = before - least - (latest.wanted - latest.there)
        for one in self._old():
            missing = min(max(0, surplus), one.wanted - one.there)
            one.wanted, surplus = one.wanted - missing, surplus - missing
        available = sum(min(one.there, one.wanted) for one in self.sets.values()) - least
        for one in self._old() if before - least - (latest.wanted - latest.there) > 0 else []:
            going = min(max(0, available), one.wanted)
            one.wanted, available = one.wanted - going, available - going

    def _wanted(self) -> int:
        return sum(one.wanted for one in self.sets.values())

    def _scale(self, active: list[ReplicaSet], more: int) -> None:
        """Share a change of the number of pods among the ReplicaSets in proportion; the largest one gets the rest."""
        replicas, latest = self.spec.replicas, self.sets.get(self.spec.template, ReplicaSet())
        if len(active) <= 1:
            for one in active or [*self.sets.values()][-1:]:
                one.wanted = one.known = replicas
            return
        if latest.wanted == latest.there == replicas:
            for one in self._old():
                one.wanted = 0
            return
        most = replicas + more if replicas else 0
        left = most - self._wanted() if self.spec.rollout != RECREATE else 0
        for one in sorted(active, key=lambda one: -one.wanted):
            share = round(one.wanted * most / max(1, one.known + more)) - one.wanted
            share = min(max(share, 0), left) if left > 0 else max(min(share, 0), left)
            one.wanted, one.known, left = max(0, one.wanted + share), replicas, left - share
        largest = max(active, key=lambda one: one.wanted)
        largest.wanted = max(0, largest.wanted + left)

    def stored(self) -> Workload:
        """Return the workload with what its status tells."""
        running = sum(one.there for one in self.sets.values())
        updated = self.sets.get(self.spec.template, ReplicaSet()).there
        return msgspec.structs.replace(
            self.applied(),
            running=running,
            available=running,
            settled=updated == running,
            held=running > 0 and not updated and self.spec.paused,
            failing=any(one.there < one.wanted for one in self.sets.values()),
        )

    def applied(self) -> Workload:
        """Return the workload as it is applied."""
        return Workload(
            kind="Deployment",
            template=template(self.spec.size),
            written=repr(self.spec.template).encode(),
            replicas=self.spec.replicas,
            rollout=self.spec.rollout,
            paused=self.spec.paused,
        )
