"""The pod that the validating pass will see: defaults and completion in the order of the release (D-5a, D-9)."""

from __future__ import annotations

import pytest

from tests.builders import Texts, a_container, a_pod, a_tier, an_item, texts
from tiergate.core.podspec import Pod
from tiergate.core.prediction import admitted
from tiergate.core.usage import qos_class
from tiergate.core.validity import invalid

OLD, NEW = 36, 37
TIER = a_tier(an_item(default={"cpu": "500m"}, default_request={"cpu": "300m"}))
LIMITED = a_pod(a_container("a"), a_container("b"), limits={"cpu": "1"})


@pytest.mark.rule("D-9")
@pytest.mark.parametrize(
    ("minor", "pod_request", "container_requests"),
    [
        pytest.param(OLD, "1", {}, id="D-9-up-to-1.36-the-completed-request-suppresses-default-requests"),
        pytest.param(NEW, "600m", {"cpu": "300m"}, id="D-9-from-1.37-the-pod-level-request-follows-the-defaults"),
    ],
)
def test_the_pod_level_request_is_completed_before_or_after_the_defaults(
    minor: int, pod_request: str, container_requests: Texts
) -> None:
    pod = admitted(LIMITED, TIER, minor=minor)
    assert texts(pod.requests) == {"cpu": pod_request}
    assert [texts(one.requests) for one in pod.containers] == [container_requests] * 2
    assert not invalid(pod)


@pytest.mark.rule("D-9")
@pytest.mark.parametrize("minor", [OLD, NEW])
def test_defaults_that_would_not_fit_the_pod_level_are_not_set(minor: int) -> None:
    """D-9: LimitRanger's would make this pod invalid on every release."""
    pod = admitted(a_pod(a_container("a"), a_container("b"), limits={"cpu": "500m"}), TIER, minor=minor)
    assert [texts(one.requests) for one in pod.containers] == [{}, {}]
    assert not invalid(pod)


@pytest.mark.rule("D-17")
@pytest.mark.parametrize(
    ("pod", "old", "new"),
    [
        pytest.param(
            a_pod(a_container(limits={"cpu": "1", "memory": "1Gi"}), requests={"cpu": "1"}),
            "Burstable",
            "Guaranteed",
            id="D-17-pod-level-completed-to-guaranteed",
        ),
        pytest.param(
            a_pod(a_container(limits={"cpu": "1", "memory": "1Gi"}), has_resources=True),
            "BestEffort",
            "Guaranteed",
            id="D-17-empty-pod-level-resources",
        ),
        pytest.param(a_pod(a_container(requests={"cpu": "1"})), "Burstable", "Burstable", id="D-17-containers"),
    ],
)
def test_the_qos_class_is_the_release_s(pod: Pod, old: str, new: str) -> None:
    assert qos_class(admitted(pod, a_tier(), minor=OLD), minor=OLD) == old
    assert qos_class(admitted(pod, a_tier(), minor=NEW), minor=NEW) == new
