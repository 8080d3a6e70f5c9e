"""What would make all pods of a workload fit: said only where it helps, and as what its author can write."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import a_claim, a_container, a_pod, a_quota, a_tier, a_tier_quota, amounts, an_item
from tests.core.workloads import KNOWN, a_template, a_workload, foreign, judged, lines
from tiergate.core.native import LimitRange
from tiergate.core.rules import sentence
from tiergate.core.workload import NONE, ONE_POD, Rollout, Workload

_PAIR = a_container(requests={"cpu": "500m"}, pointer="/spec/template/spec/containers/0")
_TWO_CONTAINERS = msgspec.structs.replace(a_template(), containers=(_PAIR, msgspec.structs.replace(_PAIR, name="side")))

_AT = "/spec/template/spec/containers/0"
_REQUESTS_400 = msgspec.structs.replace(
    a_template(), containers=(a_container(requests={"cpu": "400m"}, limits={"cpu": "450m"}, pointer=_AT),)
)


@pytest.mark.parametrize(
    ("workload", "hard", "used", "expected"),
    [
        pytest.param(
            a_workload({"cpu": "1"}, replicas=6),
            {"limits.cpu": "4", "requests.cpu": "4"},
            {"limits.cpu": "1", "requests.cpu": "1"},
            '3 of 6 pods fit into quota "own" now: limits.cpu and requests.cpu 4, 1 used by others, 1 for each '
            "pod, over by 3; even when empty, the quota holds 4 such pods; set replicas to 3 or less, "
            "or lower limits.cpu and requests.cpu to 500m per pod",
            id="a-request-that-is-the-limit",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=6),
            {"limits.cpu": "4", "requests.cpu": "5"},
            {},
            '4 of 6 pods fit into quota "own": limits.cpu 4, 1 for each pod, over by 2; '
            "set replicas to 4 or less, or lower limits.cpu to 666m per pod\n"
            '5 of 6 pods fit into quota "own": requests.cpu 5, 1 for each pod, '
            "over by 1; lower requests.cpu to 833m per pod",
            id="both-have-to-be-lowered",
        ),
        pytest.param(
            a_workload(template=_REQUESTS_400, replicas=4),
            {"limits.cpu": "1"},
            {},
            '2 of 4 pods fit into quota "own": limits.cpu 1, 450m for each pod, over by 800m; '
            "set replicas to 2 or less, or lower limits.cpu and requests.cpu to 250m per pod",
            id="a-request-above-what-fits-has-to-be-lowered-too",
        ),
        pytest.param(
            a_workload(template=_REQUESTS_400, replicas=2),
            {"limits.cpu": "800m"},
            {},
            '1 of 2 pods fit into quota "own": limits.cpu 800m, 450m for each pod, over by 100m; '
            "set replicas to 1 or less, or lower limits.cpu to 400m per pod",
            id="one-that-is-no-more-than-what-fits-may-stay",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=3),
            {"limits.cpu": "2", "pods": "2"},
            {"pods": "2"},
            '0 of 3 pods fit into quota "own" now: pods 2, 2 used by others, 1 for each pod, over by 3; '
            "even when empty, the quota holds 2 such pods\n"
            '2 of 3 pods fit into quota "own": limits.cpu 2, 1 for each pod, over by 1',
            id="nothing-helps-while-another-bound-has-no-room",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=3),
            {"limits.cpu": "2", "pods": "4"},
            {"pods": "2"},
            '2 of 3 pods fit into quota "own": limits.cpu 2, 1 for each pod, over by 1; '
            "set replicas to 2 or less, or lower limits.cpu to 666m per pod\n"
            '2 of 3 pods fit into quota "own" now: pods 4, 2 used by others, 1 for each pod, over by 1; free 1 in dev',
            id="each-bound-has-a-way",
        ),
        pytest.param(
            a_workload(template=_TWO_CONTAINERS, replicas=6),
            {"requests.cpu": "4"},
            {},
            '4 of 6 pods fit into quota "own": requests.cpu 4, 1 for each pod, over by 2; '
            "set replicas to 4 or less, or lower requests.cpu to 666m per pod (all containers together)",
            id="several-containers",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=3),
            {"limits.cpu": "4"},
            {"limits.cpu": "6"},
            '0 of 3 pods fit into quota "own" now: limits.cpu 4, 6 used by others, 1 for each pod, '
            "over by 5; free 5 in dev",
            id="more-is-used-than-there-is",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=4),
            {"limits.cpu": "4"},
            {"limits.cpu": "1"},
            '3 of 4 pods fit into quota "own" now: limits.cpu 4, 1 used by others, 1 for each pod, over by 1; '
            "set replicas to 3 or less, or lower limits.cpu to 750m per pod, or free 1 in dev",
            id="all-that-others-use-is-missing",
        ),
    ],
)
def test_what_would_help_is_said_only_where_it_helps_at_all_bounds(
    workload: Workload, hard: dict[str, str], used: dict[str, str], expected: str
) -> None:
    assert "\n".join(lines(workload, hard, used)) == expected


def test_quotas_of_one_name_are_told_apart_and_none_is_named_twice() -> None:
    """As after a tier was made of a namespace's ResourceQuotas, whose names its own quotas have."""
    hard, used = {"limits.cpu": "4", "requests.cpu": "4"}, {"limits.cpu": "1", "requests.cpu": "1"}
    tier = a_tier(quotas=[a_tier_quota(hard, name="own")])
    found = judged(a_workload({"cpu": "1"}, replicas=5), tier=tier, quotas=(foreign(hard, used), a_quota(hard, used)))
    why = "limits.cpu and requests.cpu 4, 1 used by others, 1 for each pod, over by 2"
    why += "; even when empty, the quota holds 4 such pods"
    assert [sentence(one, namespace="dev") for one in found] == [
        (
            f'3 of 5 pods fit into quota "own" (ResourceQuota) now: {why}; '
            "set replicas to 3 or less, or lower limits.cpu and requests.cpu to 600m per pod"
        ),
        f'3 of 5 pods fit into quota "own" (tier dev) now: {why}; lower limits.cpu and requests.cpu to 600m per pod',
    ]


