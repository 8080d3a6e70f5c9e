"""What a namespace's objects add up to, by quota name and scope."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from tests.builders import NOW, Texts, a_claim, a_container, a_pod, a_quota, a_tier, a_tier_quota, amounts, texts
from tiergate.core.claim import Claim
from tiergate.core.podspec import ContainerStatus, Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.release import NEWEST
from tiergate.core.tally import Footprint, Footprints, Tally, used, would_be
from tiergate.core.tier import ScopeRequirement

HARD = {
    "pods": "9",
    "count/pods": "9",
    "requests.cpu": "9",
    "cpu": "9",
    "limits.memory": "9Gi",
    "requests.storage": "9Gi",
}


def each(tally: Tally, namespace: str) -> list[tuple[Footprint, int]]:
    return [(one, 1) for one in tally.sums(namespace)]


def sum_of(
    subjects: Iterable[Pod | Claim], quota: QuotaStatus, *, now: float = NOW, minor: int = NEWEST
) -> dict[str, str]:
    footprints, tally = Footprints(), Tally()
    for number, subject in enumerate(subjects):
        tally.set(f"dev/{number}", footprints.of(subject))
    return texts(used(quota, each(tally, "dev"), now=now, minor=minor))


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


@pytest.mark.rule("R-24")
@pytest.mark.parametrize(
    ("scopes", "selector", "pods"),
    [
        pytest.param((), (), "6", id="no-scope"),
        pytest.param(("BestEffort",), (), "1", id="best-effort"),
        pytest.param(("NotBestEffort",), (), "5", id="not-best-effort"),
        pytest.param(("Terminating",), (), "2", id="terminating"),
        pytest.param(("NotTerminating",), (), "4", id="not-terminating"),
        pytest.param(("Terminating", "NotBestEffort"), (), "2", id="both"),
        pytest.param((), (ScopeRequirement("PriorityClass", "In", ("high",)),), "1", id="class-in"),
        pytest.param((), (ScopeRequirement("PriorityClass", "DoesNotExist"),), "5", id="no-class"),
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
        cpu("1", active_deadline_seconds=-1),
        cpu("1", priority_class="high"),
        cpu("1", cross_namespace_affinity=True),
    ]
    assert sum_of(subjects, a_quota({"pods": "9"}, scopes=scopes, selector=selector)) == {"pods": pods}


@pytest.mark.rule("R-43", "counted-usage")
@pytest.mark.parametrize(
    ("classes", "amount"), [(frozenset({"gold"}), "5Gi"), (frozenset(), "0")], ids=["in-class", "without"]
)
def test_a_claim_counts_by_its_attributes_class(classes: frozenset[str], amount: str) -> None:
    """R-43."""
    claim = msgspec.structs.replace(a_claim("5Gi"), attributes_classes=classes)
    scope = ScopeRequirement("VolumeAttributesClass", "In", ("gold",))
    assert sum_of([claim], a_quota({"requests.storage": "9Gi"}, selector=(scope,))) == {"requests.storage": amount}


@pytest.mark.rule("R-20", "R-21", "counted-usage")
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


@pytest.mark.rule("R-32")
def test_only_names_that_are_asked_for_are_kept_and_tell_objects_apart() -> None:
    """By the charge of either release: tenants choose the other names."""
    footprints = Footprints(frozenset({"requests.cpu"}))
    one = footprints.of(a_resizing_pod())
    assert (texts(one.charge), texts(one.earlier)) == ({"requests.cpu": "3"}, {"requests.cpu": "4"})
    named = msgspec.structs.replace(a_resizing_pod(), overhead=amounts({"x.io/y": "1"}))
    assert footprints.of(named) is one


@pytest.mark.rule("R-21")
def test_pods_whose_grace_ends_at_different_times_are_not_taken_for_equal() -> None:
    """R-21."""
    pods = [cpu("1", deleted_at=NOW - 31, grace_seconds=30), cpu("1", deleted_at=NOW - 31, grace_seconds=60)]
    assert sum_of(pods, a_quota({"cpu": "9"}), now=NOW) == {"cpu": "1"}
    assert sum_of(pods, a_quota({"cpu": "9"}), now=NOW - 1) == {"cpu": "2"}
    assert sum_of(pods, a_quota({"cpu": "9"}), now=NOW + 30) == {"cpu": "0"}


@pytest.mark.rule("Q-24")
@pytest.mark.parametrize(
    ("amounts_of_memory", "total"),
    [
        pytest.param(["0", "1Gi"], "1Gi", id="Q-24-zero-has-no-say"),
        pytest.param(["1Gi", "1024"], "1048577Ki", id="Q-24-the-first-has"),
        pytest.param(["1073741824", "1Gi"], "2147483648", id="Q-24-equal-amounts-of-two-formats"),
    ],
)
def test_a_sum_has_the_format_of_the_first_amount(amounts_of_memory: list[str], total: str) -> None:
    pods = [a_pod(a_container(requests={"memory": amount})) for amount in amounts_of_memory]
    assert sum_of(pods, a_quota({"memory": "9Gi"})) == {"memory": total}


@pytest.mark.rule("Q-24")
def test_amounts_of_two_formats_keep_them_in_every_namespace() -> None:
    """Q-24: a pod elsewhere that asks the same in other words does not change how a sum is written."""
    footprints, tally = Footprints(), Tally()
    for namespace, amount in (("dev", "1073741824"), ("prod", "1Gi")):
        tally.set(f"{namespace}/a", footprints.of(a_pod(a_container(requests={"memory": amount}))))
    quota = a_quota({"memory": "9Gi"})
    found = [texts(used(quota, each(tally, one), now=NOW, minor=NEWEST)) for one in ("dev", "prod")]
    assert found == [{"memory": "1073741824"}, {"memory": "1Gi"}]


def a_resizing_pod() -> Pod:
    """One container grows, the other shrinks: the sum of the larger values is above each of the sums."""
    statuses = {
        name: ContainerStatus(requests=amounts({"cpu": cpu, "memory": memory}), limits=amounts({"memory": memory}))
        for name, cpu, memory in (("a", "1", "1Gi"), ("b", "2", "2Gi"))
    }
    two = (
        a_container("a", requests={"cpu": "2"}, limits={"memory": "2Gi"}),
        a_container("b", requests={"cpu": "1"}, limits={"memory": "1Gi"}),
    )
    return a_pod(*two, statuses=statuses)


@pytest.mark.rule("R-32", "R-33")
@pytest.mark.parametrize(
    ("minor", "cpu", "memory"),
    [
        pytest.param(36, "4", "4Gi", id="R-32-up-to-1.36-the-largest-of-each-container"),
        pytest.param(37, "3", "3Gi", id="R-33-from-1.37-the-largest-of-the-sums"),
        pytest.param(38, "3", "3Gi", id="R-33-later"),
    ],
)
def test_a_pod_being_resized_counts_as_the_server_s_release_counts_it(minor: int, cpu: str, memory: str) -> None:
    quota = a_quota({"requests.cpu": "9", "limits.memory": "9Gi", "pods": "9"})
    assert sum_of([a_resizing_pod()], quota, minor=minor) == {
        "requests.cpu": cpu,
        "limits.memory": memory,
        "pods": "1",
    }


@pytest.mark.rule("R-32", "R-33")
@pytest.mark.parametrize(("cpu", "memory"), [("1", "1Gi"), ("2", "2Gi")], ids=["alike-from-1.37", "alike-up-to-1.36"])
@pytest.mark.parametrize("settled_first", [True, False])
def test_pods_that_one_release_alone_counts_alike_are_not_taken_for_equal(
    cpu: str,
    memory: str,
    settled_first: bool,  # noqa: FBT001  # a parameter
) -> None:
    """R-32, R-33: whichever server it is, its sum is right."""
    settled = a_pod(
        a_container("a", requests={"cpu": "2"}, limits={"memory": "2Gi"}),
        a_container("b", requests={"cpu": cpu}, limits={"memory": memory}),
    )
    pods = [settled, a_resizing_pod()] if settled_first else [a_resizing_pod(), settled]
    quota = a_quota({"requests.cpu": "9"})
    assert sum_of(pods, quota, minor=37) == {"requests.cpu": str(2 + int(cpu) + 3)}
    assert sum_of(pods, quota, minor=36) == {"requests.cpu": str(2 + int(cpu) + 4)}


@pytest.mark.rule("R-21")
@pytest.mark.parametrize("minor", [36, 37])
def test_a_pod_being_resized_whose_grace_is_over_counts_as_an_object_only(minor: int) -> None:
    """R-21."""
    over = msgspec.structs.replace(a_resizing_pod(), deleted_at=NOW - 31, grace_seconds=30)
    quota = a_quota({"requests.cpu": "9", "count/pods": "9"})
    assert sum_of([over], quota, minor=minor) == {"requests.cpu": "0", "count/pods": "1"}


def test_an_object_that_changes_or_goes_is_counted_once_or_not_at_all() -> None:
    footprints, tally = Footprints(), Tally()
    tally.set("dev/a", footprints.of(cpu("1")))
    tally.set("dev/a", footprints.of(cpu("2")))
    tally.set("prod/a", footprints.of(cpu("4")))
    assert texts(used(a_quota({"cpu": "9"}), each(tally, "dev"), now=NOW, minor=NEWEST)) == {"cpu": "2"}
    tally.set("dev/a", None)
    tally.set("dev/never-there", None)
    assert tally.sums("dev") == []
    assert len(tally) == 1


def test_equal_pods_share_one_footprint_that_is_forgotten_with_the_last() -> None:
    """Thousands of pods of a template cost the memory of one; what scopes do not ask for makes no difference."""
    footprints, tally = Footprints(), Tally()
    for number in range(100):
        deadline = {"active_deadline_seconds": number + 1, "name": f"pod-{number}"}
        tally.set(f"dev/{number}", footprints.of(cpu("1", **deadline)))
    assert len(footprints) == 1
    assert len(tally.sums("dev")) == 1
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
    sums = tally.sums("dev") if kind is Pod else []
    found = would_be(tier, kind, sums, namespace="dev", now=NOW, minor=NEWEST)
    assert {one.name: texts(one.used) for one in found} == expected
    assert all(one.managed and one.hard.keys() == one.used.keys() for one in found)
    assert {one.namespace for one in found} == {"dev"}
    if kind is Pod:
        assert texts(found[0].hard) == {"pods": "4", "requests.cpu": "8"}


@pytest.mark.parametrize(
    ("kind", "name"), [pytest.param(Pod, "pods", id="pods"), pytest.param(Claim, "requests.storage", id="claims")]
)
def test_a_quota_without_a_name_of_the_kind_is_not_shown(kind: type[Pod | Claim], name: str) -> None:
    tier = a_tier(
        quotas=[
            a_tier_quota({"requests.storage": "1Gi", "services": "1"}),
            a_tier_quota({"pods": "1"}, name="batch", scopes=["Terminating"]),
        ],
        mode="Warn",
    )
    found = would_be(tier, kind, [], namespace="dev", now=NOW, minor=NEWEST)
    assert [list(one.hard) for one in found] == [[name]]


@pytest.mark.rule("R-24")
def test_what_a_tier_shows_is_counted_in_its_scopes() -> None:
    """R-24."""
    high = ScopeRequirement("PriorityClass", "In", ("high",))
    tier = a_tier(
        quotas=[
            a_tier_quota({"pods": "1"}, name="batch", scopes=["Terminating"]),
            a_tier_quota({"cpu": "1"}, name="high", selector=[high]),
        ],
        mode="Warn",
    )
    footprints, tally = Footprints(), Tally()
    pods = [cpu("1"), cpu("2", active_deadline_seconds=1), cpu("4", priority_class="high")]
    for number, pod in enumerate(pods):
        tally.set(f"dev/{number}", footprints.of(pod))
    found = would_be(tier, Pod, tally.sums("dev"), namespace="dev", now=NOW, minor=NEWEST)
    assert {(one.scopes, one.scope_selector): texts(one.used) for one in found} == {
        (("Terminating",), ()): {"pods": "1"},
        ((), (high,)): {"cpu": "4"},
    }


@pytest.mark.rule("R-21", "R-32", "R-33")
@pytest.mark.parametrize(("minor", "cpu"), [(36, "4"), (37, "3")], ids=["R-32", "R-33"])
def test_what_a_tier_shows_is_counted_by_the_time_and_the_release(minor: int, cpu: str) -> None:
    """R-21, R-32, R-33."""
    tier = a_tier(quotas=[a_tier_quota({"requests.cpu": "9"})], mode="Warn")
    footprints, tally = Footprints(), Tally()
    tally.set("dev/a", footprints.of(a_resizing_pod()))
    over = msgspec.structs.replace(a_resizing_pod(), deleted_at=NOW - 31, grace_seconds=30)
    tally.set("dev/b", footprints.of(over))
    (found,) = would_be(tier, Pod, tally.sums("dev"), namespace="dev", now=NOW, minor=minor)
    assert texts(found.used) == {"requests.cpu": cpu}
