"""Whoever may write ResourceQuotas can write thousands: a request is judged by so many, and by the tier's own first."""

from __future__ import annotations

import pytest

from tests.builders import a_container, a_pod, a_quota, a_request, a_tier, a_tier_quota, the_facts
from tests.core.workload_requests import asked
from tests.core.workloads import KNOWN, a_template, a_workload
from tiergate.core.decide import decide
from tiergate.core.mode import Mode
from tiergate.core.quota import MOST_JUDGED
from tiergate.core.request import Request, WorkloadChange
from tiergate.core.rules import MAX_FINDINGS

NONE, ONE = {"pods": "0"}, {"pods": "1"}
OTHERS = tuple([a_quota(NONE, name=f"a-{number:03}", managed=False) for number in range(2 * MOST_JUDGED)])
DEMANDING = tuple([a_quota({"limits.cpu": "1", "cpu": "1"}, name=one.name, managed=False) for one in OTHERS])
POD = a_request(a_pod())
LACKING = a_request(a_pod(*[a_container(f"c-{number}") for number in range(100)]))
WORKLOAD = asked(WorkloadChange(a_workload(template=a_template())))


@pytest.mark.rule("R-50")
@pytest.mark.parametrize("mode", ["Enforce", "Warn"])
@pytest.mark.parametrize("request_", [pytest.param(POD, id="pod"), pytest.param(WORKLOAD, id="workload")])
def test_a_request_is_judged_by_so_many_quotas(request_: Request, mode: Mode) -> None:
    tier = a_tier(quotas=[a_tier_quota(NONE)], mode=mode)
    own = a_quota(NONE)
    facts = the_facts(tier, (*OTHERS, own), usage=(own,), fresh=frozenset({"quotas"}), around=KNOWN)
    told = [one.quota for one in decide(request_, facts).findings]
    assert "compute" in told
    assert len(told) in (MOST_JUDGED, MOST_JUDGED + 1)


def test_no_more_problems_are_looked_for_than_anybody_reads() -> None:
    facts = the_facts(a_tier(), DEMANDING, fresh=frozenset({"quotas"}))
    assert len(decide(LACKING, facts).findings) == MAX_FINDINGS


def test_the_tiers_own_quota_counts_that_the_others_leave_no_place_for() -> None:
    others = tuple([a_quota(ONE, name=one.name, managed=False) for one in OTHERS])
    facts = the_facts(a_tier(quotas=[a_tier_quota(NONE)]), (*others, a_quota(NONE)), fresh=frozenset({"quotas"}))
    assert [one.rule for one in decide(POD, facts).findings] == ["quota-exceeded"]
