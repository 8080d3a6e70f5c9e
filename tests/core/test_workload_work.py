"""A verdict on the largest template that the caps let through holds the event loop for less than 25 ms (ADR 21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.builders import a_container, a_pod, a_quota, a_tier, a_tier_quota, an_item
from tests.calls import calls_of
from tests.core.work import MOST_CALLS
from tests.core.workloads import KNOWN, a_workload, judged

if TYPE_CHECKING:
    from tiergate.core.podspec import Pod
    from tiergate.core.tier import Tier

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
