"""Defaults of hugepages and extended resources, which the API takes only with an equal limit (D-13, D-14)."""

from __future__ import annotations

import pytest

from tests.builders import Texts, a_container, a_pod, a_tier, an_item, texts, validated
from tiergate.core.defaults import with_defaults
from tiergate.core.tier import LimitRangeItem

GPU, PAGES = "nvidia.com/gpu", "hugepages-2Mi"


@pytest.mark.rule("D-10")
@pytest.mark.parametrize(
    ("item", "requests", "limits", "added"),
    [
        pytest.param(an_item(low={GPU: "1"}), {}, {}, {}, id="a-min-alone-derives-a-request-that-needs-a-limit"),
        pytest.param(an_item(default_request={GPU: "1"}), {"cpu": "1"}, {}, {}, id="a-default-request-alone"),
        pytest.param(an_item(default={GPU: "1"}), {}, {}, {GPU: "1"}, id="with-its-limit"),
        pytest.param(an_item(high={GPU: "2"}), {}, {}, {GPU: "2"}, id="derived-from-max"),
        pytest.param(an_item(default={PAGES: "2Mi"}), {}, {}, {}, id="hugepages-without-cpu-or-memory"),
        pytest.param(
            an_item(default={PAGES: "2Mi"}), {"cpu": "1"}, {}, {PAGES: "2Mi"}, id="hugepages-beside-a-request"
        ),
        pytest.param(
            an_item(default={PAGES: "2Mi", "memory": "1Gi"}),
            {},
            {},
            {PAGES: "2Mi", "memory": "1Gi"},
            id="hugepages-beside-a-default",
        ),
        pytest.param(
            an_item(default={"example.kubernetes.io/x": "1"}),
            {},
            {},
            {"example.kubernetes.io/x": "1"},
            id="D-10-native-names-are-no-extended-resources",
        ),
    ],
)
def test_only_defaults_that_the_api_takes_are_added(
    item: LimitRangeItem, requests: Texts, limits: Texts, added: Texts
) -> None:
    """LimitRanger adds them all the same and makes the pod invalid."""
    pod, _ = with_defaults(a_pod(a_container(requests=requests, limits=limits)), a_tier(item))
    assert texts(pod.containers[0].limits) == {**limits, **added}
    assert texts(pod.containers[0].requests) == {**requests, **added}


def test_an_overcommittable_default_request_needs_no_limit() -> None:
    pod, _ = with_defaults(a_pod(a_container()), a_tier(an_item(default_request={"ephemeral-storage": "1Gi"})))
    assert texts(pod.containers[0].requests) == {"ephemeral-storage": "1Gi"}


@pytest.mark.parametrize(
    ("name", "rules"), [(PAGES, set()), (GPU, set()), ("memory", {"limit-max"}), ("ephemeral-storage", {"limit-max"})]
)
def test_a_container_without_a_limit_is_within_the_max_of_what_needs_one(name: str, rules: set[str]) -> None:
    """Without a limit it can use none of it; of other resources it could use everything."""
    tier = a_tier(an_item(high={name: "4Mi"}))
    decision = validated(a_pod(a_container(requests={"cpu": "1"})), old=None, tier=tier, quotas=())
    assert {one.rule for one in decision.findings} == rules
