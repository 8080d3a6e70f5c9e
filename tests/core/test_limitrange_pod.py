"""Ranges of a Pod item, judged against the totals of a pod (L-30 to L-32)."""

from __future__ import annotations

import pytest

from tests.builders import Texts, a_container, a_pod, a_tier, an_item, texts, validated
from tiergate.core.podspec import Pod
from tiergate.core.tier import LimitRangeItem
from tiergate.core.usage import limit_range_totals

APP = a_container("app", requests={"cpu": "100m"})
SETUP = a_container("setup", init=True, requests={"cpu": "500m"})
MESH = a_container("mesh", init=True, restartable=True, requests={"cpu": "200m"})


@pytest.mark.rule("L-30", "L-31", "L-32")
@pytest.mark.parametrize(
    ("pod", "requests"),
    [
        pytest.param(a_pod(APP, init=[SETUP, MESH]), {"cpu": "500m"}, id="L-30-init-before-sidecar"),
        pytest.param(a_pod(APP, init=[MESH, SETUP]), {"cpu": "700m"}, id="L-30-sidecar-before-init"),
        pytest.param(a_pod(APP, init=[MESH]), {"cpu": "300m"}, id="L-30-sidecar-adds"),
        pytest.param(a_pod(APP, APP), {"cpu": "200m"}, id="L-30-apps-add"),
        pytest.param(
            a_pod(APP, init=[a_container("x", init=True, requests={"memory": "1Gi"})]),
            {"cpu": "100m", "memory": "1Gi"},
            id="L-30-present-anywhere-is-present",
        ),
        pytest.param(
            a_pod(a_container(requests={"cpu": "1"}), overhead={"cpu": "250m"}), {"cpu": "1"}, id="L-32-no-overhead"
        ),
        pytest.param(
            a_pod(*[a_container(requests={"cpu": "300m"})] * 2, requests={"cpu": "1"}),
            {"cpu": "1"},
            id="L-31-pod-level-replaces",
        ),
        pytest.param(
            a_pod(a_container(requests={"hugepages-2Mi": "2Mi"}), requests={"hugepages-2Mi": "8Mi"}),
            {"hugepages-2Mi": "2Mi"},
            id="L-31-not-for-hugepages",
        ),
        pytest.param(a_pod(), {}, id="L-30-nothing-asked"),
    ],
)
def test_totals_are_those_of_limitranger(pod: Pod, requests: Texts) -> None:
    assert texts(limit_range_totals(pod)[0]) == requests


def test_limits_are_totalled_apart() -> None:
    pod = a_pod(
        a_container(requests={"cpu": "1m"}, limits={"cpu": "100m"}),
        init=[a_container(init=True, limits={"cpu": "700m"})],
        limits={"memory": "1Gi"},
    )
    assert texts(limit_range_totals(pod)[1]) == {"cpu": "700m", "memory": "1Gi"}


def rules(pod: Pod, item: LimitRangeItem, old: Pod | None = None) -> list[str]:
    decision = validated(pod, old=old, tier=a_tier(item), quotas=())
    return [f"{one.rule} {one.resource} {one.actual}" for one in decision.findings]


MIN = an_item("Pod", low={"cpu": "500m"})
MAX = an_item("Pod", high={"cpu": "500m"})
RATIO = an_item("Pod", ratio={"cpu": "2"})
MIXED = a_pod(
    a_container("a", requests={"cpu": "100m"}, limits={"cpu": "100m"}), a_container("b", requests={"cpu": "450m"})
)


@pytest.mark.rule("L-21", "L-22", "L-23", "L-31")
@pytest.mark.parametrize(
    ("item", "pod", "broken"),
    [
        pytest.param(MIN, a_pod(), ["pod-request-min requests.cpu None"], id="L-21-must-exist"),
        pytest.param(MIN, a_pod(APP), ["pod-request-min requests.cpu 100m"], id="L-21-too-small"),
        pytest.param(
            MIN,
            a_pod(a_container(requests={"cpu": "100m"}, limits={"cpu": "300m"})),
            ["pod-request-min requests.cpu 100m", "pod-limit-min limits.cpu 300m"],
            id="L-21-both-too-small",
        ),
        pytest.param(
            MIN, a_pod(a_container(requests={"cpu": "500m"}, limits={"cpu": "1"})), [], id="L-21-equal-below-a-limit"
        ),
        pytest.param(
            MAX,
            a_pod(a_container(limits={"cpu": "400m"}), a_container(requests={"cpu": "100m"})),
            [],
            id="L-22-equal-above-the-limits",
        ),
        pytest.param(MIN, MIXED, ["pod-limit-min limits.cpu 100m"], id="L-22-mixed-containers-min"),
        pytest.param(MAX, MIXED, ["pod-request-max requests.cpu 550m"], id="L-22-mixed-containers-max"),
        pytest.param(MAX, a_pod(APP), ["pod-limit-max limits.cpu None"], id="L-22-must-exist"),
        pytest.param(
            MAX,
            a_pod(*[a_container(limits={"cpu": "300m"})] * 2),
            ["pod-limit-max limits.cpu 600m"],
            id="L-22-too-large-together",
        ),
        pytest.param(MAX, a_pod(*[a_container(limits={"cpu": "250m"})] * 2), [], id="L-22-equal-is-enough"),
        pytest.param(MIN, a_pod(*[a_container(limits={"cpu": "250m"})] * 2), [], id="L-21-equal-is-enough"),
        pytest.param(MIN, a_pod(limits={"cpu": "1"}, requests={"cpu": "1"}), [], id="L-31-pod-level-counts"),
        pytest.param(
            RATIO,
            a_pod(a_container(requests={"cpu": "100m"}, limits={"cpu": "300m"})),
            ["pod-limit-request-ratio requests.cpu 100m"],
            id="L-23",
        ),
        pytest.param(RATIO, a_pod(), ["pod-limit-request-ratio requests.cpu None"], id="L-23-must-exist"),
        pytest.param(RATIO, a_pod(a_container(limits={"cpu": "1"})), [], id="L-23-kept"),
    ],
)
def test_the_totals_are_judged(item: LimitRangeItem, pod: Pod, broken: list[str]) -> None:
    assert rules(pod, item) == broken


@pytest.mark.rule("L-28")
@pytest.mark.parametrize("item", [MIN, MAX, RATIO], ids=["min", "max", "ratio"])
def test_a_resize_that_leaves_the_totals_alone_is_not_judged_by_them(item: LimitRangeItem) -> None:
    """L-28."""
    changed = a_pod(a_container(requests={"cpu": "3", "memory": "1Gi"}))
    before = a_pod(a_container(requests={"cpu": "3"}))
    small = a_pod(a_container(requests={"cpu": "10m"}))
    assert rules(changed, item, old=before) == []
    assert rules(a_pod(a_container(requests={"cpu": "10m", "memory": "1Gi"})), item, old=small) == []
    assert rules(changed, item, old=small) != [] or item is MIN
    assert rules(small, item, old=before) != []
