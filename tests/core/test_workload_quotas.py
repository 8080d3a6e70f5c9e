"""Which quotas count the pods and claims of a workload, and what is said where they are in their way."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import a_claim, a_quota, a_tier, a_tier_quota, amounts, an_item
from tests.core.workloads import KNOWN, NEVER, SHORT, TIER, a_template, a_workload, judged, told_of
from tiergate.core.quota import QuotaStatus
from tiergate.core.rules import sentence
from tiergate.core.tier import ScopeRequirement, Tier

_FOUR = a_workload(replicas=4)


@pytest.mark.rule("R-31")
@pytest.mark.parametrize(
    ("overheads", "expected"),
    [
        pytest.param({"kata": amounts({"cpu": "1"})}, [(SHORT, "warn")], id="R-31-counted"),
        pytest.param({"kata": {}}, [], id="none"),
        pytest.param({}, [], id="no-such-class"),
        pytest.param(None, [], id="not-known"),
    ],
)
def test_the_overhead_of_a_runtime_class_counts(overheads: Any, expected: list[tuple[str, str]]) -> None:  # noqa: ANN401  # amounts by class
    around = msgspec.structs.replace(KNOWN, overheads=overheads)
    assert told_of(a_workload(replicas=3, runtime_class="kata"), around=around) == expected


_CRITICAL = ScopeRequirement("PriorityClass", "In", ("critical",))
_UNCRITICAL = ScopeRequirement("PriorityClass", "NotIn", ("critical",))
_BURSTABLE = ScopeRequirement("NotBestEffort", "Exists")


@pytest.mark.rule("R-24")
@pytest.mark.parametrize(
    ("priority", "wanted", "expected"),
    [
        pytest.param("critical", _CRITICAL, [(SHORT, "warn")], id="R-24-counted"),
        pytest.param("other", _CRITICAL, [], id="R-24-not-counted"),
        pytest.param("", _CRITICAL, [], id="not-counted-and-may-yet-get-the-global-default"),
        pytest.param("other", _UNCRITICAL, [(SHORT, "warn")], id="R-24-all-others-are-counted"),
        pytest.param("", _UNCRITICAL, [], id="counted-unless-it-gets-the-global-default"),
        pytest.param("", _BURSTABLE, [(SHORT, "warn")], id="another-scope"),
    ],
)
def test_a_scoped_quota_judges_what_it_counts(
    priority: str, wanted: ScopeRequirement, expected: list[tuple[str, str]]
) -> None:
    scoped = a_quota({"pods": "1"}, name="own", managed=False, selector=[wanted])
    template = a_template({"cpu": "1"}, priority_class=priority)
    assert told_of(a_workload(template=template, replicas=2), quotas=(scoped,)) == expected


def test_a_quota_that_is_not_there_yet_counts_as_unused() -> None:
    assert told_of(_FOUR, quotas=()) == []
    (found,) = judged(a_workload(replicas=5), tier=TIER, quotas=())
    assert (found.rule, found.quota) == (SHORT, "compute")


@pytest.mark.rule("R-24")
@pytest.mark.parametrize(
    ("scopes", "selector"),
    [
        pytest.param(["BestEffort"], [], id="scope"),
        pytest.param([], [ScopeRequirement("BestEffort", "Exists")], id="selector"),
    ],
)
def test_one_that_is_not_there_yet_counts_the_pods_of_its_scopes(
    scopes: list[str], selector: list[ScopeRequirement]
) -> None:
    tier = a_tier(quotas=[a_tier_quota({"pods": "1"}, scopes=scopes, selector=selector)])
    assert told_of(a_workload({"cpu": "1"}, replicas=2), tier=tier, quotas=()) == []
    assert told_of(a_workload({}, replicas=2), tier=tier, quotas=()) == [(SHORT, "warn")]


@pytest.mark.parametrize("quotas", [None, ()])
def test_a_pod_that_is_larger_than_the_quota_never_runs(quotas: tuple[QuotaStatus, ...] | None) -> None:
    tier = a_tier(quotas=[a_tier_quota({"limits.cpu": "4"})])
    assert told_of(a_workload({"cpu": "5"}), tier=tier, quotas=quotas) == [(NEVER, "deny")]


THEIRS = a_quota({"limits.cpu": "2"}, managed=False)
FOUR_CORES = a_tier(quotas=[a_tier_quota({"limits.cpu": "4"})])
FIVE_CORES = a_tier(quotas=[a_tier_quota({"limits.cpu": "5"})])


@pytest.mark.parametrize(
    ("tier", "quota", "rules"),
    [
        pytest.param(FIVE_CORES, a_quota({"limits.cpu": "2"}), [], id="the-tier-was-raised"),
        pytest.param(FOUR_CORES, a_quota({"limits.cpu": "8"}), [], id="the-tier-was-lowered"),
        pytest.param(FIVE_CORES, THEIRS, ["workload-never-runs"], id="of-others"),
        pytest.param(
            FIVE_CORES,
            msgspec.structs.replace(
                a_quota({"limits.cpu": "2"}, managed=False), spec_hard=amounts({"limits.cpu": "9"})
            ),
            [],
            id="of-others-and-raised",
        ),
        pytest.param(FIVE_CORES, a_quota({"pods": "9"}), [], id="a-name-that-is-not-there-yet"),
        pytest.param(
            FIVE_CORES, a_quota({"limits.cpu": "2"}, name="former"), ["workload-never-runs"], id="one-on-its-way-out"
        ),
    ],
)
def test_while_a_controller_follows_a_change_the_larger_bound_counts(
    tier: Tier, quota: QuotaStatus, rules: list[str]
) -> None:
    """A pod that is refused meanwhile is tried again, a workload is not."""
    found = judged(a_workload({"cpu": "5"}), tier=tier, quotas=(quota,))
    assert [one.rule for one in found] == rules


def test_a_container_without_what_a_quota_counts_never_runs() -> None:
    assert told_of(a_workload({}), tier=a_tier(quotas=[a_tier_quota({"limits.memory": "4Gi"})])) == [(NEVER, "deny")]


def test_usage_that_is_not_known_is_said_to_be_so() -> None:
    assert told_of(_FOUR, quotas=None) == [("workload-unchecked", "warn")]


@pytest.mark.rule("W-3")
def test_claims_of_a_statefulset_are_told_of_and_never_refused() -> None:
    """They stay when it is deleted: one that is there already is used as it is."""
    tier = a_tier(
        an_item("PersistentVolumeClaim", high={"storage": "10Gi"}), quotas=[a_tier_quota({"requests.storage": "20Gi"})]
    )
    tier = msgspec.structs.replace(tier, workloads="Enforce")
    small = a_workload(kind="StatefulSet", replicas=3, kept_claims=(a_claim("8Gi"),))
    assert told_of(small, tier=tier, quotas=()) == [(SHORT, "warn")]
    large = msgspec.structs.replace(small, kept_claims=(a_claim("11Gi"),))
    assert told_of(large, tier=tier, quotas=()) == [(NEVER, "warn"), (SHORT, "warn")]
    many = msgspec.structs.replace(large, replicas=6)  # what is wrong with a claim does not hide what is refused
    tier = msgspec.structs.replace(tier, quotas=(*tier.quotas, a_tier_quota({"limits.cpu": "4"})))
    assert set(told_of(many, tier=tier, quotas=())) == {(NEVER, "warn"), (SHORT, "warn"), (SHORT, "deny")}
    ephemeral = a_workload(replicas=3, claims=(a_claim("8Gi"),))
    assert told_of(ephemeral, tier=tier, quotas=()) == [(SHORT, "deny")]


@pytest.mark.rule("W-3")
def test_what_a_claim_is_refused_for_is_not_said_twice() -> None:
    """A quota too small for one claim has no room for all of them; what else is short is said besides."""
    workload = a_workload(kind="StatefulSet", replicas=6, kept_claims=(a_claim("20Gi"),))
    quota = a_quota({"requests.storage": "10Gi", "limits.cpu": "4"}, name="own", managed=False)
    found = judged(workload, tier=a_tier(), quotas=(quota,))
    assert [one.rule for one in found] == [NEVER, SHORT]
    assert "requests.storage" in sentence(found[0], namespace="dev")
    assert "limits.cpu" in sentence(found[1], namespace="dev")


@pytest.mark.rule("W-3")
@pytest.mark.parametrize(
    ("ephemeral", "kept", "replicas", "expected"),
    [
        pytest.param("6Gi", "6Gi", 2, [(SHORT, "warn")], id="together-too-large"),
        pytest.param("4Gi", "6Gi", 2, [], id="together-just-fit"),
        pytest.param("11Gi", "1Gi", 2, [(SHORT, "deny")], id="ephemeral-alone-too-large"),
        pytest.param("12Gi", "9Gi", 1, [(SHORT, "warn")], id="one-pod-is-too-large"),
    ],
)
def test_all_claims_of_a_pod_are_added_up(
    ephemeral: str, kept: str, replicas: int, expected: list[tuple[str, str]]
) -> None:
    tier = msgspec.structs.replace(a_tier(quotas=[a_tier_quota({"requests.storage": "20Gi"})]), workloads="Enforce")
    claims, kept_claims = (a_claim(ephemeral),), (a_claim(kept),)
    workload = a_workload(kind="StatefulSet", replicas=replicas, claims=claims, kept_claims=kept_claims)
    assert told_of(workload, tier=tier, quotas=()) == expected
