"""Random cases: a workload, the mode of its tier, quota and LimitRange of its namespace, and a change."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

import msgspec

from tests.forecast.workloads import (
    CLAIM,
    GROUPS,
    NODES,
    Change,
    Json,
    a_workload,
    changed,
    with_ephemeral_claims,
    with_kept_claims,
)

KINDS: Final = {
    "Deployment": 10,
    "StatefulSet": 5,
    "DaemonSet": 4,
    "ReplicaSet": 2,
    "ReplicationController": 1,
    "Job": 2,
    "CronJob": 2,
}
"""Kinds, and how often each comes: those that roll out most of all."""
_CHANGES: Final[dict[str, tuple[Change, ...]]] = {
    "Deployment": ("image", "image", "up", "down", "bigger", "smaller"),
    "StatefulSet": ("image", "image", "up", "down", "bigger", "smaller"),
    "DaemonSet": ("image", "bigger", "smaller"),
    "ReplicaSet": ("up", "down"),
    "ReplicationController": ("up", "down"),
}
MOST_PODS: Final = 8
ENFORCED: Final = 0.4
"""The share of cases whose tier refuses what does not fit."""
_CLAIM_GIB: Final = int(CLAIM.removesuffix("Gi"))


class Step(msgspec.Struct, frozen=True):
    """What is applied: a workload, or through ``scale`` only its number of pods."""

    change: Change
    workload: Json
    scaled: bool = False


class Case(msgspec.Struct, frozen=True):
    """One workload, what bounds its namespace, what is used there beside it, and what is applied in turn."""

    number: int
    kind: str
    enforced: bool
    hard: dict[str, str]
    limits: tuple[Json, ...]
    """Items of a LimitRange; none: there is no LimitRange."""
    beside: int
    """Milli-CPU that a pod of somebody else asks for; 0: there is none."""
    volumes: int
    """How many claims there may be."""
    steps: tuple[Step, ...]

    @property
    def collection(self) -> str:
        """The path of its kind, with a place for the namespace."""
        group = GROUPS[self.kind]
        return f"/{'apis/' if '/' in group else 'api/'}{group}/namespaces/{{}}/{self.kind.lower()}s"


def a_case(number: int, seed: int) -> Case:
    """Return the case of a number, the same for the same seed."""
    random = Random(f"{seed}/{number}")  # noqa: S311  # a reproducible choice
    kind = random.choices([*KINDS], [*KINDS.values()])[0]
    pods, milli = random.randint(1, MOST_PODS), random.choice([50, 100, 250])
    pods = len(NODES) if kind == "DaemonSet" else pods
    hard, first = _hard(random, pods, milli), a_workload(kind, pods, milli, random)
    limits = _limits(random, milli, hard, pods) if random.random() < 0.3 else ()
    volumes = 0
    if kind == "StatefulSet" and random.random() < 0.5:
        volumes = _with_claims(with_kept_claims, first, hard, pods, random)
    elif kind in ("Deployment", "ReplicaSet", "DaemonSet") and random.random() < 0.25:
        volumes = _with_claims(with_ephemeral_claims, first, hard, pods, random)
    steps = [Step("created", first)]
    if kind in _CHANGES:
        change = random.choice(_CHANGES[kind])
        scaled = change in ("up", "down") and random.random() < 0.5
        steps.append(Step(change, changed(first, change, random), scaled))
    beside = random.choice([0, 0, 100])
    return Case(number, kind, random.random() < ENFORCED, hard, limits, beside, volumes, tuple(steps))


def _hard(random: Random, pods: int, milli: int) -> dict[str, str]:
    """Return a quota around what the workload needs: mostly a little more or less, seldom far away."""
    hard: dict[str, str] = {}
    if random.random() < 0.8:
        hard["requests.cpu"] = f"{max(10, int(pods * milli * random.choice([0.5, 0.9, 1, 1, 1.1, 1.3, 2, 3])))}m"
    if not hard or random.random() < 0.3:
        hard["pods"] = str(max(0, pods + random.choice([-2, -1, 0, 1, 1, 2, 4, 8])))
    if random.random() < 0.04:
        hard["limits.memory"] = "1Gi"  # which no pod says
    return hard


def _limits(random: Random, milli: int, hard: dict[str, str], pods: int) -> tuple[Json, ...]:
    """Return a LimitRange: of a minimum, a maximum or a ratio around what each pod asks for, or of a default."""
    cpu, other = {"cpu": f"{milli}m"}, {"cpu": f"{milli * 2}m"}
    match random.choice(["min", "max", "ratio", "default"]):
        case "min":
            return ({"type": "Container", "min": random.choice([cpu, cpu, other])},)
        case "max":
            return ({"type": "Container", "max": random.choice([cpu, other, other])},)
        case "ratio":
            return ({"type": "Container", "maxLimitRequestRatio": {"cpu": "1"}},)
        case _:
            hard["requests.memory"] = f"{64 * max(1, pods + random.choice([-1, 0, 1, 2]))}Mi"
            return ({"type": "Container", "defaultRequest": {"memory": "64Mi"}},)


def _with_claims(give: Callable[[Json], None], workload: Json, hard: dict[str, str], pods: int, random: Random) -> int:
    """Give the workload claims, and mostly a bound of them; return how many there may be."""
    give(workload)
    claims = max(0, pods + random.choice([-1, -1, 0, 0, 1, 2, 8]))
    if random.random() < 0.7:
        if random.random() < 0.5:
            hard["persistentvolumeclaims"] = str(claims)
        else:
            hard["requests.storage"] = f"{claims * _CLAIM_GIB}Gi"
    return 2 * pods + 4  # also for those that take the place of others: a volume serves one claim only
