"""What is said of a workload: amounts in the unit of the bound, and which pods a quota counts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import a_claim, a_container, a_quota, a_tier, a_tier_quota
from tests.core.workloads import a_template, a_workload, judged
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus
from tiergate.core.rules import sentence
from tiergate.core.tier import ScopeRequirement
from tiergate.core.workload import NONE, ONE_POD, RECREATE, Rollout, Workload

ODD = "23215243980800m"
"""21.6Gi, as VPA writes it."""
_BATCH = a_template({"cpu": "1"}, priority_class="batch")


def _foreign(hard: dict[str, str], used: dict[str, str]) -> QuotaStatus:
    return a_quota(hard, used, name="own", managed=False)


@pytest.mark.parametrize(
    ("workload", "quota", "expected"),
    [
        pytest.param(
            a_workload({"memory": "4Gi"}, replicas=6),
            _foreign({"limits.memory": "40Gi"}, {"limits.memory": ODD}),
            '4 of 6 pods fit into quota "own" now: limits.memory 40Gi, 21.6Gi used by others, 4Gi for each pod; '
            "set replicas to 4 or less, or lower limits.memory to 3136Mi per pod, or free 5.7Gi in dev",
            id="used-in-milli-bytes",
        ),
        pytest.param(
            a_workload({"memory": ODD}, replicas=2),
            _foreign({"limits.memory": "40Gi"}, {}),
            '1 of 2 pods fit into quota "own": limits.memory 40Gi, 21.6Gi for each pod; '
            "set replicas to 1 or less, or lower limits.memory to 20Gi per pod",
            id="asked-in-milli-bytes",
        ),
        pytest.param(
            a_workload({"memory": "3G"}, replicas=2),
            _foreign({"limits.memory": "4Gi"}, {}),
            '1 of 2 pods fit into quota "own": limits.memory 4Gi, 2.8Gi for each pod; '
            "set replicas to 1 or less, or lower limits.memory to 2Gi per pod",
            id="asked-in-other-units",
        ),
        pytest.param(
            a_workload({"cpu": "1", "hugepages-2Mi": "4Mi"}, replicas=2),
            _foreign({"requests.hugepages-2Mi": "7Mi"}, {}),
            '1 of 2 pods fit into quota "own": requests.hugepages-2Mi 7Mi, 4Mi for each pod; '
            "set replicas to 1 or less, or lower requests.hugepages-2Mi to 2Mi per pod",
            id="whole-pages",
        ),
        pytest.param(
            a_workload({"memory": "20Ti"}, replicas=6),
            _foreign({"limits.memory": "100Ti"}, {}),
            '5 of 6 pods fit into quota "own": limits.memory 100Ti, 20Ti for each pod; '
            "set replicas to 5 or less, or lower limits.memory to 16.6Ti per pod",
            id="what-fits-is-rounded-down",
        ),
        pytest.param(
            a_workload({"nvidia.com/gpu": "4"}, replicas=3),
            _foreign({"requests.nvidia.com/gpu": "10"}, {}),
            '2 of 3 pods fit into quota "own": requests.nvidia.com/gpu 10, 4 for each pod; '
            "set replicas to 2 or less, or lower requests.nvidia.com/gpu to 3 per pod",
            id="whole-devices",
        ),
        pytest.param(
            a_workload({"example.com/hugepages-2Mi": "4"}, replicas=3),
            _foreign({"requests.example.com/hugepages-2Mi": "10"}, {}),
            '2 of 3 pods fit into quota "own": requests.example.com/hugepages-2Mi 10, 4 for each pod; '
            "set replicas to 2 or less, or lower requests.example.com/hugepages-2Mi to 3 per pod",
            id="devices-named-like-huge-pages",
        ),
        pytest.param(
            a_workload({"cpu": "0"}, replicas=3),
            _foreign({"limits.cpu": "4", "pods": "2"}, {}),
            '2 of 3 pods fit into quota "own": pods 2, 1 for each pod; set replicas to 2 or less',
            id="what-asks-nothing-hides-nothing",
        ),
        pytest.param(
            a_workload({"example.com/vcpu": "4"}, replicas=4),
            _foreign({"requests.example.com/vcpu": "10"}, {}),
            '2 of 4 pods fit into quota "own": requests.example.com/vcpu 10, 4 for each pod; '
            "set replicas to 2 or less, or lower requests.example.com/vcpu to 2 per pod",
            id="devices-named-like-cpu",
        ),
        pytest.param(
            a_workload(template=_BATCH, replicas=2),
            a_quota(
                {"pods": "1"}, name="own", managed=False, selector=[ScopeRequirement("PriorityClass", "In", ("batch",))]
            ),
            '1 of 2 pods fit into quota "own" (priority class batch): pods 1, 1 for each pod; '
            "set replicas to 1 or less",
            id="which-pods-it-counts",
        ),
        pytest.param(
            a_workload(template=a_template({"cpu": "1"}, priority_class=50 * "c"), replicas=2),
            a_quota(
                {"pods": "1"},
                name=50 * "q",
                managed=False,
                selector=[ScopeRequirement("PriorityClass", "In", (50 * "c",))],
            ),
            f'1 of 2 pods fit into quota "{40 * "q"}..." (priority class {25 * "c"}...): pods 1, 1 for each pod; '
            "set replicas to 1 or less",
            id="long-names-are-cut",
        ),
    ],
)
def test_amounts_are_shown_in_the_unit_of_the_bound(workload: Workload, quota: QuotaStatus, expected: str) -> None:
    (found,) = judged(workload, tier=a_tier(), quotas=(quota,))
    assert sentence(found, namespace="dev") == expected
    assert len(expected) <= 250


_SURGES = Rollout(ONE_POD, NONE)
_DELETES_FIRST = Rollout(NONE, ONE_POD)


@pytest.mark.parametrize(
    ("old", "limits", "hard", "used", "expected"),
    [
        pytest.param(
            a_workload({"memory": ODD}, replicas=2, rollout=_SURGES),
            {"memory": ODD},
            {"limits.memory": "65Gi"},
            {"limits.memory": "47654553640600m"},
            "its rollout will stall: of 2 maxSurge 1 is 1, maxUnavailable 0 is 0; 2 old + 1 new pods need "
            'limits.memory 64.9Gi, quota "own" leaves 63.8Gi of 65Gi; set maxUnavailable to 1, or free 1.1Gi in dev',
            id="what-is-left-is-rounded-down-and-what-is-missing-up",
        ),
        pytest.param(
            a_workload(
                {"memory": ODD}, kind="StatefulSet", replicas=4, running=3, settled=False, rollout=_DELETES_FIRST
            ),
            {"memory": ODD},
            {"limits.memory": "100Gi"},
            {"limits.memory": "91719026606"},
            "its rollout will stall, unless to a template whose pods run: none of 3 pods may end before a new one is "
            'available, and that asks limits.memory 21.6Gi, 14.5Gi of 100Gi left in quota "own"; free 7.1Gi in dev',
            id="likewise-while-another-rollout-is-under-way",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=5, settled=False, rollout=RECREATE),
            {"cpu": "1"},
            {"limits.cpu": "4"},
            {"limits.cpu": "4"},
            'its rollout will stall: 5 new pods need limits.cpu 5, quota "own" leaves 4 of 4; lower limits.cpu',
            id="W-1b-no-arithmetic-of-a-strategy-that-has-none",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=5, settled=False, rollout=_SURGES),
            {"cpu": "1"},
            {"pods": "4"},
            {"pods": "4"},
            "its rollout will stall: of 5 maxSurge 1 is 1, maxUnavailable 0 is 0; 5 new pods need pods 5, "
            'quota "own" leaves 4 of 4',
            id="nothing-helps",
        ),
        pytest.param(
            a_workload({"cpu": "2"}, kind="StatefulSet", replicas=4, rollout=_DELETES_FIRST),
            {"cpu": "1"},
            {"limits.cpu": "8"},
            {"limits.cpu": "10"},
            'its rollout will stall: 3 old + 1 new pods need limits.cpu 7, quota "own" leaves 6 of 8; free 1 in dev',
            id="W-3-a-statefulset-has-no-such-values",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, kind="StatefulSet", replicas=4, rollout=Rollout(NONE, ONE_POD, 2)),
            {"cpu": "1"},
            {"limits.cpu": "4"},
            {"limits.cpu": "8"},
            'its rollout will stall: 3 old + 1 new pods need limits.cpu 4, quota "own" leaves 0 of 4; free 4 in dev',
            id="W-3-pods-below-the-partition-are-old",
        ),
    ],
)
def test_a_stalling_rollout_is_told_in_numbers(
    old: Workload, limits: dict[str, str], hard: dict[str, str], used: dict[str, str], expected: str
) -> None:
    new = msgspec.structs.replace(old, template=a_template(limits), written=b"another")
    assert _lines(new, hard, used, old) == [expected]


def _lines(workload: Workload, hard: dict[str, str], used: dict[str, str], old: Workload | None = None) -> list[str]:
    found = judged(workload, old=old, tier=a_tier(), quotas=(_foreign(hard, used),))
    assert all(len(sentence(one, namespace="dev")) <= 250 for one in found)
    return [sentence(one, namespace="dev") for one in found]


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
            "pod; it takes at most 4 such pods in all; set replicas to 3 or less, "
            "or lower limits.cpu and requests.cpu to 500m per pod",
            id="a-request-that-is-the-limit",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=6),
            {"limits.cpu": "4", "requests.cpu": "5"},
            {},
            '4 of 6 pods fit into quota "own": limits.cpu 4, 1 for each pod; '
            "set replicas to 4 or less, or lower limits.cpu to 666m per pod\n"
            '5 of 6 pods fit into quota "own": requests.cpu 5, 1 for each pod; lower requests.cpu to 833m per pod',
            id="both-have-to-be-lowered",
        ),
        pytest.param(
            a_workload(template=_REQUESTS_400, replicas=4),
            {"limits.cpu": "1"},
            {},
            '2 of 4 pods fit into quota "own": limits.cpu 1, 450m for each pod; '
            "set replicas to 2 or less, or lower limits.cpu and requests.cpu to 250m per pod",
            id="a-request-above-what-fits-has-to-be-lowered-too",
        ),
        pytest.param(
            a_workload(template=_REQUESTS_400, replicas=2),
            {"limits.cpu": "800m"},
            {},
            '1 of 2 pods fit into quota "own": limits.cpu 800m, 450m for each pod; '
            "set replicas to 1 or less, or lower limits.cpu to 400m per pod",
            id="one-that-is-no-more-than-what-fits-may-stay",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=3),
            {"limits.cpu": "2", "pods": "2"},
            {"pods": "2"},
            '0 of 3 pods fit into quota "own" now: pods 2, 2 used by others, 1 for each pod; '
            "it takes at most 2 such pods in all\n"
            '2 of 3 pods fit into quota "own": limits.cpu 2, 1 for each pod',
            id="nothing-helps-while-another-bound-has-no-room",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=3),
            {"limits.cpu": "2", "pods": "4"},
            {"pods": "2"},
            '2 of 3 pods fit into quota "own": limits.cpu 2, 1 for each pod; '
            "set replicas to 2 or less, or lower limits.cpu to 666m per pod\n"
            '2 of 3 pods fit into quota "own" now: pods 4, 2 used by others, 1 for each pod; free 1 in dev',
            id="each-bound-has-a-way",
        ),
        pytest.param(
            a_workload(template=_TWO_CONTAINERS, replicas=6),
            {"requests.cpu": "4"},
            {},
            '4 of 6 pods fit into quota "own": requests.cpu 4, 1 for each pod; '
            "set replicas to 4 or less, or lower requests.cpu to 666m per pod (all containers together)",
            id="several-containers",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=3),
            {"limits.cpu": "4"},
            {"limits.cpu": "6"},
            '0 of 3 pods fit into quota "own" now: limits.cpu 4, 6 used by others, 1 for each pod; free 5 in dev',
            id="more-is-used-than-there-is",
        ),
        pytest.param(
            a_workload({"cpu": "1"}, replicas=4),
            {"limits.cpu": "4"},
            {"limits.cpu": "1"},
            '3 of 4 pods fit into quota "own" now: limits.cpu 4, 1 used by others, 1 for each pod; '
            "set replicas to 3 or less, or lower limits.cpu to 750m per pod, or free 1 in dev",
            id="all-that-others-use-is-missing",
        ),
    ],
)
def test_what_would_help_is_said_only_where_it_helps_at_all_bounds(
    workload: Workload, hard: dict[str, str], used: dict[str, str], expected: str
) -> None:
    assert "\n".join(_lines(workload, hard, used)) == expected


def test_quotas_of_one_name_are_told_apart_and_none_is_named_twice() -> None:
    """As after a tier was made of a namespace's ResourceQuotas, whose names its own quotas have."""
    hard, used = {"limits.cpu": "4", "requests.cpu": "4"}, {"limits.cpu": "1", "requests.cpu": "1"}
    tier = a_tier(quotas=[a_tier_quota(hard, name="own")])
    found = judged(a_workload({"cpu": "1"}, replicas=5), tier=tier, quotas=(_foreign(hard, used), a_quota(hard, used)))
    why = "limits.cpu and requests.cpu 4, 1 used by others, 1 for each pod; it takes at most 4 such pods in all"
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
            "2Gi for 2 old ones; set replicas to 5 or less, or lower limits.memory to 2304Mi per pod",
            id="W-3-two-stay-as-they-are",
        ),
        pytest.param(
            a_workload({"memory": "1Gi"}, kind="ReplicaSet", replicas=6),
            {"replicas": 16},
            "9Gi",
            '9 of 16 pods fit into quota "own" now: limits.memory 12Gi, 3Gi used by others, 1Gi for each pod; '
            "it takes at most 12 such pods in all; set replicas to 9 or less, or lower limits.memory to 307Mi per pod",
            id="more-of-the-same-beside-those-that-stay",
        ),
    ],
)
def test_old_pods_are_told_apart_where_they_ask_something_else(
    old: Workload, changes: dict[str, Any], used: str, expected: str
) -> None:
    new = msgspec.structs.replace(old, **changes)
    assert _lines(new, {"limits.memory": "12Gi"}, {"limits.memory": used}, old) == [expected]


