"""A verdict on the largest template that the caps let through holds the event loop for less than 25 ms (ADR 21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.builders import a_claim, a_container, a_pod, a_quota, a_tier, a_tier_quota, an_item
from tests.calls import calls_of
from tests.core.work import MOST_CALLS
from tests.core.workloads import KNOWN, a_workload, judged
from tiergate.core.native import LimitRange
from tiergate.core.workload_pod import MOST_COMPARISONS

if TYPE_CHECKING:
    from tiergate.core.podspec import Pod
    from tiergate.core.tier import LimitRangeItem, Tier

CONTAINERS, NAMES = 250, ("cpu", "memory", *(f"example.com/r{number}" for number in range(6)))
"""2,000 limits: as many as a pod may have."""


def a_large_template(limit: str) -> Pod:
    limits = dict.fromkeys(NAMES, limit)
    containers = [a_container(f"c{number}", limits=limits, requests=limits) for number in range(CONTAINERS)]
    return msgspec.structs.replace(a_pod(*containers), pointer="/spec/template")


def a_full_tier() -> Tier:
    container = an_item(
        default=dict.fromkeys(NAMES, "1"), low=dict.fromkeys(NAMES, "1"), high=dict.fromkeys(NAMES, "2")
    )
    hard = {"limits.cpu": "500", "limits.memory": "500", "requests.cpu": "500", "pods": "10"}
    pod = an_item("Pod", high=dict.fromkeys(NAMES, "1000"))
    return msgspec.structs.replace(a_tier(container, pod, quotas=[a_tier_quota(hard)]), workloads="Enforce")


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["1", "9", "1500m"], ids=["fits", "refused", "invalid"])
def test_the_largest_verdict_is_worked_out_in_so_many_calls(limit: str) -> None:
    new = a_workload(template=a_large_template(limit), replicas=2)
    old = a_workload(template=a_large_template("2"), replicas=2)
    quotas = (a_quota({"limits.cpu": "500", "limits.memory": "500", "requests.cpu": "500", "pods": "10"}),)
    tier = a_full_tier()
    assert 1_000 < calls_of(lambda: judged(new, old=old, tier=tier, quotas=quotas, around=KNOWN)) < MOST_CALLS


CLAIMS = tuple([a_claim("2Gi") for _ in range(CONTAINERS)])
OF_CONTAINERS = an_item(low={"cpu": "1"}, high={"memory": "1Ti"}, ratio={"example.com/r0": "1"})
OF_PODS = an_item("Pod", low={"cpu": "1"}, high={"memory": "1Ti"})
OF_CLAIMS = an_item("PersistentVolumeClaim", low={"storage": "1Gi"}, high={"storage": "2Gi"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("items", "number"),
    [
        pytest.param((OF_CONTAINERS, OF_PODS), 95, id="too many, for containers"),
        pytest.param((OF_CLAIMS,), 95, id="too many, for claims"),
        pytest.param((an_item("Pod"),), 97, id="empty ones"),
        pytest.param((OF_CONTAINERS,), MOST_COMPARISONS // CONTAINERS // 4, id="as many as are compared: containers"),
        pytest.param((OF_CLAIMS,), MOST_COMPARISONS // (2 * CONTAINERS) // 3, id="as many as are compared: claims"),
    ],
)
def test_a_tenant_s_own_limitranges_take_so_many_calls(items: tuple[LimitRangeItem, ...], number: int) -> None:
    """Whoever may write LimitRanges in a namespace can write about a hundred."""
    asked = a_workload(template=a_large_template("1"), kind="StatefulSet", claims=CLAIMS, kept_claims=CLAIMS)
    ranges = tuple([LimitRange(f"range-{one}", items) for one in range(number)])
    around = msgspec.structs.replace(KNOWN, limit_ranges=ranges)
    assert calls_of(lambda: judged(asked, tier=a_tier(), around=around)) < MOST_CALLS


@pytest.mark.slow
@pytest.mark.parametrize(("quotas", "names"), [(39, 50), (80, 8), (97, 1), (1, 90), (6, 8)])
def test_a_tenant_s_own_quotas_take_so_many_calls(quotas: int, names: int) -> None:
    """The names of storage classes are anybody's to choose."""
    asked = a_workload(template=a_large_template("1"), kind="StatefulSet", claims=CLAIMS, kept_claims=CLAIMS)
    hard = {f"c{number}.storageclass.storage.k8s.io/requests.storage": "1Ti" for number in range(names)}
    found = tuple([a_quota(hard, name=f"quota-{number}", managed=False) for number in range(quotas)])
    assert calls_of(lambda: judged(asked, tier=a_tier(), quotas=found, around=KNOWN)) < MOST_CALLS
