"""Which resources the API server itself refuses (D-8, D-11 to D-14), with its words."""

from __future__ import annotations

import pytest

from tests.builders import a_container, a_pod
from tiergate.core.podspec import Pod
from tiergate.core.validity import invalid

CPU = a_container(requests={"cpu": "300m"})
TWO = (a_container("a", requests={"cpu": "300m"}), a_container("b", requests={"cpu": "300m"}))
AT = "/spec/containers/0/resources"
HUGE_AT = "/spec/resources/{}/hugepages-2Mi".format


@pytest.mark.rule("D-8", "D-9", "D-10", "D-11", "D-12", "D-13", "D-14", "D-16")
@pytest.mark.parametrize(
    ("pod", "reasons"),
    [
        pytest.param(a_pod(), [], id="nothing-asked"),
        pytest.param(
            a_pod(a_container(requests={"cpu": "700m"}, limits={"cpu": "500m"})),
            [f"{AT}/requests/cpu must be less than or equal to cpu limit of 500m"],
            id="D-12-request-above-limit",
        ),
        pytest.param(a_pod(a_container(requests={"cpu": "1"}, limits={"cpu": "1"})), [], id="D-12-equal"),
        pytest.param(
            a_pod(a_container(requests={"cpu": "-1"}, limits={"memory": "-1"})),
            [
                f"{AT}/limits/memory must be greater than or equal to 0",
                f"{AT}/requests/cpu must be greater than or equal to 0",
                f"{AT}/requests/memory must be greater than or equal to 0",
            ],
            id="D-11-negative",
        ),
        pytest.param(
            a_pod(a_container(limits={"nvidia.com/gpu": "1500m"})),
            [
                f"{AT}/limits/nvidia.com~1gpu must be an integer",
                f"{AT}/requests/nvidia.com~1gpu must be an integer",
            ],
            id="D-11-extended-whole-numbers",
        ),
        pytest.param(
            a_pod(a_container(limits={"nvidia.com/gpu": "9Pi"})),
            [
                f"{AT}/limits/nvidia.com~1gpu must be an integer",
                f"{AT}/requests/nvidia.com~1gpu must be an integer",
            ],
            id="D-11-Q-21-milli-units-beyond-64-bits",
        ),
        pytest.param(a_pod(a_container(limits={"nvidia.com/gpu": "8Pi"})), [], id="D-11-Q-21-8Pi-fits"),
        pytest.param(
            a_pod(a_container(limits={"x.kubernetes.io/y": "1500m"})), [], id="D-10-native-names-take-fractions"
        ),
        pytest.param(
            a_pod(a_container(requests={"nvidia.com/gpu": "1"})),
            [f"{AT}/limits Limit must be set for non overcommitable resources"],
            id="D-13-request-without-limit",
        ),
        pytest.param(a_pod(a_container(requests={"x.kubernetes.io/y": "1"})), [], id="D-10-native-names-need-none"),
        pytest.param(
            a_pod(a_container(requests={"nvidia.com/gpu": "1"}, limits={"nvidia.com/gpu": "2"})),
            [f"{AT}/requests/nvidia.com~1gpu must be equal to nvidia.com/gpu limit of 2"],
            id="D-13-request-equals-limit",
        ),
        pytest.param(a_pod(a_container(limits={"nvidia.com/gpu": "1"})), [], id="D-13-limit-alone"),
        pytest.param(
            a_pod(a_container(limits={"hugepages-2Mi": "4Mi"})),
            [f"{AT} HugePages require cpu or memory"],
            id="D-14-hugepages-alone",
        ),
        pytest.param(
            a_pod(a_container(limits={"hugepages-2Mi": "4Mi"}, requests={"memory": "1Gi"})), [], id="D-14-with-memory"
        ),
        pytest.param(
            a_pod(a_container(limits={"hugepages-2Mi": "3Mi", "cpu": "1"})),
            [
                f"{AT}/limits/hugepages-2Mi 3Mi is not positive integer multiple of hugepages-2Mi",
                f"{AT}/requests/hugepages-2Mi 3Mi is not positive integer multiple of hugepages-2Mi",
            ],
            id="D-14-whole-pages",
        ),
        pytest.param(a_pod(a_container(limits={"hugepages-x": "3", "cpu": "1"})), [], id="D-14-a-page-of-no-size"),
        pytest.param(
            a_pod(*TWO, requests={"cpu": "500m"}),
            ["/spec/resources/requests/cpu must be greater than or equal to aggregate container requests of 600m"],
            id="D-8-requests-above-the-pod-level",
        ),
        pytest.param(a_pod(*TWO, requests={"cpu": "600m"}), [], id="D-8-requests-equal-to-the-pod-level"),
        pytest.param(
            a_pod(a_container(limits={"cpu": "500m"}), requests={"cpu": "500m"}, limits={"cpu": "400m"}),
            [
                "/spec/resources/requests/cpu must be less than or equal to cpu limit of 400m",
                f"{AT}/limits/cpu must be less than or equal to pod limits of 400m",
            ],
            id="D-8-one-limit-above-the-pod-level",
        ),
        pytest.param(
            a_pod(*[a_container(limits={"cpu": "1"}, requests={"cpu": "0"})] * 3, limits={"cpu": "1"}),
            [],
            id="D-8-the-sum-of-limits-may-be-above",
        ),
        pytest.param(
            a_pod(init=[a_container(init=True, limits={"cpu": "2"}, requests={"cpu": "0"})], limits={"cpu": "1"}),
            [],
            id="D-8-an-init-container's-limit-may-be-above",
        ),
        pytest.param(
            a_pod(
                *[a_container(limits={"hugepages-2Mi": "4Mi", "cpu": "1"})] * 2,
                limits={"hugepages-2Mi": "4Mi", "cpu": "2"},
                requests={"hugepages-2Mi": "4Mi", "cpu": "2"},
            ),
            [
                f"{HUGE_AT('requests')} must be greater than or equal to aggregate container requests of 8Mi",
                f"{HUGE_AT('limits')} must be greater than or equal to aggregate container limits of 8Mi",
            ],
            id="D-8-hugepages-are-summed",
        ),
        pytest.param(
            a_pod(
                *[a_container(limits={"hugepages-2Mi": "4Mi", "cpu": "1"})] * 2,
                limits={"hugepages-2Mi": "8Mi", "cpu": "2"},
                requests={"hugepages-2Mi": "8Mi", "cpu": "2"},
            ),
            [],
            id="D-8-hugepages-equal-to-the-pod-level",
        ),
        pytest.param(
            a_pod(a_container(), requests={"hugepages-2Mi": "4Mi"}, limits={"hugepages-2Mi": "4Mi"}),
            ["/spec/resources HugePages require cpu or memory"],
            id="D-14-at-the-pod-level-too",
        ),
        pytest.param(
            a_pod(a_container(), requests={"hugepages-2Mi": "4Mi", "cpu": "1"}),
            ["/spec/resources/limits Limit must be set for non overcommitable resources"],
            id="D-13-at-the-pod-level-too",
        ),
        pytest.param(
            a_pod(requests={"cpu": "2"}, limits={"cpu": "1"}),
            ["/spec/resources/requests/cpu must be less than or equal to cpu limit of 1"],
            id="D-9-pod-level-request-above-its-limit",
        ),
        pytest.param(
            a_pod(init=[a_container(init=True, requests={"cpu": "2"}, limits={"cpu": "1"})]),
            ["/spec/initContainers/0/resources/requests/cpu must be less than or equal to cpu limit of 1"],
            id="D-12-init-containers-too",
        ),
    ],
)
def test_the_api_refuses_what_contradicts_itself(pod: Pod, reasons: list[str]) -> None:
    assert [f"{fault.pointer} {fault.reason}" for fault in invalid(pod)] == reasons
