"""The QoS class of a pod (D-17)."""

from __future__ import annotations

import pytest

from tests.builders import a_container, a_pod
from tiergate.core.podspec import Pod
from tiergate.core.release import NEWEST
from tiergate.core.usage import qos_class

FULL = {"cpu": "1", "memory": "1Gi"}
GUARANTEED = a_container("a", limits=FULL)


@pytest.mark.rule("D-17", "R-24")
@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param(a_pod(), "BestEffort", id="D-17-nothing"),
        pytest.param(a_pod(a_container(limits={"ephemeral-storage": "1Gi"})), "BestEffort", id="D-17-storage-only"),
        pytest.param(a_pod(a_container(limits={"nvidia.com/gpu": "1"})), "BestEffort", id="D-17-gpu-only"),
        pytest.param(a_pod(a_container(requests={"cpu": "0"})), "BestEffort", id="D-17-zero-is-nothing"),
        pytest.param(a_pod(a_container(requests={"cpu": "1"})), "Burstable", id="D-17-request-only"),
        pytest.param(a_pod(GUARANTEED), "Guaranteed", id="D-17-limits-equal-requests"),
        pytest.param(a_pod(a_container(limits={"cpu": "1"})), "Burstable", id="D-17-one-resource-only"),
        pytest.param(a_pod(a_container(limits=FULL, requests={"cpu": "500m"})), "Burstable", id="D-17-smaller-request"),
        pytest.param(a_pod(GUARANTEED, a_container("b")), "Burstable", id="D-17-one-bare-container"),
        pytest.param(a_pod(GUARANTEED, init=[a_container(init=True)]), "Burstable", id="D-17-init-counts"),
        pytest.param(a_pod(GUARANTEED, init=[GUARANTEED]), "Guaranteed", id="D-17-full-init"),
        pytest.param(a_pod(requests={"cpu": "1"}, limits={"cpu": "1"}), "Burstable", id="D-17-pod-level-one-resource"),
        pytest.param(a_pod(requests=FULL, limits=FULL), "Guaranteed", id="D-17-pod-level-decides"),
        pytest.param(a_pod(GUARANTEED, requests={"cpu": "2"}), "Burstable", id="D-17-pod-level-hides-containers"),
        pytest.param(a_pod(requests={"hugepages-2Mi": "2Mi"}), "BestEffort", id="D-17-pod-level-hugepages-only"),
        pytest.param(a_pod(qos_class="Guaranteed"), "Guaranteed", id="R-24-status-word-wins"),
    ],
)
def test_the_class_follows_cpu_and_memory(pod: Pod, expected: str) -> None:
    assert qos_class(pod, minor=NEWEST) == expected
