"""A limit of 0 is none at run time: which pods have one, under each bound of a tier."""

from __future__ import annotations

import pytest

from tests.builders import Texts, a_container, a_pod, a_quota, a_tier, a_tier_quota, an_item, validated
from tiergate.core.podspec import Pod
from tiergate.core.tier import Tier

CPU = {"cpu": "500m"}


def hard(*names: str) -> Tier:
    return a_tier(quotas=[a_tier_quota(dict.fromkeys(names, "4"), scopes=[])])


BOUNDS = {
    "container-default": a_tier(an_item(default=CPU)),
    "container-max": a_tier(an_item(high=CPU)),
    "pod-max": a_tier(an_item("Pod", high=CPU)),
    "pod-ratio": a_tier(an_item("Pod", ratio={"cpu": "2"})),
    "quota": hard("limits.cpu"),
    "quota-of-some-pods": a_tier(quotas=[a_tier_quota({"limits.cpu": "4"}, scopes=["Terminating"])]),
    "each": a_tier(an_item(default=CPU), an_item("Pod", high={"cpu": "1"}), quotas=[a_tier_quota({"limits.cpu": "4"})]),
}
NO_BOUNDS = {
    "nothing": a_tier(),
    "container-min": a_tier(an_item(default_request=CPU)),
    "memory": a_tier(an_item(high={"memory": "1Gi"}), quotas=[a_tier_quota({"limits.memory": "4Gi"})]),
    "requests": hard("cpu", "requests.cpu", "pods"),
    "claims": a_tier(an_item("PersistentVolumeClaim", high={"storage": "1Gi"})),
}


def zeros(pod: Pod, tier: Tier, old: Pod | None = None) -> list[tuple[str, str]]:
    names = {name for quota in tier.quotas for name in quota.hard}
    there = a_quota(dict.fromkeys(names, "1000Gi"), managed=True)
    findings = validated(pod, old=old, tier=tier, quotas=(there,) if names else ()).findings
    return [(one.rule, one.pointer) for one in findings if one.rule.endswith("-zero")]


def limited(limit: Texts, request: Texts | None = None) -> Pod:
    return a_pod(a_container(requests=request or {"cpu": "1m"}, limits=limit))


OWN = [("limit-zero", "/spec/containers/0/resources/limits/cpu")]
OF_POD = [("pod-limit-zero", "/spec/resources/limits/cpu")]
SECOND = [("limit-zero", "/spec/containers/1/resources/limits/cpu")]
ZERO, ONE = {"cpu": "0"}, {"cpu": "1"}
UNLIMITED = a_container("b", limits=ZERO, pointer="/spec/containers/1")


@pytest.mark.rule("limit-zero")
@pytest.mark.parametrize(
    ("pod", "old", "found"),
    [
        pytest.param(limited(ZERO), None, OWN, id="container"),
        pytest.param(a_pod(a_container(limits=ONE), UNLIMITED), None, SECOND, id="beside-a-limit"),
        pytest.param(
            a_pod(a_container(limits=ONE), init=[a_container("setup", limits=ZERO, init=True)]),
            None,
            [("limit-zero", "/spec/initContainers/0/resources/limits/cpu")],
            id="init-container",
        ),
        pytest.param(a_pod(limits=ZERO), None, OF_POD, id="pod-level"),
        pytest.param(a_pod(a_container(), a_container("b"), limits=ZERO), None, OF_POD, id="pod-level-said-once"),
        pytest.param(a_pod(a_container(), UNLIMITED, limits=ZERO), None, SECOND + OF_POD, id="both-levels"),
        pytest.param(a_pod(a_container(limits=ZERO), limits=ONE), None, OWN, id="container-below-a-pod-level-limit"),
        pytest.param(a_pod(a_container(limits=ONE), limits=ZERO), None, [], id="pod-level-that-no-container-has"),
        pytest.param(limited({"cpu": "1m"}), None, [], id="a-limit"),
        pytest.param(limited({}), None, [], id="no-limit-is-for-other-rules"),
        pytest.param(limited({"memory": "0"}), None, [], id="another-resource"),
        pytest.param(limited(ONE, ZERO), None, [], id="a-request-of-0-is-scheduling-only"),
        pytest.param(limited(ZERO), limited(ONE), OWN, id="resized-to-it"),
        pytest.param(limited(ZERO, {"cpu": "2m"}), limited(ZERO), OWN, id="resized-beside-it"),
        pytest.param(limited(ZERO), limited(ZERO), [], id="it-was-there"),
        pytest.param(a_pod(limits=ZERO), a_pod(limits=ONE), OF_POD, id="pod-level-resized-to-it"),
        pytest.param(a_pod(limits=ZERO), a_pod(limits=ZERO), [], id="pod-level-it-was-there"),
    ],
)
@pytest.mark.parametrize("bound", BOUNDS)
def test_a_limit_of_zero_is_refused_under_any_bound(
    bound: str, pod: Pod, old: Pod | None, found: list[tuple[str, str]]
) -> None:
    assert zeros(pod, BOUNDS[bound], old) == found


@pytest.mark.rule("limit-zero")
@pytest.mark.parametrize("bound", NO_BOUNDS)
@pytest.mark.parametrize("pod", [limited(ZERO), a_pod(limits=ZERO)], ids=["container", "pod-level"])
def test_a_limit_of_zero_of_what_no_limit_bounds_is_fine(bound: str, pod: Pod) -> None:
    assert zeros(pod, NO_BOUNDS[bound]) == []


@pytest.mark.rule("limit-zero")
@pytest.mark.parametrize("name", ["hugepages-2Mi", "nvidia.com/gpu"])
def test_a_limit_of_zero_of_anything_else_is_a_limit(name: str) -> None:
    tier = a_tier(an_item(high={name: "1"}), an_item("Pod", high={name: "1"}))
    assert zeros(a_pod(a_container(limits={name: "0"})), tier) == []


@pytest.mark.rule("limit-zero")
def test_memory_is_judged_as_cpu_is() -> None:
    pod = a_pod(a_container(limits={"cpu": "0", "memory": "0"}))
    assert len(zeros(pod, hard("limits.cpu", "limits.memory"))) == 2
    assert len(zeros(pod, hard("limits.memory"))) == 1
