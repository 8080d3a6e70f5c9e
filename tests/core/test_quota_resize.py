"""What a resize asks of quotas depends on the time (a pod stuck in its deletion) and on the server's release."""

from __future__ import annotations

import pytest

from tests.builders import a_container, a_pod, a_quota, a_tier, amounts, validated
from tiergate.core.podspec import ContainerStatus, Pod

GRACE_OVER = 130.5
FULL = a_quota({"requests.cpu": "1", "pods": "1"}, {"requests.cpu": "1", "pods": "1"})


def stuck(cpu: str) -> Pod:
    return a_pod(a_container(requests={"cpu": cpu}), deleted_at=100.0, grace_seconds=30)


@pytest.mark.rule("R-21")
@pytest.mark.parametrize(
    ("now", "broken"),
    [
        pytest.param(130.0, ["requests.cpu"], id="R-21-in-grace"),
        pytest.param(GRACE_OVER, [], id="R-21-after-grace-it-no-longer-counts"),
    ],
)
def test_a_resize_of_a_pod_stuck_in_its_deletion_asks_for_nothing(now: float, broken: list[str]) -> None:
    decision = validated(stuck("2"), old=stuck("1"), tier=a_tier(), quotas=(FULL,), now=now)
    assert [one.resource for one in decision.findings] == broken


def resizing(first: str, second: str) -> Pod:
    """Return a pod with two containers, the first grown and the second shrunk by a resize that is under way."""

    def reported(cpu: str) -> ContainerStatus:
        return ContainerStatus(requests=amounts({"cpu": cpu}), allocated=amounts({"cpu": cpu}))

    return a_pod(
        a_container("a", requests={"cpu": first}),
        a_container("b", requests={"cpu": second}),
        statuses={"a": reported("1"), "b": reported("2")},
    )


@pytest.mark.rule("R-32", "R-33")
@pytest.mark.parametrize(
    ("minor", "asked"),
    [pytest.param(36, ["1"], id="R-32-sum-of-maxima"), pytest.param(37, [], id="R-33-maximum-of-sums")],
)
def test_moving_cpu_between_containers_asks_by_the_rule_of_the_release(minor: int, asked: list[str]) -> None:
    assert asked_more(resizing("2", "1"), resizing("1", "2"), minor) == asked


@pytest.mark.rule("R-32", "R-33")
@pytest.mark.parametrize(
    ("minor", "asked"),
    [pytest.param(36, [], id="R-32-already-charged"), pytest.param(37, ["1"], id="R-33-charged-now")],
)
def test_what_the_stored_pod_was_charged_is_by_the_rule_of_the_release(minor: int, asked: list[str]) -> None:
    assert asked_more(resizing("2", "2"), resizing("2", "1"), minor) == asked


def asked_more(new: Pod, old: Pod, minor: int) -> list[str]:
    """Return what the resize asks for beyond what the stored pod was charged."""
    full = a_quota({"requests.cpu": "0"})
    decision = validated(new, old=old, tier=a_tier(), quotas=(full,), minor=minor)
    return [str(one.actual) for one in decision.findings]
