"""Containers must name what a quota on cpu or memory counts (R-23)."""

from __future__ import annotations

import pytest

from tests.builders import a_claim, a_container, a_pod, a_quota, a_tier, validated
from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus

ROOMY = {"limits.cpu": "100", "requests.memory": "100Gi"}


def missing(subject: Pod | Claim, *quotas: QuotaStatus) -> list[tuple[str, str, str]]:
    decision = validated(subject, old=None, tier=a_tier(), quotas=quotas)
    return [(one.quota, one.container, one.resource) for one in decision.findings if one.rule == "quota-required"]


SIDE = a_container("side", limits={"cpu": "1", "memory": "1Gi"})


@pytest.mark.rule("D-3", "R-23")
@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param(
            a_pod(a_container("app"), SIDE),
            [("tier", "app", "limits.cpu"), ("tier", "app", "requests.memory")],
            id="R-23-app-lacks-both",
        ),
        pytest.param(
            a_pod(a_container("app", requests={"cpu": "1", "memory": "1"})),
            [("tier", "app", "limits.cpu")],
            id="R-23-a-request-is-no-limit",
        ),
        pytest.param(a_pod(SIDE), [], id="D-3-a-limit-is-a-request"),
        pytest.param(a_pod(a_container(limits={"cpu": "0", "memory": "0"})), [], id="R-23-zero-is-enough"),
        pytest.param(
            a_pod(SIDE, init=[a_container("setup", init=True, requests={"memory": "1"})]),
            [("tier", "setup", "limits.cpu")],
            id="R-23-init-containers-too",
        ),
        pytest.param(
            a_pod(requests={"cpu": "1"}),
            [("tier", "agent", "limits.cpu"), ("tier", "agent", "requests.memory")],
            id="a-pod-level-value-of-another-side-or-resource-stands-for-nothing",
        ),
        pytest.param(
            a_pod(requests={"memory": "1Gi"}), [("tier", "agent", "limits.cpu")], id="a-pod-level-request-stands"
        ),
        pytest.param(a_pod(requests={"memory": "1Gi"}, limits={"cpu": "1"}), [], id="a-pod-level-limit-stands-for-all"),
    ],
)
def test_every_container_must_have_the_value(pod: Pod, expected: list[tuple[str, str, str]]) -> None:
    assert missing(pod, a_quota(ROOMY)) == expected


@pytest.mark.rule("R-23")
@pytest.mark.parametrize("pod", [a_pod(requests={"cpu": "1"}), a_pod(limits={"memory": "1Gi"})])
def test_any_pod_level_value_silences_a_quota_of_others(pod: Pod) -> None:
    assert missing(pod, a_quota(ROOMY, managed=False)) == []


def test_a_pod_that_was_admitted_with_pod_level_values_is_not_judged_again() -> None:
    """It may be older than the tier, and native quota lets it resize."""
    before, after = a_pod(requests={"cpu": "1"}), a_pod(requests={"cpu": "2"})
    decision = validated(after, old=before, tier=a_tier(), quotas=(a_quota(ROOMY),))
    assert not decision.findings


@pytest.mark.rule("R-23")
@pytest.mark.parametrize(
    ("name", "shown", "pointer"),
    [
        pytest.param("cpu", "requests.cpu", "/spec/containers/0/resources/requests/cpu", id="R-23-cpu-is-requests"),
        pytest.param("memory", "requests.memory", "/spec/containers/0/resources/requests/memory", id="R-23-memory"),
        pytest.param("limits.memory", "limits.memory", "/spec/containers/0/resources/limits/memory", id="R-23-limits"),
    ],
)
def test_the_missing_value_is_named_with_its_place(name: str, shown: str, pointer: str) -> None:
    decision = validated(a_pod(), old=None, tier=a_tier(), quotas=(a_quota({name: "9"}),))
    assert [(one.rule, one.resource, one.pointer) for one in decision.findings] == [("quota-required", shown, pointer)]


@pytest.mark.rule("R-23")
@pytest.mark.parametrize("name", ["requests.ephemeral-storage", "requests.hugepages-2Mi", "requests.nvidia.com/gpu"])
def test_no_demand_is_made_for_other_resources(name: str) -> None:
    """R-23."""
    assert missing(a_pod(), a_quota({name: "1"})) == []


@pytest.mark.rule("R-23")
def test_only_a_matching_quota_demands() -> None:
    """R-23."""
    quota = a_quota(ROOMY, scopes=["NotTerminating"])
    assert missing(a_pod(), quota)
    assert missing(a_pod(active_deadline_seconds=60), quota) == []


def test_a_foreign_quota_demands_under_its_own_name() -> None:
    foreign = a_quota({"limits.cpu": "9"}, name="theirs", managed=False)
    assert missing(a_pod(), foreign) == [("theirs", "agent", "limits.cpu")]


def test_nothing_is_demanded_of_a_claim() -> None:
    assert missing(a_claim(), a_quota(ROOMY)) == []
