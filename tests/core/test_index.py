"""What a namespace's objects add up to, by quota name and scope."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from tests.builders import Texts, a_claim, a_container, a_pod, a_quota, a_tier, a_tier_quota, texts
from tiergate.core.claim import Claim
from tiergate.core.index import Footprints, Tally, used, would_be
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import ScopeRequirement

NOW = 1_000_000.0
HARD = {
    "pods": "9",
    "count/pods": "9",
    "requests.cpu": "9",
    "cpu": "9",
    "limits.memory": "9Gi",
    "requests.storage": "9Gi",
}


def sum_of(subjects: Iterable[Pod | Claim], quota: QuotaStatus, *, now: float = NOW) -> dict[str, str]:
    footprints, tally = Footprints(), Tally()
    for number, subject in enumerate(subjects):
        tally.set(f"dev/{number}", footprints.of(subject))
    return texts(used(quota, tally.counts("dev").items(), now=now))


def cpu(amount: str, **fields: Any) -> Pod:  # noqa: ANN401  # fields of Pod
    return a_pod(a_container(requests={"cpu": amount}), **fields)


def test_pods_and_claims_add_up() -> None:
    found = sum_of([cpu("100m"), cpu("100m"), cpu("1"), a_claim("5Gi"), a_claim("1Gi")], a_quota(HARD))
    assert found == {
        "pods": "3",
        "count/pods": "3",
        "requests.cpu": "1200m",
        "cpu": "1200m",
        "limits.memory": "0",
        "requests.storage": "6Gi",
    }


def test_names_that_neither_is_measured_by_are_left_out() -> None:
    assert sum_of([cpu("1")], a_quota({"services": "1", "pods": "1"})) == {"pods": "1"}


@pytest.mark.parametrize(
    ("scopes", "selector", "pods"),
    [
        pytest.param((), (), "5", id="no-scope"),
        pytest.param(("BestEffort",), (), "1", id="best-effort"),
        pytest.param(("NotBestEffort",), (), "4", id="not-best-effort"),
        pytest.param(("Terminating",), (), "2", id="terminating"),
        pytest.param(("NotTerminating",), (), "3", id="not-terminating"),
        pytest.param(("Terminating", "NotBestEffort"), (), "2", id="both"),
        pytest.param((), (ScopeRequirement("PriorityClass", "In", ("high",)),), "1", id="class-in"),
        pytest.param((), (ScopeRequirement("PriorityClass", "DoesNotExist"),), "4", id="no-class"),
        pytest.param(("CrossNamespacePodAffinity",), (), "1", id="affinity"),
    ],
)
def test_a_quota_counts_what_its_scopes_match(
    scopes: tuple[str, ...], selector: tuple[ScopeRequirement, ...], pods: str
) -> None:
    """R-24."""
    subjects = [
        a_pod(),
        cpu("1", active_deadline_seconds=30),
        cpu("1", active_deadline_seconds=60),
        cpu("1", priority_class="high"),
        cpu("1", cross_namespace_affinity=True),
    ]
    assert sum_of(subjects, a_quota({"pods": "9"}, scopes=scopes, selector=selector)) == {"pods": pods}


@pytest.mark.parametrize(
    ("classes", "amount"), [(frozenset({"gold"}), "5Gi"), (frozenset(), "0")], ids=["in-class", "without"]
)
def test_a_claim_counts_by_its_attributes_class(classes: frozenset[str], amount: str) -> None:
    """R-43."""
    claim = msgspec.structs.replace(a_claim("5Gi"), attributes_classes=classes)
    scope = ScopeRequirement("VolumeAttributesClass", "In", ("gold",))
    assert sum_of([claim], a_quota({"requests.storage": "9Gi"}, selector=(scope,))) == {"requests.storage": amount}


@pytest.mark.parametrize(
    ("pod", "pods"),
    [
        pytest.param({"phase": "Succeeded"}, "0", id="ended"),
        pytest.param({"deleted_at": NOW - 31, "grace_seconds": 30}, "0", id="grace-is-over"),
        pytest.param({"deleted_at": NOW - 30, "grace_seconds": 30}, "1", id="last-moment-of-grace"),
        pytest.param({"deleted_at": NOW - 31}, "1", id="no-grace-known"),
        pytest.param({}, "1", id="alive"),
    ],
)
def test_a_pod_that_is_over_counts_as_an_object_only(pod: dict[str, object], pods: str) -> None:
    """R-20, R-21: grace runs out without any event, so the sum depends on the time."""
    assert sum_of([cpu("1", **pod)], a_quota({"pods": "9", "count/pods": "9"}), now=NOW) == {
        "pods": pods,
        "count/pods": "1",
    }


def test_an_object_that_changes_or_goes_is_counted_once_or_not_at_all() -> None:
    footprints, tally = Footprints(), Tally()
    tally.set("dev/a", footprints.of(cpu("1")))
    tally.set("dev/a", footprints.of(cpu("2")))
    tally.set("prod/a", footprints.of(cpu("4")))
    assert texts(used(a_quota({"cpu": "9"}), tally.counts("dev").items(), now=NOW)) == {"cpu": "2"}
    tally.set("dev/a", None)
    tally.set("dev/never-there", None)
    assert tally.counts("dev") == {}
    assert len(tally) == 1


def test_equal_pods_share_one_footprint_that_is_forgotten_with_the_last() -> None:
    """Thousands of pods of a template cost the memory of one; what scopes do not ask for makes no difference."""
    footprints, tally = Footprints(), Tally()
    for number in range(100):
        deadline = {"active_deadline_seconds": number + 1, "name": f"pod-{number}", "uid": str(number)}
        tally.set(f"dev/{number}", footprints.of(cpu("1", **deadline)))
    assert len(footprints) == 1
    assert list(tally.counts("dev").values()) == [100]
    for number in range(100):
        tally.set(f"dev/{number}", None)
    gc.collect()
    assert len(footprints) == 0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param(Pod, {"tier": {"pods": "2", "requests.cpu": "2"}}, id="pods"),
        pytest.param(Claim, {"tier": {"requests.storage": "0"}}, id="claims"),
    ],
)
def test_a_tier_shows_its_quotas_as_they_would_be(kind: type[Pod | Claim], expected: dict[str, Texts]) -> None:
    """Two quotas of one scope set are one object; names of another kind are left out, and so is an empty quota."""
    tier = a_tier(
        quotas=[
            a_tier_quota({"pods": "5", "requests.storage": "1Gi"}),
            a_tier_quota({"pods": "4", "requests.cpu": "8", "services": "1"}, name="more"),
        ],
        mode="Warn",
    )
    footprints, tally = Footprints(), Tally()
    for name in "ab":
        tally.set(f"dev/{name}", footprints.of(cpu("1")))
    found = would_be(tier, kind, tally.counts("dev") if kind is Pod else {}, namespace="dev", now=NOW)
    assert {one.name: texts(one.used) for one in found} == expected
    assert all(one.managed and one.hard.keys() == one.used.keys() for one in found)
    if kind is Pod:
        assert texts(found[0].hard) == {"pods": "4", "requests.cpu": "8"}
