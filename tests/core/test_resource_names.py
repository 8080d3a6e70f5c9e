"""What the API takes for a resource name: qualified names as labels have them (D-10, R-2)."""

from __future__ import annotations

import pytest

from tests.builders import a_tier, a_tier_quota, an_item
from tiergate.core.resources import is_qualified
from tiergate.core.tier_faults import faults

LONGEST_PREFIX = ".".join(["x" * 63] * 3 + ["x" * 61])


@pytest.mark.parametrize(
    "name",
    [
        "cpu",
        "hugepages-2Mi",
        "nvidia.com/gpu",
        "requests.nvidia.com/gpu",
        "a/B_c.d-e",
        "count/pods",
        "x" * 63,
        "a/" + "x" * 63,
        f"{LONGEST_PREFIX}/y",
    ],
    ids=lambda name: name[:20],
)
def test_a_qualified_name(name: str) -> None:
    assert is_qualified(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/x",
        "x/",
        "a/b/c",
        "hugepages-",
        "-x",
        "A.b/c",
        "a..b/c",
        "a b",
        "ä",
        "cpu\n",
        "x" * 64,
        "a/" + "x" * 64,
        f"{LONGEST_PREFIX}x/y",
    ],
    ids=lambda name: ascii(name[:20]),
)
def test_no_qualified_name(name: str) -> None:
    assert not is_qualified(name)


@pytest.mark.parametrize("name", ["a/b/c", "x/", "hugepages-"])
def test_a_limit_of_a_name_the_api_refuses_is_a_fault(name: str) -> None:
    assert [one.reason for one in faults(a_tier(an_item(low={name: "1"})))] == ["is not a resource name"]


@pytest.mark.parametrize("name", ["requests.a/b/c", "requests./x"])
def test_a_quota_of_a_name_the_api_refuses_is_a_fault(name: str) -> None:
    tier = a_tier(quotas=[a_tier_quota({name: "1"})])
    assert [one.reason for one in faults(tier)] == ["no quota measures this name"]


@pytest.mark.rule("R-4")
@pytest.mark.parametrize("name", ["hugepages-2Mi", "requests.hugepages-2Mi"])
def test_a_scope_with_hugepages_is_a_fault(name: str) -> None:
    """R-4: hugepages are standard names that no scope allows."""
    tier = a_tier(quotas=[a_tier_quota({name: "4Mi"}, scopes=["PriorityClass"])])
    assert [one.reason for one in faults(tier)] == [f"unsupported scope applied to resource: PriorityClass with {name}"]


@pytest.mark.parametrize(
    ("name", "default", "reason"),
    [
        ("nvidia.com/gpu", "500m", "must be an integer"),
        ("nvidia.com/gpu", "1n", "must be an integer"),
        ("hugepages-2Mi", "3Mi", "3Mi is not positive integer multiple of hugepages-2Mi"),
    ],
)
def test_a_default_that_no_container_may_have_is_a_fault(name: str, default: str, reason: str) -> None:
    assert reason in [one.reason for one in faults(a_tier(an_item(default={name: default})))]
