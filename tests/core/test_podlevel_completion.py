"""Pod-level resources as the API server completes them, up to 1.36 and from 1.37 on (D-5 to D-7a)."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import Texts, a_container, a_pod, texts
from tiergate.core.podlevel import completed
from tiergate.core.podspec import Pod

OLD, NEW = 36, 37
SEVEN = a_container("a", requests={"cpu": "100m"}, limits={"cpu": "700m"})
SIX = a_container("b", requests={"cpu": "100m"}, limits={"cpu": "600m"})
HUGE = a_container(limits={"hugepages-2Mi": "4Mi", "cpu": "1"})


def sides(pod: Pod, minor: int) -> tuple[Texts, Texts]:
    after = completed(pod, minor=minor)
    return texts(after.requests), texts(after.limits)


@pytest.mark.rule("D-5", "D-6", "D-6a", "D-7", "D-7a")
@pytest.mark.parametrize(
    ("pod", "old", "new"),
    [
        pytest.param(
            a_pod(a_container(requests={"cpu": "500m"}), limits={"cpu": "2", "memory": "1Gi"}),
            ({"cpu": "500m", "memory": "1Gi"}, {"cpu": "2", "memory": "1Gi"}),
            None,
            id="D-6-request-is-the-aggregate-D-7-else-the-limit",
        ),
        pytest.param(a_pod(limits={"cpu": "2"}), ({"cpu": "2"}, {"cpu": "2"}), None, id="D-7-no-container-resources"),
        pytest.param(a_pod(requests={"cpu": "1"}), ({"cpu": "1"}, {}), None, id="D-6a-nothing-to-take"),
        pytest.param(
            a_pod(a_container(requests={"memory": "1Gi"}), requests={"cpu": "1"}),
            ({"cpu": "1"}, {}),
            ({"cpu": "1", "memory": "1Gi"}, {}),
            id="D-6a-one-request-is-enough",
        ),
        pytest.param(
            a_pod(
                a_container("a", limits={"cpu": "700m"}),
                a_container("b", limits={"cpu": "200m"}),
                requests={"cpu": "1"},
            ),
            ({"cpu": "1"}, {}),
            ({"cpu": "1"}, {"cpu": "1"}),
            id="D-7a-limit-is-the-request-where-that-is-larger",
        ),
        pytest.param(
            a_pod(SEVEN, SIX, requests={"cpu": "1"}),
            ({"cpu": "1"}, {}),
            ({"cpu": "1"}, {"cpu": "1300m"}),
            id="D-7a-limit-is-the-aggregate-where-that-is-larger",
        ),
        pytest.param(
            a_pod(SEVEN, a_container("b"), requests={"cpu": "1"}),
            ({"cpu": "1"}, {}),
            None,
            id="D-7a-one-container-without-a-limit",
        ),
        pytest.param(
            a_pod(SEVEN, init=[a_container("i", init=True)], requests={"cpu": "1"}),
            ({"cpu": "1"}, {}),
            None,
            id="D-7a-an-init-container-without-a-limit",
        ),
        pytest.param(
            a_pod(a_container(limits={"memory": "1Gi"}), requests={"cpu": "1"}),
            ({"cpu": "1"}, {}),
            ({"cpu": "1", "memory": "1Gi"}, {"memory": "1Gi"}),
            id="D-7a-after-D-6a",
        ),
        pytest.param(
            a_pod(SEVEN, requests={"cpu": "1"}, limits={"cpu": "2"}),
            ({"cpu": "1"}, {"cpu": "2"}),
            None,
            id="D-7a-a-written-limit-stays",
        ),
        pytest.param(
            msgspec.structs.replace(a_pod(requests={"cpu": "1"}), containers=()),
            ({"cpu": "1"}, {}),
            None,
            id="D-7a-no-container-no-limit-to-share",
        ),
        pytest.param(a_pod(SEVEN), ({}, {}), None, id="no-pod-level-resources"),
        pytest.param(
            a_pod(HUGE, limits={"cpu": "2"}),
            ({"cpu": "1", "hugepages-2Mi": "4Mi"}, {"cpu": "2", "hugepages-2Mi": "4Mi"}),
            None,
            id="D-5-hugepages-limit-D-7-its-request",
        ),
        pytest.param(
            a_pod(HUGE, requests={"memory": "1Gi"}),
            (
                {"memory": "1Gi", "cpu": "1", "hugepages-2Mi": "4Mi"},
                {"hugepages-2Mi": "4Mi"},
            ),
            (
                {"memory": "1Gi", "cpu": "1", "hugepages-2Mi": "4Mi"},
                {"cpu": "1", "hugepages-2Mi": "4Mi"},
            ),
            id="D-5-makes-limits-so-D-6-takes-requests",
        ),
        pytest.param(
            a_pod(HUGE, requests={"hugepages-2Mi": "8Mi"}),
            ({"hugepages-2Mi": "8Mi"}, {}),
            ({"hugepages-2Mi": "8Mi", "cpu": "1"}, {"hugepages-2Mi": "8Mi", "cpu": "1"}),
            id="D-5-not-beside-a-pod-level-request",
        ),
        pytest.param(
            a_pod(HUGE, limits={"hugepages-2Mi": "8Mi"}),
            ({"hugepages-2Mi": "8Mi", "cpu": "1"}, {"hugepages-2Mi": "8Mi"}),
            ({"hugepages-2Mi": "8Mi", "cpu": "1"}, {"hugepages-2Mi": "8Mi", "cpu": "1"}),
            id="D-5-a-written-limit-stays",
        ),
        pytest.param(
            a_pod(a_container(limits={"nvidia.com/gpu": "1", "ephemeral-storage": "1Gi"}), limits={"cpu": "1"}),
            ({"cpu": "1"}, {"cpu": "1"}),
            None,
            id="D-6-supported-names-only",
        ),
        pytest.param(
            a_pod(
                a_container("a", requests={"cpu": "100m"}),
                init=[a_container("i", init=True, requests={"cpu": "500m"})],
                limits={"cpu": "2"},
            ),
            ({"cpu": "500m"}, {"cpu": "2"}),
            None,
            id="D-6-the-aggregate-is-R-30",
        ),
    ],
)
def test_the_pod_level_is_completed(pod: Pod, old: tuple[Texts, Texts], new: tuple[Texts, Texts] | None) -> None:
    """``new`` is None where both releases agree."""
    assert sides(pod, OLD) == old
    assert sides(pod, NEW) == (new or old)


@pytest.mark.parametrize("minor", [OLD, NEW])
def test_completing_twice_changes_nothing(minor: int) -> None:
    once = completed(a_pod(SEVEN, SIX, requests={"cpu": "1"}, limits={"memory": "1Gi"}), minor=minor)
    assert completed(once, minor=minor) == once


def test_containers_stay_as_they_are() -> None:
    pod = a_pod(SEVEN, init=[a_container("i", init=True, limits={"cpu": "2"})], requests={"cpu": "1"})
    assert completed(pod, minor=NEW).every_container() == pod.every_container()
