"""Workloads over several changes, also while an earlier rollout is stuck or held: what is said of each comes true."""

from __future__ import annotations

import copy
from random import Random
from typing import Any, Final

import msgspec
import pytest

from tests.builders import a_quota, a_tier
from tests.core.controllers import Cluster, Spec
from tests.core.deployment_controller import Deployments
from tests.core.deployment_controller import Spec as DeploymentSpec
from tests.core.workloads import judged
from tiergate.core.decision import Finding
from tiergate.core.rules import sentence
from tiergate.core.tier import Tier
from tiergate.core.workload import NONE, ONE_POD, QUARTER, RECREATE, IntOrPercent, Rollout

HISTORIES: Final = 8000
TIER: Final[Tier] = msgspec.structs.replace(a_tier(), workloads="Enforce")
_VALUES: Final[dict[str, list[Any]]] = {
    "size": [1, 2, 3, 4],
    "image": [1, 2, 3],
    "replicas": [0, 1, 2, 3, 4, 5, 6],
    "partition": [0, 0, 1, 2, 3, 9, None],
}


def _begun(random: Random) -> Cluster:
    spec = Spec(**{name: random.choice(values) for name, values in _VALUES.items()})
    kind, hard, others = random.random() < 0.3, random.randint(3, 14), random.choice([0, 0, 1, 3])
    begun = Cluster(kind, hard, others, spec, spec, random.random() < 0.5)
    begun.settle()
    return begun


def _judged(before: Cluster | Deployments, after: Cluster | Deployments) -> tuple[Finding, ...]:
    quota = a_quota({"limits.cpu": str(before.hard)}, {"limits.cpu": str(before.used)}, name="own", managed=False)
    return judged(after.applied(), old=before.stored(), tier=TIER, quotas=(quota,))


@pytest.mark.slow
@pytest.mark.rule("W-3")
def test_nothing_is_said_of_what_comes_about_and_what_does_not_is_foreseen_where_the_pods_are_known() -> None:
    """A problem that is only warned of ("can never run") may be one that the strategy puts off."""
    random, seen = Random(7), dict.fromkeys(("said", "silent", "foreseen"), 0)  # noqa: S311  # a reproducible choice
    for _ in range(HISTORIES):
        cluster = _begun(random)
        for _ in range(random.randint(1, 5)):
            names = random.sample([*_VALUES], random.choice([1, 1, 2]))
            spec = msgspec.structs.replace(cluster.spec, **{name: random.choice(_VALUES[name]) for name in names})
            after = msgspec.structs.replace(cluster, spec=spec, pods=dict(cluster.pods))
            said = [(one.rule, one.effect) for one in _judged(cluster, after)]
            known = cluster.settled and cluster.done
            after.settle()
            later = {("workload-never-runs", "warn")}
            if spec.size > cluster.hard and (cluster.replica_set or spec.partition is None):
                later.add(("workload-never-runs", "deny"))  # each pod that has to be made again
            problem = set(said) - later
            assert not (problem and after.done), (cluster, spec, said)
            assert said or after.done or not known, (cluster, spec, after.pods)
            seen["said" if problem else "silent" if after.done else "foreseen"] += 1
            cluster = after
    assert min(seen.values()) > HISTORIES / 10, seen


_OF_DEPLOYMENTS: Final[dict[str, list[Any]]] = {
    "size": [1, 2, 3, 4],
    "image": [1, 2, 3, 4],
    "replicas": [0, 1, 2, 3, 4, 5, 6],
    "rollout": [
        Rollout(),
        RECREATE,
        Rollout(NONE, ONE_POD),
        Rollout(ONE_POD, NONE),
        Rollout(ONE_POD, ONE_POD),
        Rollout(IntOrPercent(50, percent=True), NONE),
        Rollout(IntOrPercent(8), NONE),
        Rollout(QUARTER, NONE),
    ],
    "paused": [False, False, True],
}


@pytest.mark.slow
@pytest.mark.rule("W-1", "W-1a", "W-1c")
def test_a_deployment_is_told_of_nothing_that_comes_about_and_of_each_stall_where_the_pods_are_known() -> None:
    """One that is paused has no problem yet; who goes back to a template whose pods run is told so."""
    random, seen = Random(11), dict.fromkeys(("said", "silent", "foreseen"), 0)  # noqa: S311  # a reproducible choice
    for _ in range(HISTORIES):
        first = {name: random.choice(values) for name, values in _OF_DEPLOYMENTS.items()}
        spec = DeploymentSpec(**{**first, "paused": False})
        cluster = Deployments(random.randint(3, 16), random.choice([0, 0, 1, 3]), spec, random.random() < 0.5)
        cluster.settle()
        for _ in range(random.randint(1, 5)):
            names = random.sample([*_OF_DEPLOYMENTS], random.choice([1, 1, 2]))
            spec = msgspec.structs.replace(
                cluster.spec, **{name: random.choice(_OF_DEPLOYMENTS[name]) for name in names}
            )
            after, known = copy.deepcopy(cluster), cluster.done and not cluster.spec.paused
            after.spec = spec
            runs = spec.template in cluster.sets and cluster.sets[spec.template].there > 0
            found = [
                one
                for one in _judged(cluster, after)
                if (one.rule, one.effect) != ("workload-never-runs", "warn")
                and not (runs and "unless to a template whose pods run" in sentence(one, namespace="dev"))
            ]
            after.settle()
            assert not (found and after.done), (cluster, spec, found)
            assert found or after.done or spec.paused or not known, (cluster, spec, after.sets)
            seen["said" if found else "silent" if after.done else "foreseen"] += 1
            cluster = after
    assert min(seen.values()) > HISTORIES / 10, seen
