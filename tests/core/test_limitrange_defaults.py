"""What defaulting gives a container: LimitRanger's rules (L-10, L-11) and where we differ on purpose."""

from __future__ import annotations

import pytest

from tests.builders import Texts, a_container, a_pod, a_tier, an_item, defaults_of, texts
from tiergate.core.defaults import with_defaults
from tiergate.core.podspec import Container, Pod
from tiergate.core.tier import LimitRangeItem

ITEM = an_item(default={"cpu": "500m"}, default_request={"cpu": "250m"})


def defaulted(pod: Pod, item: LimitRangeItem = ITEM) -> tuple[Container, ...]:
    after, _ = with_defaults(pod, a_tier(item))
    return tuple(after.every_container())


@pytest.mark.rule("D-3", "L-1", "L-10", "L-11")
@pytest.mark.parametrize(
    ("requests", "limits", "item", "after_requests", "after_limits"),
    [
        pytest.param({}, {}, ITEM, {"cpu": "250m"}, {"cpu": "500m"}, id="L-11-bare"),
        pytest.param({"cpu": "100m"}, {}, ITEM, {"cpu": "100m"}, {"cpu": "500m"}, id="L-11-request-below-limit"),
        pytest.param({"cpu": "500m"}, {}, ITEM, {"cpu": "500m"}, {"cpu": "500m"}, id="L-11-request-equals-limit"),
        pytest.param(
            {"cpu": "700m"}, {}, ITEM, {"cpu": "700m"}, {"cpu": "700m"}, id="kubernetes#51430-limit-lifted-to-request"
        ),
        pytest.param(
            {"cpu": "3"},
            {},
            an_item(default={"cpu": "500m"}, high={"cpu": "1"}),
            {"cpu": "3"},
            {"cpu": "3"},
            id="kubernetes#51430-lifted-above-max-too",
        ),
        pytest.param({}, {"cpu": "2"}, ITEM, {"cpu": "2"}, {"cpu": "2"}, id="D-3-limit-is-copied-before"),
        pytest.param(
            {"cpu": "1"},
            {},
            an_item(default={"memory": "512Mi"}),
            {"cpu": "1", "memory": "512Mi"},
            {"memory": "512Mi"},
            id="L-11-other-resource",
        ),
        pytest.param({"cpu": "0"}, {}, ITEM, {"cpu": "0"}, {"cpu": "500m"}, id="L-10-zero-request-stays"),
        pytest.param({"cpu": "0"}, {"cpu": "0"}, ITEM, {"cpu": "0"}, {"cpu": "0"}, id="L-10-zeros-stay"),
        pytest.param({}, {"cpu": "0"}, ITEM, {"cpu": "0"}, {"cpu": "0"}, id="L-10-zero-limit-stays"),
        pytest.param(
            {},
            {},
            an_item(default={"nvidia.com/gpu": "1"}),
            {"nvidia.com/gpu": "1"},
            {"nvidia.com/gpu": "1"},
            id="L-50-extended-resource",
        ),
        pytest.param({}, {}, an_item(low={"cpu": "10m"}), {"cpu": "10m"}, {}, id="L-1-min-is-default-request"),
        pytest.param({}, {}, an_item(high={"cpu": "1"}), {"cpu": "1"}, {"cpu": "1"}, id="L-1-max-is-default"),
        pytest.param({}, {}, an_item(ratio={"cpu": "2"}), {}, {}, id="L-1-ratio-sets-nothing"),
    ],
)
def test_a_container_gets_what_it_lacks(
    requests: Texts, limits: Texts, item: LimitRangeItem, after_requests: Texts, after_limits: Texts
) -> None:
    (container,) = defaulted(a_pod(a_container(requests=requests, limits=limits)), item)
    assert texts(container.requests) == after_requests
    assert texts(container.limits) == after_limits


def test_app_init_and_sidecar_containers_are_all_defaulted() -> None:
    pod = a_pod(
        a_container("app"),
        a_container("web", requests={"cpu": "1m"}),
        init=[a_container("setup", init=True), a_container("mesh", init=True, restartable=True)],
    )
    assert [(one.name, texts(one.requests), texts(one.limits)) for one in defaulted(pod)] == [
        ("app", {"cpu": "250m"}, {"cpu": "500m"}),
        ("web", {"cpu": "1m"}, {"cpu": "500m"}),
        ("setup", {"cpu": "250m"}, {"cpu": "500m"}),
        ("mesh", {"cpu": "250m"}, {"cpu": "500m"}),
    ]