@pytest.mark.parametrize(
    ("old", "changes", "used", "expected"),
    [
        pytest.param(
            a_workload({"memory": "1Gi"}, kind="StatefulSet", replicas=6, rollout=Rollout(NONE, ONE_POD, 2)),
            {"template": a_template({"memory": "3Gi"}), "written": b"another"},
            "7Gi",
            '5 of 6 pods fit into quota "own" now: limits.memory 12Gi, 1Gi used by others, 3Gi for each new pod, '
            "2Gi for 2 old ones, over by 3Gi; set replicas to 5 or less, or lower limits.memory to 2304Mi per pod",
            id="W-3-two-stay-as-they-are",
        ),
        pytest.param(
            a_workload({"memory": "1Gi"}, kind="ReplicaSet", replicas=6),
            {"replicas": 16},
            "9Gi",
            '9 of 16 pods fit into quota "own" now: limits.memory 12Gi, 3Gi used by others, 1Gi for each pod, '
            "over by 7Gi; even when empty, the quota holds 12 such pods; "
            "set replicas to 9 or less, or lower limits.memory to 307Mi per pod",
            id="more-of-the-same-beside-those-that-stay",
        ),
    ],
)
def test_old_pods_are_told_apart_where_they_ask_something_else(
    old: Workload, changes: dict[str, Any], used: str, expected: str
) -> None:
    new = msgspec.structs.replace(old, **changes)
    assert lines(new, {"limits.memory": "12Gi"}, {"limits.memory": used}, old) == [expected]


@pytest.mark.rule("W-3")
def test_pods_that_stay_run_whatever_became_of_the_quota() -> None:
    old = a_workload({"memory": "1Gi"}, kind="StatefulSet", replicas=5, rollout=Rollout(NONE, ONE_POD, 4))
    new = msgspec.structs.replace(old, template=a_template({"memory": "2Gi"}), written=b"another")
    (line,) = lines(new, {"limits.memory": "3Gi"}, {"limits.memory": "5Gi"}, old)
    assert line.startswith("4 of 5 pods fit")


_STATEFUL = a_workload({"cpu": "1"}, kind="StatefulSet", replicas=6, kept_claims=(a_claim("3Gi"),))


