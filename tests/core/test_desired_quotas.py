"""A tier's quotas as ResourceQuota objects: one for each scope set, the smaller bound wins."""

from __future__ import annotations

import pytest

from tests.builders import a_tier, a_tier_quota, texts
from tiergate.core.desired import DesiredQuota, desired_quotas
from tiergate.core.tier import ScopeRequirement, TierQuota

HIGH = ScopeRequirement("PriorityClass", "In", ("high", "urgent"))


def desired(*quotas: TierQuota) -> tuple[DesiredQuota, ...]:
    return desired_quotas(a_tier(quotas=quotas))


def test_a_tier_without_quotas_wants_none() -> None:
    assert desired() == ()


@pytest.mark.rule("smaller-bound")
def test_unscoped_quotas_merge_into_one_object_and_the_smaller_bound_wins() -> None:
    (one,) = desired(
        a_tier_quota({"pods": "20", "limits.cpu": "4"}, name="compute"),
        a_tier_quota({"pods": "30", "limits.cpu": "3500m", "requests.storage": "1Gi"}, name="more"),
    )
    assert one.name == "tier"
    assert texts(one.hard) == {"pods": "20", "limits.cpu": "3500m", "requests.storage": "1Gi"}
    assert one.sources == {"pods": "compute", "limits.cpu": "more", "requests.storage": "more"}
    assert (one.scopes, one.scope_selector) == ((), ())


@pytest.mark.rule("R-58", "smaller-bound")
def test_the_first_quota_names_a_bound_that_two_share() -> None:
    (one,) = desired(a_tier_quota({"pods": "1000m"}, name="a"), a_tier_quota({"pods": "1"}, name="b"))
    assert one.sources == {"pods": "a"}


@pytest.mark.rule("R-58")
def test_each_scope_set_gets_its_own_object_the_unscoped_first() -> None:
    found = desired(
        a_tier_quota({"pods": "1"}, scopes=["BestEffort"]),
        a_tier_quota({"pods": "2"}, selector=[HIGH]),
        a_tier_quota({"pods": "3"}),
    )
    assert found[0].name == "tier"
    assert len({one.name for one in found}) == 3
    assert all(one.name.startswith("tier-") for one in found[1:])
    assert {one.scopes: texts(one.hard) for one in found[1:] if one.scopes} == {("BestEffort",): {"pods": "1"}}
    assert {one.scope_selector: texts(one.hard) for one in found[1:] if one.scope_selector} == {(HIGH,): {"pods": "2"}}


@pytest.mark.rule("smaller-bound")
def test_the_name_of_a_scope_set_does_not_depend_on_spelling_or_order() -> None:
    swapped = ScopeRequirement("PriorityClass", "In", ("urgent", "high"))
    terminating = ScopeRequirement("Terminating")
    (one,) = desired(a_tier_quota({"pods": "1"}, scopes=["NotBestEffort", "Terminating"], selector=[HIGH, terminating]))
    (other,) = desired(
        a_tier_quota({"pods": "2"}, scopes=["Terminating", "NotBestEffort"], selector=[terminating, swapped], name="x")
    )
    assert one.name == other.name
    (merged,) = desired(
        a_tier_quota({"pods": "3"}, scopes=["Terminating", "NotBestEffort"]),
        a_tier_quota({"pods": "2"}, scopes=["NotBestEffort", "Terminating"], name="x"),
    )
    assert texts(merged.hard) == {"pods": "2"}


@pytest.mark.rule("R-58")
def test_different_scope_sets_have_different_names() -> None:
    sets = [
        a_tier_quota({"pods": "1"}, scopes=["Terminating"]),
        a_tier_quota({"pods": "1"}, scopes=["NotTerminating"]),
        a_tier_quota({"pods": "1"}, selector=[HIGH]),
        a_tier_quota({"pods": "1"}, selector=[ScopeRequirement("PriorityClass", "NotIn", ("high", "urgent"))]),
    ]
    assert len({one.name for one in desired(*sets)}) == 4


def test_the_name_of_a_scope_set_never_changes_between_releases() -> None:
    """Another name for the same set would leave the old object behind and create a second one."""
    (one,) = desired(a_tier_quota({"pods": "1"}, scopes=["BestEffort"]))
    assert one.name == "tier-eab771cdc3"
