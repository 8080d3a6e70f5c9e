"""Workloads that keep pods of earlier templates, over several changes: what is said of each comes true (W-3)."""

from __future__ import annotations

from random import Random
from typing import Any, Final

import msgspec
import pytest

from tests.builders import a_quota, a_tier
from tests.core.controllers import Cluster, Spec
from tests.core.workloads import judged
from tiergate.core.tier import Tier

HISTORIES: Final = 3000
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


def _judged(before: Cluster, after: Cluster) -> list[tuple[str, str]]:
    quota = a_quota({"limits.cpu": str(before.hard)}, {"limits.cpu": str(before.used)}, name="own", managed=False)
    found = judged(after.applied(), old=before.stored(), tier=TIER, quotas=(quota,))
    return [(one.rule, one.effect) for one in found]


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
            said, known = _judged(cluster, after), cluster.settled and cluster.done
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
