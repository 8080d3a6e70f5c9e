"""What a resize is charged depends on the API server's release and on the time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import Json, a_pod_object, a_quota, a_tier, a_tier_quota
from tests.reviews import a_resize
from tests.server.admission_fakes import FakeState, answer, rules
from tiergate.core.mode import MODES, Mode

FULL = a_quota({"requests.cpu": "3"}, {"requests.cpu": "3"})
modes = pytest.mark.parametrize("mode", MODES)


async def found(body: bytes, mode: Mode, *, release: int = 37) -> list[str]:
    """Return the rules that a resize breaks under a full quota, refused or only told of; native or counted."""
    tier = a_tier(quotas=[a_tier_quota({"requests.cpu": "3"})], mode=mode)
    answered = await answer(
        "validate", body, FakeState(tiers={"dev": tier}, quotas=(FULL,), usage=(FULL,), release=release)
    )
    assert (rules(answered) != []) == (mode == "Enforce" and answered.record.rules != ())
    return list(answered.record.rules)


def a_running_pod(first: str, second: str, **metadata: Any) -> Json:  # noqa: ANN401  # JSON
    """Return a pod whose two containers ask for so much cpu while the kubelet has allocated 1 and 2 to them."""
    pod = a_pod_object(
        *({"name": name, "resources": {"requests": {"cpu": cpu}}} for name, cpu in (("a", first), ("b", second)))
    )
    pod["metadata"] |= metadata
    pod["status"] = {"containerStatuses": [allocated("a", "1"), allocated("b", "2")]}
    return pod


def allocated(name: str, cpu: str) -> Json:
    return {"name": name, "resources": {"requests": {"cpu": cpu}}, "allocatedResources": {"cpu": cpu}}


@modes
@pytest.mark.parametrize(
    ("release", "broken"),
    [
        pytest.param(36, ["quota-exceeded"], id="R-32-up-to-1.36-the-sum-of-the-larger-ones"),
        pytest.param(37, [], id="R-33-from-1.37-the-largest-of-the-sums"),
    ],
)
async def test_exchanging_two_requests_costs_what_the_server_counts(
    mode: Mode, release: int, broken: list[str]
) -> None:
    body = a_resize(a_running_pod("2", "1"), a_running_pod("1", "2"))
    assert await found(body, mode, release=release) == broken


@modes
@pytest.mark.parametrize(
    ("deleted", "broken"),
    [
        pytest.param("2020-01-01T00:00:00Z", [], id="R-21-over-its-grace-period"),
        pytest.param("2999-01-01T00:00:00Z", ["quota-exceeded"], id="R-21-within-its-grace-period"),
    ],
)
async def test_a_pod_stuck_in_its_deletion_no_longer_counts(mode: Mode, deleted: str, broken: list[str]) -> None:
    dying = {"deletionTimestamp": deleted, "deletionGracePeriodSeconds": 30}
    body = a_resize(a_running_pod("2", "2", **dying), a_running_pod("1", "2", **dying))
    assert await found(body, mode) == broken
