"""How many pods that ask for nothing fit."""

from __future__ import annotations

import pytest

from tests.builders import a_quota, a_tier, an_item
from tiergate.core.default_pod import default_pods
from tiergate.core.quota import QuotaStatus
from tiergate.core.release import NEWEST

ITEM = an_item(default={"cpu": "500m", "memory": "256Mi"}, default_request={"cpu": "100m"})


@pytest.mark.parametrize(
    ("quotas", "pods"),
    [
        pytest.param([a_quota({"limits.cpu": "4"})], 8, id="a-limit"),
        pytest.param([a_quota({"limits.cpu": "4"}, {"limits.cpu": "3600m"})], 0, id="rounded-down"),
        pytest.param([a_quota({"limits.cpu": "4"}, {"limits.cpu": "9"})], 0, id="over"),
        pytest.param([a_quota({"requests.memory": "1Gi", "limits.cpu": "9"})], 4, id="a-request-of-a-limit"),
        pytest.param([a_quota({"pods": "20"}, {"pods": "8"})], 12, id="a-count"),
        pytest.param([a_quota({"pods": "20"}), a_quota({"cpu": "1"}, name="own", managed=False)], 10, id="two"),
        pytest.param([a_quota({"pods": "2"}, scopes=["BestEffort"]), a_quota({"pods": "20"})], 20, id="a-scope"),
        pytest.param([a_quota({"requests.storage": "1Gi"})], None, id="counts-claims"),
        pytest.param([a_quota({"requests.nvidia.com/gpu": "2"})], None, id="counts-others"),
        pytest.param([a_quota({"pods": "20", "limits.ephemeral-storage": "1Gi"})], 20, id="not-required"),
        pytest.param([], None, id="none"),
    ],
)
def test_pods_that_fit(quotas: list[QuotaStatus], pods: int | None) -> None:
    assert default_pods(a_tier(ITEM), quotas, minor=NEWEST) == pods


def test_without_a_default_that_a_quota_requires_there_is_no_such_pod() -> None:
    quotas = [a_quota({"pods": "20", "limits.memory": "1Gi"})]
    assert default_pods(a_tier(an_item(default={"cpu": "1"})), quotas, minor=NEWEST) is None