@pytest.mark.rule("W-3")
@pytest.mark.parametrize(
    ("size", "before", "expected"),
    [
        pytest.param(
            "3Gi",
            None,
            '3 of 6 pods fit into quota "own", unless claims exist already: requests.storage 10Gi, 3Gi for each pod, '
            "over by 8Gi; "
            "set replicas to 3 or less, or lower requests.storage to 1706Mi per pod",
            id="created",
        ),
        pytest.param(
            "3Gi",
            1,
            '3 of 6 pods fit into quota "own", unless claims exist already: requests.storage 10Gi, 3Gi for each pod, '
            "over by 8Gi; "
            "set replicas to 3 or less",
            id="a-claim-template-never-changes",
        ),
        pytest.param(
            "20Gi",
            None,
            'no pod of it can run, unless its claims exist already: claim template "data": quota "own": '
            "requests.storage asks 20Gi, used 0 of 10Gi, over by 10Gi; set requests.storage to 10Gi or less",
            id="created-too-large",
        ),
        pytest.param(
            "20Gi",
            1,
            'no pod of it can run, unless its claims exist already: claim template "data": quota "own": '
            "requests.storage asks 20Gi, used 0 of 10Gi, over by 10Gi",
            id="too-large-for-ever",
        ),
        pytest.param("20Gi", 6, None, id="asked-for-before"),
    ],
)
def test_claims_of_a_statefulset_are_named_and_may_exist_already(
    size: str, before: int | None, expected: str | None
) -> None:
    workload = msgspec.structs.replace(_STATEFUL, kept_claims=(a_claim(size),), written=b"another")
    old = None if before is None else msgspec.structs.replace(workload, replicas=before, written=b"", running=before)
    assert lines(workload, {"requests.storage": "10Gi"}, {}, old) == ([] if expected is None else [expected])


_PLAIN = a_container(pointer=_AT)
_LEVEL = {"memory": "1Gi"}
_SANDBOXED = msgspec.structs.replace(KNOWN, overheads={"gvisor": amounts({"memory": "256Mi"})})
_MIN = an_item(low={"memory": "64Mi"})
_SAME = {"memory": "64Mi"}
_LOW = an_item(default_request=_SAME, low={"memory": "32Mi"}, ratio={"memory": "9"})
_THRICE = an_item(default_request=_SAME, low={"memory": "1Mi"}, ratio={"memory": "1500m"})
_RANGES = (LimitRange("own", (_LOW, _MIN)),)
_TWO_CLAIMS = {"template": a_template({}), "claims": (a_claim("3Gi"), a_claim("3Gi"))}


@pytest.mark.rule("R-31", "L-21", "L-24")
@pytest.mark.parametrize(
    ("workload", "hard", "more", "expected"),
    [
        pytest.param(
            {
                "template": msgspec.structs.replace(
                    a_pod(_PLAIN, requests=_LEVEL, limits=_LEVEL), pointer="/spec/template"
                )
            },
            {"limits.memory": "3Gi"},
            {},
            "set replicas to 3 or less, or set the pod-level limits.memory and requests.memory to 768Mi",
            id="the-pod-level",
        ),
        pytest.param(
            {"template": a_template({"memory": "1Gi"}), "runtime_class": "gvisor"},
            {"limits.memory": "3Gi"},
            {"around": _SANDBOXED},
            "set replicas to 2 or less, or lower limits.memory to 512Mi per pod",
            id="beside-the-overhead",
        ),
        pytest.param(
            {"template": a_template({"memory": "100Mi"})},
            {"limits.memory": "256Mi"},
            {"tier": a_tier(_MIN)},
            "set replicas to 2 or less, or lower limits.memory to 64Mi per pod",
            id="as-much-as-the-tier's-min",
        ),
        pytest.param(
            {"template": a_template({"memory": "100Mi"})},
            {"limits.memory": "255Mi"},
            {"tier": a_tier(_MIN)},
            "set replicas to 2 or less",
            id="less-than-the-tier's-min",
        ),
        pytest.param(
            {"template": a_template({"memory": "100Mi"})},
            {"limits.memory": "255Mi"},
            {"around": msgspec.structs.replace(KNOWN, limit_ranges=_RANGES)},
            "set replicas to 2 or less",
            id="less-than-another-min-of-the-namespace",
        ),
        pytest.param(
            {"template": a_template({"memory": "100Mi"})},
            {"requests.memory": "262Mi"},
            {"around": msgspec.structs.replace(KNOWN, limit_ranges=(LimitRange("two", (_LOW, _THRICE)),))},
            "set replicas to 2 or less",
            id="too-small-for-a-ratio-of-the-namespace",
        ),
        pytest.param(
            _TWO_CLAIMS,
            {"requests.storage": "16Gi"},
            {},
            "set replicas to 2 or less, or lower requests.storage to 4Gi per pod (all claims together)",
            id="claims",
        ),
        pytest.param(
            _TWO_CLAIMS,
            {"requests.storage": "16Gi"},
            {"tier": a_tier(an_item("PersistentVolumeClaim", low={"storage": "2049Mi"}))},
            "set replicas to 2 or less",
            id="claims-below-min",
        ),
    ],
)
def test_what_each_pod_may_ask_for_is_what_its_author_can_write(
    workload: dict[str, Any], hard: dict[str, str], more: dict[str, Any], expected: str
) -> None:
    (line,) = lines(a_workload(replicas=4, **workload), hard, {}, **more)
    assert line.partition("; ")[2] == expected
