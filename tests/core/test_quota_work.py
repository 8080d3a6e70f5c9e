"""The largest objects hold the event loop for less than 25 ms, however many quotas a tenant has (ADR 21).

Whoever may write ResourceQuotas in a namespace has up to 80 of some names each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from tests.builders import Texts, a_claim, a_container, a_pod, a_quota, a_tier, an_item
from tests.calls import calls_of
from tests.core.work import MOST_CALLS, work_of
from tests.core.workloads import KNOWN, a_workload, judged
from tiergate.wire.pod import MAX_CONTAINERS

if TYPE_CHECKING:
    from tiergate.core.podspec import Pod
    from tiergate.core.quota import QuotaStatus

RANGES: Final = an_item(low={"cpu": "1m", "memory": "1Mi"}, high={"cpu": "1", "memory": "1Gi"}, ratio={"cpu": "9"})
COUNTED: Final = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
ASKED: Final = {"cpu": "20m", "memory": "64Mi"}
NO_REQUEST: Final[Texts] = {}


def full_quotas(number: int, *names: str) -> tuple[QuotaStatus, ...]:
    return tuple([a_quota(dict.fromkeys(names, "1m"), name=f"q-{n}", managed=False) for n in range(number)])


def a_large_pod(*, init: bool = False, pod_level: bool = False, requests: Texts = NO_REQUEST) -> Pod:
    first, *others = [
        a_container(f"c{number}", requests=requests or ASKED, limits=ASKED, init=init and number > 0)
        for number in range(MAX_CONTAINERS)
    ]
    level: dict[str, Any] = {}
    if pod_level:
        level = {"requests": {"cpu": "6", "memory": "20Gi"}, "limits": {"cpu": "7", "memory": "21Gi"}}
    return a_pod(first, init=others, **level) if init else a_pod(first, *others, **level)


PODS: Final = {
    "app": a_large_pod(),
    "init": a_large_pod(init=True),
    "pod level": a_large_pod(pod_level=True),
    "lacking": a_large_pod(requests={"memory": "64Mi"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("pod", PODS.values(), ids=PODS.keys())
def test_containers_do_not_count_again_for_each_bound_that_a_pod_exceeds(pod: Pod) -> None:
    few, many = (work_of(pod, RANGES, full_quotas(number, *COUNTED)) for number in (1, 80))
    assert few < many < few + MOST_CALLS / 3


@pytest.mark.slow
def test_containers_and_claims_do_not_count_again_for_each_bound_that_a_workload_exceeds() -> None:
    claims = tuple([a_claim() for _ in range(MAX_CONTAINERS)])
    template = msgspec.structs.replace(a_large_pod(), pointer="/spec/template")
    asked = a_workload(template=template, replicas=2, kind="StatefulSet", kept_claims=claims, claims=claims)

    def work(quotas: int) -> int:
        around = full_quotas(quotas, *COUNTED, "persistentvolumeclaims", "requests.storage")
        return calls_of(lambda: judged(asked, tier=a_tier(RANGES), quotas=around, around=KNOWN))

    assert 10_000 < work(6) < MOST_CALLS
