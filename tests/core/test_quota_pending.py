"""Quotas not in force yet: the tier's own are waited for, foreign ones refuse as native quota does (R-50.1)."""

from __future__ import annotations

import pytest

from tests.builders import a_claim, a_container, a_pod, a_quota, a_tier, a_tier_quota, amounts, validated
from tiergate.core.claim import Claim
from tiergate.core.decision import Decision
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.rules import sentence

TIER = a_tier(quotas=[a_tier_quota({"pods": "9"}), a_tier_quota({"requests.storage": "9Gi"}, name="disk")])
BOTH = {"pods": "9", "requests.storage": "9Gi"}


def judged(*quotas: QuotaStatus, subject: Pod | Claim | None = None) -> Decision:
    return validated(subject or a_pod(), old=None, tier=TIER, quotas=quotas)


@pytest.mark.rule("R-1", "R-50", "quota-pending")
@pytest.mark.parametrize(
    ("quotas", "subject", "waits_for"),
    [
        pytest.param([], a_pod(), "compute", id="absent"),
        pytest.param([], a_claim(), "disk", id="absent-for-claims"),
        pytest.param([QuotaStatus("tier", managed=True)], a_pod(), "compute", id="R-1-status-empty"),
        pytest.param(
            [QuotaStatus("tier", managed=True, hard=amounts(BOTH))], a_pod(), "compute", id="R-50.1-used-unknown"
        ),
        pytest.param(
            [QuotaStatus("tier", managed=True, used=amounts({"pods": "0"}))], a_pod(), "compute", id="R-1-hard-missing"
        ),
        pytest.param([a_quota(BOTH, managed=False)], a_pod(), "compute", id="a-foreign-object-of-our-name"),
        pytest.param([a_quota(BOTH, name="tier-x")], a_pod(), "compute", id="another-object-of-ours"),
    ],
)
def test_a_quota_of_the_tier_is_waited_for(quotas: list[QuotaStatus], subject: Pod | Claim, waits_for: str) -> None:
    decision = judged(*quotas, subject=subject)
    assert [(one.rule, one.pointer, one.quota) for one in decision.findings] == [("quota-pending", "", waits_for)]


def test_a_quota_in_force_is_not_waited_for() -> None:
    assert judged(a_quota(BOTH)).allowed


def test_only_names_that_the_object_has_are_waited_for() -> None:
    half = QuotaStatus("tier", managed=True, hard=amounts({"pods": "9"}), used=amounts({"pods": "0"}))
    assert judged(half).allowed
    assert [one.rule for one in judged(half, subject=a_claim()).findings] == ["quota-pending"]


@pytest.mark.rule("quota-pending")
def test_a_quota_of_another_scope_is_not_waited_for() -> None:
    tier = a_tier(quotas=[a_tier_quota({"pods": "9"}, scopes=["Terminating"])])
    assert validated(a_pod(), old=None, tier=tier, quotas=()).allowed
    decision = validated(a_pod(active_deadline_seconds=1), old=None, tier=tier, quotas=())
    assert [one.rule for one in decision.findings] == ["quota-pending"]


@pytest.mark.rule("R-50")
def test_a_foreign_quota_with_unknown_usage_refuses() -> None:
    """R-50.1: native quota answers "status unknown for quota"."""
    foreign = QuotaStatus("theirs", hard=amounts({"pods": "9", "cpu": "9"}), used=amounts({"cpu": "0"}))
    subject = a_pod(a_container(requests={"cpu": "1"}))
    decision = validated(subject, old=None, tier=a_tier(), quotas=(foreign,))
    (found,) = decision.findings
    assert (found.rule, found.pointer) == ("quota-pending", "")
    expected = 'quota "theirs": the usage of pods is not known yet; try again in a moment'
    assert sentence(found, namespace="dev") == expected


@pytest.mark.rule("R-9")
def test_a_foreign_quota_of_another_scope_may_be_unknown() -> None:
    """R-9."""
    foreign = QuotaStatus("theirs", hard=amounts({"pods": "9"}), scopes=("Terminating",))
    assert validated(a_pod(), old=None, tier=a_tier(), quotas=(foreign,)).allowed


@pytest.mark.rule("R-61")
@pytest.mark.parametrize("name", ["nvidia.com/gpu", "services", "requests.storage"])
def test_names_nothing_measures_from_a_pod_are_never_unknown(name: str) -> None:
    """R-61."""
    foreign = QuotaStatus("theirs", hard=amounts({name: "1"}))
    assert validated(a_pod(), old=None, tier=a_tier(), quotas=(foreign,)).allowed
