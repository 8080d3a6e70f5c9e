"""What a check keeps of each object for the sum of its namespace is what quotas see, however many containers it has."""

from __future__ import annotations

from typing import Final

import pytest

from tests.builders import a_claim, a_container, a_pod, a_quota, a_tier
from tests.core.workloads import a_workload
from tiergate.check.change_set import Part, Total, totals
from tiergate.core.podspec import Pod
from tiergate.core.quantity import Quantity
from tiergate.core.quota_bounds import NamespaceQuotas, charged
from tiergate.core.release import NEWEST
from tiergate.core.tier import ScopeRequirement
from tiergate.core.workload import Rollout

HARD: Final = {"requests.cpu": "9", "limits.cpu": "9", "pods": "20", "requests.storage": "100Gi"}
SCOPES: Final = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
PODS: Final = (
    a_pod(a_container("marked", requests={"cpu": "1"}), a_container("marked-2", limits={"cpu": "2"})),
    a_pod(a_container("marked"), active_deadline_seconds=60, priority_class="high"),
    a_pod(a_container("marked"), cross_namespace_affinity=True, qos_class="Burstable"),
)
QUOTAS: Final = NamespaceQuotas(
    (
        a_quota(HARD, name="all"),
        *(a_quota(HARD, name=scope, scopes=[scope]) for scope in SCOPES),
        a_quota(HARD, name="high", selector=[ScopeRequirement("PriorityClass", "In", ("high",))]),
    ),
    a_tier(),
    NEWEST,
)


def summed(part: Part) -> list[tuple[str, str, list[tuple[Quantity, ...]], bool]]:
    """Return what the sums of a namespace take from the part."""

    def shares(total: Total) -> list[tuple[Quantity, ...]]:
        return [(one.each, one.steady, one.peak, one.freed) for one in total.shares]

    return [(one.bound.quota, one.bound.name, shares(one), any(one.stalled())) for one in totals([part], QUOTAS)]


@pytest.mark.parametrize("pod", PODS, ids=["two-containers", "terminating", "affinity"])
def test_the_sum_is_the_same_and_nothing_of_the_containers_is_kept(pod: Pod) -> None:
    unit, claim = charged(pod, minor=NEWEST), charged(a_claim(), minor=NEWEST)
    workload = a_workload(template=pod, claims=(a_claim(),), rollout=Rollout(), replicas=4)
    part = Part(
        index=0,
        what="deployment web",
        unit=(unit, claim),
        pods=4,
        workload=workload,
        kept_claims=(claim,),
        former=(unit,),
        running=1,
    )
    reduced = part.reduced(minor=NEWEST)
    assert summed(reduced) == summed(part) != []
    assert "marked" in repr(part)
    assert "marked" not in repr(reduced)
