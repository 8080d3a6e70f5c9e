"""What is said of a workload: amounts in the unit of the bound, and which pods a quota counts."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import a_quota, a_tier
from tests.core.workloads import a_template, a_workload, foreign, judged, lines
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus
from tiergate.core.rules import sentence
from tiergate.core.tier import ScopeRequirement
from tiergate.core.workload import NONE, ONE_POD, RECREATE, Rollout, Workload
from tiergate.core.workload_findings import Shortage

ODD = "23215243980800m"
"""21.6Gi, as VPA writes it."""
_BATCH = a_template({"cpu": "1"}, priority_class="batch")


@pytest.mark.parametrize(
    ("workload", "quota", "expected"),
    [
        pytest.param(
            a_workload({"memory": "4Gi"}, replicas=6),
            foreign({"limits.memory": "40Gi"}, {"limits.memory": ODD}),
            '4 of 6 pods fit into quota "own" now: limits.memory 40Gi, 21.6Gi used by others, 4Gi for each pod, '
            "over by 5.7Gi; "
            "set replicas to 4 or less, or lower limits.memory to 3136Mi per pod, or free 5.7Gi in dev",
            id="used-in-milli-bytes",
        ),
        pytest.param(
            a_workload({"memory": ODD}, replicas=2),
            foreign({"limits.memory": "40Gi"}, {}),
            '1 of 2 pods fit into quota "own": limits.memory 40Gi, 21.6Gi for each pod, over by 3.3Gi; '
            "set replicas to 1 or less, or lower limits.memory to 20Gi per pod",
            id="asked-in-milli-bytes",
        ),
        pytest.param(
            a_workload({"memory": "3G"}, replicas=2),
            foreign({"limits.memory": "4Gi"}, {}),
            '1 of 2 pods fit into quota "own": limits.memory 4Gi, 2.8Gi for each pod, over by 1665071Ki; '
            "set replicas to 1 or less, or lower limits.memory to 2Gi per pod",
            id="asked-in-other-units",
        ),
        pytest.param(
            a_workload({"cpu": "1", "hugepages-2Mi": "4Mi"}, replicas=2),
            foreign({"requests.hugepages-2Mi": "7Mi"}, {}),
            '1 of 2 pods fit into quota "own": requests.hugepages-2Mi 7Mi, 4Mi for each pod, over by 1Mi; '
            "set replicas to 1 or less, or lower requests.hugepages-2Mi to 2Mi per pod",
            id="whole-pages",
        ),
        pytest.param(
            a_workload({"memory": "20Ti"}, replicas=6),
            foreign({"limits.memory": "100Ti"}, {}),
            '5 of 6 pods fit into quota "own": limits.memory 100Ti, 20Ti for each pod, over by 20Ti; '
            "set replicas to 5 or less, or lower limits.memory to 16.6Ti per pod",
            id="what-fits-is-rounded-down",
        ),
        pytest.param(
            a_workload({"nvidia.com/gpu": "4"}, replicas=3),
            foreign({"requests.nvidia.com/gpu": "10"}, {}),
            '2 of 3 pods fit into quota "own": requests.nvidia.com/gpu 10, 4 for each pod, over by 2; '
            "set replicas to 2 or less, or lower requests.nvidia.com/gpu to 3 per pod",
            id="whole-devices",
        ),
        pytest.param(
            a_workload({"example.com/hugepages-2Mi": "4"}, replicas=3),
            foreign({"requests.example.com/hugepages-2Mi": "10"}, {}),
            '2 of 3 pods fit into quota "own": requests.example.com/hugepages-2Mi 10, 4 for each pod, over by 2; '
            "set replicas to 2 or less, or lower requests.example.com/hugepages-2Mi to 3 per pod",
            id="devices-named-like-huge-pages",
        ),
        pytest.param(
            a_workload({"cpu": "0"}, replicas=3),
            foreign({"limits.cpu": "4", "pods": "2"}, {}),
            '2 of 3 pods fit into quota "own": pods 2, 1 for each pod, over by 1; set replicas to 2 or less',
            id="what-asks-nothing-hides-nothing",
        ),
        pytest.param(
            a_workload({"example.com/vcpu": "4"}, replicas=4),
            foreign({"requests.example.com/vcpu": "10"}, {}),
            '2 of 4 pods fit into quota "own": requests.example.com/vcpu 10, 4 for each pod, over by 6; '
            "set replicas to 2 or less, or lower requests.example.com/vcpu to 2 per pod",
            id="devices-named-like-cpu",
        ),
        pytest.param(
            a_workload(template=_BATCH, replicas=2),
            a_quota(
                {"pods": "1"}, name="own", managed=False, selector=[ScopeRequirement("PriorityClass", "In", ("batch",))]
            ),
            '1 of 2 pods fit into quota "own" (priority class batch): pods 1, 1 for each pod, over by 1; '
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
            f'1 of 2 pods fit into quota "{40 * "q"}..." (priority class {25 * "c"}...): pods 1, 1 for each pod, '
            "over by 1; "
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
            {"cpu": "2"},
            {"limits.cpu": "4"},
            {"limits.cpu": "9"},
            'its rollout will stall: 3 old + 1 new pods need limits.cpu 8, quota "own" leaves 3 of 4',
            id="smaller-pods-do-not-help-where-those-that-are-there-are-too-many",
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
    assert lines(new, hard, used, old) == [expected]


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
    assert isinstance(found.workload, Shortage)
    bound = found.workload.bound
    assert (found.quota, found.pointer, bound.name, bound.scopes) == ("own", "/spec", "limits.cpu", (scope,))
    assert (bound.each, bound.hard, bound.others) == tuple(map(Quantity.parse, ("1", "4", "2")))


def test_what_others_use_is_said_as_the_quota_says_it() -> None:
    quota = foreign({"limits.memory": "4Gi"}, {"limits.memory": "2Gi"})
    (found,) = judged(a_workload({"memory": "1Gi"}, replicas=3), tier=a_tier(), quotas=(quota,))
    assert "2Gi" in sentence(found, namespace="dev")
