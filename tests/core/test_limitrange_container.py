"""Ranges of a Container item (L-20 to L-25) and our differences: pod-level limits, a limit of 0, exact comparison."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.builders import Texts, a_container, a_pod, a_tier, a_tier_quota, an_item, validated
from tiergate.core.decision import Decision
from tiergate.core.podspec import Container, Pod
from tiergate.core.tier import LimitRangeItem, Tier

Found = list[tuple[str, str, str | None, str | None]]


def judged(pod: Pod, item: LimitRangeItem, old: Pod | None = None) -> Decision:
    return validated(pod, old=old, tier=a_tier(item), quotas=())


def found(decision: Decision) -> Found:
    return [
        (
            one.rule,
            one.resource,
            None if one.actual is None else str(one.actual),
            None if one.bound is None else str(one.bound),
        )
        for one in decision.findings
    ]


MIN = an_item(low={"cpu": "100m"})
MAX = an_item(high={"cpu": "500m"})
RATIO = an_item(ratio={"cpu": "2"})


@pytest.mark.rule("L-21", "L-22", "L-23", "L-41", "limit-zero")
@pytest.mark.parametrize(
    ("item", "requests", "limits", "violations"),
    [
        pytest.param(MIN, {"cpu": "100m"}, {"cpu": "100m"}, [], id="L-21-equal-is-enough"),
        pytest.param(MIN, {"cpu": "99m"}, {}, [("request-min", "requests.cpu", "99m", "100m")], id="L-21-request"),
        pytest.param(
            MIN,
            {"cpu": "99m"},
            {"cpu": "50m"},
            [("request-min", "requests.cpu", "99m", "100m"), ("limit-min", "limits.cpu", "50m", "100m")],
            id="L-21-request-and-limit",
        ),
        pytest.param(MIN, {}, {}, [], id="min-judges-only-values-the-container-has"),
        pytest.param(MIN, {"cpu": "0"}, {}, [("request-min", "requests.cpu", "0", "100m")], id="L-21-zero-is-a-value"),
        pytest.param(MAX, {"cpu": "500m"}, {"cpu": "500m"}, [], id="L-22-equal-is-enough"),
        pytest.param(MAX, {}, {}, [("limit-max", "limits.cpu", None, "500m")], id="L-22-limit-must-exist"),
        pytest.param(
            MAX,
            {"cpu": "1"},
            {},
            [("limit-max", "limits.cpu", None, "500m"), ("request-max", "requests.cpu", "1", "500m")],
            id="L-22-request-without-limit",
        ),
        pytest.param(
            MAX, {"cpu": "1m"}, {"cpu": "501m"}, [("limit-max", "limits.cpu", "501m", "500m")], id="L-22-limit"
        ),
        pytest.param(
            MAX,
            {"cpu": "0"},
            {"cpu": "0"},
            [("limit-zero", "limits.cpu", "0", "500m")],
            id="limit-zero-means-no-limit-at-run-time",
        ),
        pytest.param(an_item(high={"nvidia.com/gpu": "1"}), {}, {"nvidia.com/gpu": "0"}, [], id="limit-zero-of-a-gpu"),
        pytest.param(
            an_item(high={"memory": "1Gi"}), {}, {"cpu": "0", "memory": "1Gi"}, [], id="limit-zero-of-what-has-no-max"
        ),
        pytest.param(MIN, {"cpu": "100m"}, {"cpu": "0"}, [("limit-min", "limits.cpu", "0", "100m")], id="zero-and-min"),
        pytest.param(MAX, {}, {"cpu": "1n"}, [], id="tiny-limit-is-none-of-zero"),
        pytest.param(
            an_item(high={"cpu": "1000"}),
            {},
            {"cpu": "10E"},
            [("limit-max", "limits.cpu", "10E", "1k")],
            id="L-41-10E-is-compared-exactly",
        ),
        pytest.param(
            an_item(high={"memory": "1"}),
            {"memory": "1"},
            {"memory": "9223372036854775808"},
            [("limit-max", "limits.memory", "9223372036854775808", "1")],
            id="L-41-no-wrap",
        ),
        pytest.param(RATIO, {"cpu": "500m"}, {"cpu": "1"}, [], id="L-23-equal-is-enough"),
        pytest.param(
            RATIO, {"cpu": "300m"}, {"cpu": "1"}, [("limit-request-ratio", "requests.cpu", "300m", "2")], id="L-23"
        ),
        pytest.param(RATIO, {}, {}, [("limit-request-ratio", "requests.cpu", None, "2")], id="L-23-both-must-exist"),
        pytest.param(
            RATIO, {"cpu": "1"}, {}, [("limit-request-ratio", "requests.cpu", "1", "2")], id="L-23-limit-must-exist"
        ),
        pytest.param(
            RATIO,
            {"cpu": "0"},
            {"cpu": "1"},
            [("limit-request-ratio", "requests.cpu", "0", "2")],
            id="L-23-request-must-not-be-zero",
        ),
        pytest.param(
            an_item(ratio={"cpu": "2015m"}), {"cpu": "200m"}, {"cpu": "403m"}, [], id="L-41-no-false-float-refusal"
        ),
        pytest.param(
            an_item(ratio={"memory": "2"}),
            {"memory": "9007199254740992"},
            {"memory": "18014398509481985"},
            [("limit-request-ratio", "requests.memory", "9007199254740992", "2")],
            id="L-41-one-byte-over",
        ),
        pytest.param(
            an_item(ratio={"cpu": "1"}), {}, {"cpu": "18446744073709551616"}, [], id="L-41-giant-request-is-not-zero"
        ),
        pytest.param(MAX, {"memory": "100Gi"}, {"cpu": "1m"}, [], id="L-25-other-resources-are-free"),
    ],
)
def test_each_value_of_a_container_is_judged(
    item: LimitRangeItem, requests: Texts, limits: Texts, violations: Found
) -> None:
    assert found(judged(a_pod(a_container(requests=requests, limits=limits)), item)) == violations


def test_all_problems_of_all_containers_are_reported_in_a_stable_order() -> None:
    item = an_item(low={"cpu": "100m", "memory": "64Mi"}, high={"cpu": "500m", "memory": "1Gi"}, ratio={"cpu": "2"})
    bad = {"cpu": "10m", "memory": "1Mi"}
    pod = a_pod(
        a_container("app", requests=bad, limits={"cpu": "1", "memory": "2Gi"}, pointer="/spec/containers/0"),
        a_container("web", limits={"cpu": "200m", "memory": "64Mi"}, pointer="/spec/containers/1"),
        init=[a_container("setup", init=True, requests={"cpu": "1m"}, pointer="/spec/initContainers/0")],
    )
    decision = judged(pod, item)
    assert [(one.rule, one.container, one.resource, one.init) for one in decision.findings] == [
        ("request-min", "app", "requests.cpu", False),
        ("request-min", "app", "requests.memory", False),
        ("request-min", "setup", "requests.cpu", True),
        ("limit-max", "app", "limits.cpu", False),
        ("limit-max", "app", "limits.memory", False),
        ("limit-max", "setup", "limits.cpu", True),
        ("limit-max", "setup", "limits.memory", True),
        ("limit-request-ratio", "app", "requests.cpu", False),
        ("limit-request-ratio", "setup", "requests.cpu", True),
    ]
    assert [one.pointer for one in decision.findings[:3]] == [
        "/spec/containers/0/resources/requests/cpu",
        "/spec/containers/0/resources/requests/memory",
        "/spec/initContainers/0/resources/requests/cpu",
    ]
    assert not decision.allowed


def test_a_pointer_escapes_the_slash_of_a_name() -> None:
    pod = a_pod(a_container(limits={"nvidia.com/gpu": "2"}))
    (over_limit,) = judged(pod, an_item(high={"nvidia.com/gpu": "1"})).findings
    assert over_limit.pointer == "/spec/containers/0/resources/limits/nvidia.com~1gpu"


@pytest.mark.rule("pod-level-max")
@pytest.mark.parametrize(
    ("pod", "violations"),
    [
        pytest.param(a_pod(limits={"cpu": "500m"}), [], id="pod-limit-stands-for-the-missing-one"),
        pytest.param(
            a_pod(limits={"cpu": "2"}), [("limit-max", "limits.cpu", "2", "500m")], id="pod-limit-above-max-counts"
        ),
        pytest.param(
            a_pod(a_container(limits={"cpu": "100m"}), limits={"cpu": "2"}), [], id="own-limit-beats-pod-limit"
        ),
        pytest.param(
            a_pod(limits={"memory": "1Gi"}),
            [("limit-max", "limits.cpu", None, "500m")],
            id="only-for-the-resource-it-names",
        ),
    ],
)
def test_a_container_without_a_limit_is_judged_by_the_pod_level_one(pod: Pod, violations: Found) -> None:
    assert found(judged(pod, MAX)) == violations


@pytest.mark.rule("L-21", "pod-level-min")
@pytest.mark.parametrize(
    ("pod", "violations"),
    [
        pytest.param(
            a_pod(requests={"cpu": "99m"}), [("request-min", "requests.cpu", "99m", "100m")], id="a-pod-level-request"
        ),
        pytest.param(
            a_pod(requests={"cpu": "50m"}, limits={"cpu": "60m"}),
            [("request-min", "requests.cpu", "50m", "100m"), ("limit-min", "limits.cpu", "60m", "100m")],
            id="both-sides",
        ),
        pytest.param(a_pod(requests={"cpu": "100m"}, limits={"cpu": "100m"}), [], id="equal-is-enough"),
        pytest.param(a_pod(requests={"memory": "1"}), [], id="another-resource"),
        pytest.param(
            a_pod(a_container(requests={"cpu": "100m"}), requests={"cpu": "99m"}), [], id="a-container-has-its-own"
        ),
        pytest.param(
            a_pod(a_container(requests={"cpu": "99m"}), requests={"cpu": "99m"}),
            [("request-min", "requests.cpu", "99m", "100m")],
            id="said-once",
        ),
    ],
)
def test_min_judges_the_pod_level_value_that_stands_for_the_containers(pod: Pod, violations: Found) -> None:
    assert found(judged(pod, MIN)) == violations


def test_what_is_too_small_at_the_pod_level_is_named_there() -> None:
    (one,) = judged(a_pod(requests={"cpu": "99m"}), MIN).findings
    assert (one.pointer, one.container) == ("/spec/resources/requests/cpu", "")


@pytest.mark.rule("L-28", "unchanged")
@pytest.mark.parametrize(("before", "refused"), [("50m", False), ("60m", True)])
def test_a_resize_is_judged_by_the_pod_level_value_it_changes(before: str, *, refused: bool) -> None:
    old, new = a_pod(requests={"cpu": before}), a_pod(requests={"cpu": "50m"})
    assert bool(found(judged(new, MIN, old))) == refused


ZERO = [("pod-limit-zero", "limits.cpu", "0", None)]


@pytest.mark.rule("limit-zero")
@pytest.mark.parametrize(
    ("pod", "old", "violations"),
    [
        pytest.param(a_pod(limits={"cpu": "0"}), None, ZERO, id="no-limit-where-there-is-a-default"),
        pytest.param(
            a_pod(a_container(), a_container(limits={"cpu": "0"}), limits={"cpu": "0"}),
            None,
            [("limit-zero", "limits.cpu", "0", None), *ZERO],
            id="one-of-a-container-too",
        ),
        pytest.param(a_pod(limits={"cpu": "1m"}), None, [], id="a-limit"),
        pytest.param(a_pod(limits={"memory": "0"}), None, [], id="not-bounded"),
        pytest.param(
            a_pod(a_container(limits={"cpu": "0"}), limits={"cpu": "0"}),
            None,
            [("limit-zero", "limits.cpu", "0", None)],
            id="of-the-container-alone",
        ),
        pytest.param(a_pod(limits={"cpu": "0"}), a_pod(limits={"cpu": "0"}), [], id="unchanged"),
        pytest.param(a_pod(limits={"cpu": "0"}), a_pod(limits={"cpu": "1"}), ZERO, id="resized-to-it"),
    ],
)
def test_a_pod_level_limit_of_zero_replaces_no_default(pod: Pod, old: Pod | None, violations: Found) -> None:
    assert found(judged(pod, an_item(default={"cpu": "500m"}), old)) == violations


def bounded(tier: Tier, resource: str) -> list[str]:
    zeros = a_pod(a_container(limits={resource: "0"}), a_container("other", limits={"example.com/none": "0"}))
    decision = validated(zeros, tier=tier)
    return [f"{one.resource} of {one.container}" for one in decision.findings if one.rule == "limit-zero"]


@pytest.mark.rule("limit-zero")
@pytest.mark.parametrize("resource", ["cpu", "memory", "ephemeral-storage", "hugepages-2Mi"])
@pytest.mark.parametrize(
    "bound",
    [
        pytest.param(lambda name: a_tier(an_item(default={name: "1"})), id="default"),
        pytest.param(lambda name: a_tier(an_item(high={name: "1"})), id="max"),
        pytest.param(lambda name: a_tier(an_item("Pod", high={name: "1"})), id="pod-max"),
        pytest.param(lambda name: a_tier(an_item("Pod", ratio={name: "2"})), id="pod-ratio"),
        pytest.param(lambda name: a_tier(quotas=[a_tier_quota({f"limits.{name}": "4"})]), id="quota"),
    ],
)
def test_a_limit_of_zero_is_none_however_the_tier_bounds_it(bound: Callable[[str], Tier], resource: str) -> None:
    """0 of hugepages is none of them; a tier that bounds something else lets it pass."""
    expected = [] if resource.startswith("hugepages") else [f"limits.{resource} of agent"]
    assert bounded(bound(resource), resource) == expected
    assert bounded(bound("nvidia.com/gpu"), resource) == []
    assert bounded(a_tier(an_item(default={resource: "0"})), resource) == []


def resized(before: Container, after: Container, item: LimitRangeItem = MAX) -> Found:
    return found(judged(a_pod(after), item, old=a_pod(before)))


def test_a_resize_does_not_judge_what_it_leaves_alone() -> None:
    big = a_container(requests={"cpu": "2"}, limits={"cpu": "2"})
    assert resized(big, big) == []
    assert resized(big, a_container(requests={"cpu": "1"}, limits={"cpu": "2"})) == [
        ("limit-max", "limits.cpu", "2", "500m"),
        ("request-max", "requests.cpu", "1", "500m"),
    ]


@pytest.mark.rule("L-28")
@pytest.mark.parametrize(
    ("item", "before", "after", "rules"),
    [
        pytest.param(MIN, {"cpu": "200m"}, {"cpu": "10m"}, ["limit-min"], id="L-28-min"),
        pytest.param(MIN, {"cpu": "10m"}, {"cpu": "10m"}, [], id="L-28-min-that-was-there"),
        pytest.param(MAX, {"cpu": "200m"}, {"cpu": "2"}, ["limit-max"], id="L-28-max"),
        pytest.param(MAX, {"cpu": "200m"}, {"cpu": "0"}, ["limit-zero"], id="L-28-zero"),
        pytest.param(MAX, {"cpu": "0"}, {"cpu": "0"}, [], id="L-28-zero-that-was-there"),
        pytest.param(RATIO, {"cpu": "200m"}, {"cpu": "0"}, ["limit-request-ratio"], id="L-28-ratio"),
        pytest.param(RATIO, {"cpu": "0"}, {"cpu": "0"}, [], id="L-28-ratio-that-was-there"),
    ],
)
def test_a_resize_is_judged_by_what_it_changes(
    item: LimitRangeItem, before: Texts, after: Texts, rules: list[str]
) -> None:
    changed = resized(a_container(limits=before), a_container(limits=after), item)
    assert [rule for rule, *_ in changed] == rules


@pytest.mark.rule("L-28", "unchanged")
def test_a_changed_limit_is_judged_though_its_request_stays() -> None:
    """L-28."""
    before = a_container(requests={"cpu": "1"}, limits={"cpu": "2"})
    after = a_container(requests={"cpu": "1"}, limits={"cpu": "9"})
    assert resized(before, after, RATIO) == [("limit-request-ratio", "requests.cpu", "1", "2")]


@pytest.mark.rule("pod-level-max", "unchanged")
def test_a_raised_pod_level_limit_is_judged_though_its_container_stays() -> None:
    before, after = a_pod(limits={"cpu": "200m"}), a_pod(limits={"cpu": "2"})
    assert found(judged(after, MAX, old=before)) == [("limit-max", "limits.cpu", "2", "500m")]
    assert found(judged(after, MAX, old=after)) == []


def test_a_container_that_was_not_there_is_judged() -> None:
    assert resized(a_container("other"), a_container("agent", limits={"cpu": "2"})) != []


@pytest.mark.rule("L-4")
def test_a_pod_that_is_being_deleted_is_judged_by_what_changes_alone() -> None:
    """LimitRanger leaves it alone; but it may run for years, and grow meanwhile."""
    before = a_pod(a_container(limits={"cpu": "100m"}), a_container("large", limits={"cpu": "9"}), deleted_at=0.0)
    grown = a_pod(a_container(limits={"cpu": "2"}), a_container("large", limits={"cpu": "9"}), deleted_at=0.0)
    assert judged(before, MAX, old=before).allowed
    assert found(judged(grown, MAX, old=before)) == [("limit-max", "limits.cpu", "2", "500m")]