@pytest.mark.rule("D-8", "A-33")
@pytest.mark.parametrize(
    ("pod", "requests", "limits"),
    [
        pytest.param(a_pod(limits={"cpu": "2"}), {"cpu": "250m"}, {}, id="pod-limit-suppresses-default-limits"),
        pytest.param(
            a_pod(requests={"cpu": "2"}),
            {"cpu": "250m"},
            {"cpu": "500m"},
            id="pod-request-takes-default-requests-beside-a-default-limit-D-3-would-copy-it",
        ),
        pytest.param(
            a_pod(requests={"cpu": "249m"}),
            {"cpu": "249m"},
            {"cpu": "500m"},
            id="D-8-a-default-request-is-no-larger-than-the-pod-level-leaves",
        ),
        pytest.param(
            a_pod(requests={"cpu": "1m", "memory": "1Mi"}), {"cpu": "1m"}, {"cpu": "500m"}, id="next-to-nothing"
        ),
        pytest.param(
            a_pod(a_container(requests={"cpu": "700m"}), requests={"cpu": "700m"}),
            {"cpu": "700m"},
            {"cpu": "700m"},
            id="no-room-is-needed-beside-an-own-request",
        ),
        pytest.param(
            a_pod(requests={"cpu": "250m"}),
            {"cpu": "250m"},
            {"cpu": "500m"},
            id="D-8-defaults-equal-to-the-pod-request-fit",
        ),
        pytest.param(a_pod(limits={"cpu": "249m"}), {}, {}, id="D-8-default-requests-above-the-pod-limit-add-nothing"),
        pytest.param(a_pod(requests={"cpu": "2"}, limits={"cpu": "2"}), {}, {}, id="both-sides-suppress-both"),
        pytest.param(
            a_pod(limits={"memory": "2Gi"}), {"cpu": "250m"}, {"cpu": "500m"}, id="only-for-the-resource-it-names"
        ),
    ],
)
def test_pod_level_resources_suppress_defaults_per_side(pod: Pod, requests: Texts, limits: Texts) -> None:
    (container,) = defaulted(pod)
    assert texts(container.requests) == requests
    assert texts(container.limits) == limits


THREE = (a_container("one"), a_container("two"), a_container("three"))
ASKING = a_container("asking", requests={"cpu": "400m"})


@pytest.mark.rule("D-8", "L-30", "A-33", "pod-level-suppression")
@pytest.mark.parametrize(
    ("pod", "requests"),
    [
        pytest.param(a_pod(*THREE, requests={"cpu": "700m"}), ["233m"] * 3, id="in-equal-parts"),
        pytest.param(a_pod(*THREE, requests={"cpu": "750m"}), ["250m"] * 3, id="all-of-it"),
        pytest.param(a_pod(*THREE, requests={"cpu": "2m"}), ["0"] * 3, id="too-little-to-share"),
        pytest.param(a_pod(ASKING, *THREE[:2], requests={"cpu": "500m"}), ["400m", "50m", "50m"], id="the-rest"),
        pytest.param(a_pod(ASKING, THREE[0], requests={"cpu": "400m"}), ["400m", "0"], id="nothing-is-left"),
        pytest.param(
            a_pod(THREE[0], init=[a_container("setup", init=True)], requests={"cpu": "200m"}),
            ["200m", "200m"],
            id="an-init-container-is-gone-before-the-app-runs",
        ),
        pytest.param(
            a_pod(THREE[0], init=[a_container("mesh", init=True, restartable=True)], requests={"cpu": "200m"}),
            ["100m", "100m"],
            id="a-sidecar-runs-beside-it",
        ),
        pytest.param(
            a_pod(
                THREE[0],
                init=[
                    a_container("mesh", init=True, restartable=True, requests={"cpu": "150m"}),
                    a_container("setup", init=True),
                ],
                requests={"cpu": "200m"},
            ),
            ["50m", "150m", "50m"],
            id="an-init-container-beside-an-earlier-sidecar",
        ),
        pytest.param(a_pod(*THREE, limits={"cpu": "750m"}), ["250m"] * 3, id="below-a-pod-level-limit"),
        pytest.param(a_pod(*THREE, limits={"cpu": "749m"}), [None] * 3, id="a-pod-level-limit-becomes-the-request"),
    ],
)
def test_default_requests_share_what_the_pod_level_leaves(pod: Pod, requests: list[str | None]) -> None:
    """Every container gets its default limit all the same, where there is no pod-level one (D-8)."""
    found = defaulted(pod)
    assert [texts(one.requests).get("cpu") for one in found] == requests
    assert all(("cpu" in one.limits) == ("cpu" not in pod.limits) for one in found)