@pytest.mark.rule("W-3")
def test_pods_that_stay_run_whatever_became_of_the_quota() -> None:
    old = a_workload({"memory": "1Gi"}, kind="StatefulSet", replicas=5, rollout=Rollout(NONE, ONE_POD, 4))
    new = msgspec.structs.replace(old, template=a_template({"memory": "2Gi"}), written=b"another")
    (line,) = _lines(new, {"limits.memory": "3Gi"}, {"limits.memory": "5Gi"}, old)
    assert line.startswith("4 of 5 pods fit")


def test_usage_that_is_not_known_is_told_of_the_workload_as_a_whole() -> None:
    (found,) = judged(a_workload(), tier=a_tier(), quotas=None)
    assert (found.pointer, sentence(found, namespace="dev")) == (
        "/spec",
        "whether its pods fit the quotas was not checked: the usage in the namespace is not known",
    )


def test_a_finding_has_the_numbers_of_its_bound() -> None:
    scope = ScopeRequirement("PriorityClass", "In", ("batch",))
    quota = a_quota({"limits.cpu": "4"}, {"limits.cpu": "2"}, name="own", managed=False, selector=[scope])
    (found,) = judged(a_workload(template=_BATCH, replicas=3), tier=a_tier(), quotas=(quota,))
    assert (found.quota, found.resource, found.pointer, found.scopes) == ("own", "limits.cpu", "/spec", (scope,))
    assert (found.actual, found.bound, found.used) == tuple(map(Quantity.parse, ("1", "4", "2")))


def test_what_others_use_is_said_as_the_quota_says_it() -> None:
    quota = _foreign({"limits.memory": "4Gi"}, {"limits.memory": "2Gi"})
    (found,) = judged(a_workload({"memory": "1Gi"}, replicas=3), tier=a_tier(), quotas=(quota,))
    assert str(found.used) == "2Gi"


_STATEFUL = a_workload({"cpu": "1"}, kind="StatefulSet", replicas=6, kept_claims=(a_claim("3Gi"),))


@pytest.mark.rule("W-3")
@pytest.mark.parametrize(
    ("size", "before", "expected"),
    [
        pytest.param(
            "3Gi",
            None,
            '3 of 6 pods fit into quota "own", unless claims exist already: requests.storage 10Gi, 3Gi for each pod; '
            "set replicas to 3 or less, or lower requests.storage to 1706Mi per pod",
            id="created",
        ),
        pytest.param(
            "3Gi",
            1,
            '3 of 6 pods fit into quota "own", unless claims exist already: requests.storage 10Gi, 3Gi for each pod; '
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
    assert _lines(workload, {"requests.storage": "10Gi"}, {}, old) == ([] if expected is None else [expected])