@pytest.mark.rule("L-23", "lowered-limit")
@pytest.mark.parametrize(
    ("pod", "limits"),
    [
        pytest.param(a_pod(a_container(requests={"cpu": "100m"})), {"cpu": "200m"}, id="lowered-to-the-ratio"),
        pytest.param(a_pod(a_container(requests={"cpu": "300m"})), {"cpu": "500m"}, id="within-the-ratio"),
        pytest.param(a_pod(a_container(requests={"cpu": "700m"})), {"cpu": "700m"}, id="lifted"),
        pytest.param(a_pod(a_container(requests={"cpu": "0"})), {"cpu": "500m"}, id="never-to-zero-which-is-no-limit"),
        pytest.param(a_pod(requests={"cpu": "100m"}), {"cpu": "200m"}, id="by-what-the-pod-level-leaves"),
    ],
)
def test_a_default_limit_keeps_the_ratio_of_the_request(pod: Pod, limits: Texts) -> None:
    """The other half of kubernetes#51430: LimitRanger sets a limit for which it refuses the pod."""
    item = an_item(default={"cpu": "500m"}, default_request={"cpu": "250m"}, ratio={"cpu": "2"})
    assert texts(defaulted(pod, item)[0].limits) == limits


@pytest.mark.rule("L-23", "lowered-limit")
@pytest.mark.parametrize(("ratio", "limit"), [("1", "100Mi"), ("1.5", "150Mi"), ("1.0000001", "104857610")])
def test_a_lowered_limit_is_a_whole_amount(ratio: str, limit: str) -> None:
    item = an_item(default={"memory": "1Gi"}, ratio={"memory": ratio})
    assert texts(defaulted(a_pod(a_container(requests={"memory": "100Mi"})), item)[0].limits) == {"memory": limit}


@pytest.mark.rule("D-13")
def test_hugepages_beside_a_pod_level_limit_get_neither_side() -> None:
    """A container's hugepages request without an equal limit is refused by the API (D-13)."""
    item = an_item(default={"hugepages-2Mi": "2Mi"}, default_request={"hugepages-2Mi": "2Mi"})
    pod = a_pod(limits={"hugepages-2Mi": "8Mi"})
    assert with_defaults(pod, a_tier(item)) == (pod, ())


HUGE = {"hugepages-2Mi": "2Mi"}


@pytest.mark.rule("D-5", "L-22", "pod-level-suppression", "valid-defaults-only")
@pytest.mark.parametrize(
    ("containers", "completed"),
    [
        pytest.param([{"cpu": "1"}, {"cpu": "1"}], [HUGE, HUGE], id="each-can-have-them"),
        pytest.param([{"cpu": "1"}, {}], [{}, {}], id="one-cannot-D-14"),
        pytest.param([{"cpu": "1", **HUGE}, {"cpu": "1"}, {}], [HUGE, {}, {}], id="what-one-asks-for-itself-stays"),
    ],
)
def test_beside_pod_level_resources_all_containers_get_hugepages_or_none(
    containers: list[Texts], completed: list[Texts]
) -> None:
    """The server adds them up at the pod level (D-5), which then bounds the containers left without (L-22)."""
    item = an_item(default=HUGE, default_request=HUGE)
    named = [a_container(f"c{number}", requests=asked, limits=asked) for number, asked in enumerate(containers)]
    for pod, expected in (
        (a_pod(*named, requests={"cpu": "4"}), completed),
        (a_pod(*named), [HUGE if asked else {} for asked in containers]),
    ):
        found = [texts(container.limits) for container in with_defaults(pod, a_tier(item))[0].containers]
        assert [{name: one[name] for name in one if name in HUGE} for one in found] == expected


@pytest.mark.rule("D-14", "valid-defaults-only")
def test_what_is_left_out_takes_hugepages_with_it() -> None:
    """Without the crowded cpu request one container can have no hugepages (D-14), so the other gets none either."""
    item = an_item(default={"cpu": "1", **HUGE}, default_request={"cpu": "1", **HUGE})
    pod = a_pod(a_container("a"), a_container("b", requests={"memory": "1Gi"}), limits={"cpu": "1"})
    assert with_defaults(pod, a_tier(item)) == (pod, ())


def test_other_defaults_are_given_to_some_containers_only() -> None:
    """Only hugepages limits are added up at the pod level."""
    item = an_item(default_request={"memory": "128Mi"})
    pod = a_pod(a_container("a", limits={"memory": "1Gi"}), a_container("b"), requests={"cpu": "1"})
    _, b = defaulted(pod, item)
    assert texts(b.requests) == {"memory": "128Mi"}


def test_a_tier_without_a_container_item_defaults_nothing() -> None:
    tier = a_tier(an_item("Pod", high={"cpu": "1"}))
    assert with_defaults(a_pod(), tier) == (a_pod(), ())
    assert not defaults_of(a_pod(), tier).patch


def test_defaulting_twice_adds_nothing_the_second_time() -> None:
    tier = a_tier(ITEM)
    once, added = with_defaults(a_pod(), tier)
    assert added
    assert with_defaults(once, tier) == (once, ())


def test_the_input_stays_as_it_was() -> None:
    pod = a_pod(a_container(requests={"memory": "1Gi"}))
    with_defaults(pod, a_tier(ITEM))
    assert pod == a_pod(a_container(requests={"memory": "1Gi"}))
