"""The pod that a template becomes, and what is told of it where it cannot run (ADR 27)."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest

from tests.builders import a_claim, a_container, a_quota, a_tier, amounts, an_item
from tests.core.workloads import KNOWN, a_template, a_workload, judged
from tiergate.core.claim import Claim
from tiergate.core.native import LimitRange
from tiergate.core.quantity import Quantity
from tiergate.core.rules import sentence
from tiergate.core.tier import LimitRangeItem
from tiergate.core.workload import Workload
from tiergate.core.workload_case import Around
from tiergate.core.workload_pod import _OF_A_QUOTA, MAX_REFUSED, MOST_COMPARISONS, MOST_LOOKUPS

NO_TIER = a_tier()
_CONTAINER: Final = "/spec/template/spec/containers/0"
_TOO_LARGE = a_container(limits={"cpu": "3"}, pointer=_CONTAINER)
_TWO_TOO_LARGE = (_TOO_LARGE, msgspec.structs.replace(_TOO_LARGE, name="side"))


def _with(*ranges: LimitRange) -> Around:
    return msgspec.structs.replace(KNOWN, limit_ranges=ranges)


@pytest.mark.parametrize(("more", "told"), [(0, True), (1, False)])
def test_limitranges_are_followed_as_far_as_there_is_time(more: int, told: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    """Each of their items and amounts counts once for each container or claim."""
    names = [f"example.com/{number}" for number in range(MOST_COMPARISONS // 2 - 1 + more)]
    bounds = dict.fromkeys(names, Quantity(10**9))
    claims = (a_claim(), a_claim())
    for item, workload in (
        (msgspec.structs.replace(an_item(), min=bounds), _of_two_too_large()),
        (msgspec.structs.replace(an_item("PersistentVolumeClaim"), max=bounds), _of_two_too_large(claims=claims)),
        (msgspec.structs.replace(an_item("PersistentVolumeClaim"), max=bounds), _of_two_too_large(kept_claims=claims)),
    ):
        found = judged(workload, tier=a_tier(an_item(high={"cpu": "2"})), around=_with(LimitRange("large", (item,))))
        assert ({one.rule for one in found} == {"workload-never-runs"}) == told
        assert ({one.rule for one in found} == {"workload-unchecked"}) != told


@pytest.mark.parametrize(("more", "told"), [(0, True), (1, False)])
def test_quotas_are_looked_at_as_far_as_there_is_time(more: int, told: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    """Each of their names counts once for the pod and for each claim."""
    a_name = "gold{}.storageclass.storage.k8s.io/requests.storage"
    names = [a_name.format(number) for number in range(MOST_LOOKUPS // 2 - _OF_A_QUOTA + more)]
    quota = a_quota(dict.fromkeys(names, "1Gi"), managed=False)
    workload = _of_two_too_large(claims=(a_claim(),))
    found = judged(workload, tier=a_tier(an_item(high={"cpu": "2"})), quotas=(quota,), around=KNOWN)
    assert {one.rule for one in found} == {"workload-never-runs" if told else "workload-unchecked"}


def _of_two_too_large(*, claims: tuple[Claim, ...] = (), kept_claims: tuple[Claim, ...] = ()) -> Workload:
    return a_workload(
        template=msgspec.structs.replace(a_template(), containers=_TWO_TOO_LARGE),
        claims=claims,
        kept_claims=kept_claims,
    )


@pytest.mark.parametrize(
    ("item", "workload"),
    [
        pytest.param(an_item(high={"cpu": "500m"}), a_workload(), id="of-its-pod"),
        pytest.param(
            an_item("PersistentVolumeClaim", high={"storage": "1Gi"}),
            a_workload(kind="StatefulSet", kept_claims=(a_claim("5Gi"),)),
            id="of-its-claims",
        ),
    ],
)
def test_so_many_problems_are_found_and_no_more(item: LimitRangeItem, workload: Workload) -> None:
    """A tenant who may write LimitRanges can write many."""
    ranges = [LimitRange(f"range-{number}", (item,)) for number in range(MAX_REFUSED + 1)]
    assert len(judged(workload, tier=NO_TIER, around=_with(*ranges))) == MAX_REFUSED


_POD_LEVEL = msgspec.structs.replace(
    a_template(), containers=(a_container(requests={"cpu": "2"}, pointer=_CONTAINER),), limits=amounts({"cpu": "1"})
)
_BELOW_ITS_CONTAINERS = msgspec.structs.replace(
    a_template({"cpu": "2"}), requests=amounts({"cpu": "1"}), limits=amounts({"cpu": "2"})
)
_ASKS_200 = msgspec.structs.replace(
    a_template(), containers=(a_container(requests={"memory": "200Mi"}, pointer=_CONTAINER),)
)


@pytest.mark.rule("D-3", "D-6a", "D-8", "D-12", "L-10", "R-50")
@pytest.mark.parametrize(
    ("workload", "ranges", "expected"),
    [
        pytest.param(
            a_workload({"cpu": "5"}),
            (),
            'quota "own": requests.cpu asks 5, used 0 of 4, over by 1; set requests.cpu to 4 or less',
            id="larger-than-a-quota-whatever-is-used",
        ),
        pytest.param(
            a_workload({"memory": "2Gi"}),
            (LimitRange(60 * "l", (an_item(high={"memory": "1Gi"}),)),),
            f'LimitRange "{40 * "l"}..." refuses {_CONTAINER}/resources: maximum memory usage per Container is 1Gi, '
            "but limit is 2Gi",
            id="refused-by-a-limitrange-of-a-long-name",
        ),
        pytest.param(
            a_workload(template=_POD_LEVEL),
            (),
            "the API server refuses it: /spec/template/spec/resources/requests/cpu must be less than or equal to cpu "
            "limit of 1; write its requests and its limits",
            id="D-6a-the-request-of-its-containers-becomes-its-own",
        ),
        pytest.param(
            a_workload(template=_BELOW_ITS_CONTAINERS),
            (),
            "the API server refuses it: /spec/template/spec/resources/requests/cpu must be greater than or equal to "
            "aggregate container requests of 2; write its requests and its limits",
            id="D-8-valid-as-a-template-which-has-no-requests-yet",
        ),
        pytest.param(
            a_workload(template=_ASKS_200),
            (LimitRange("small", (an_item(default={"memory": "100Mi"}),)),),
            f"the API server refuses it once LimitRanges have set their defaults: {_CONTAINER}/resources/requests/"
            "memory must be less than or equal to memory limit of 100Mi; write its requests and its limits",
            id="D-12-a-default-below-its-request",
        ),
    ],
)
def test_why_no_pod_can_run_is_said_in_the_words_of_who_refuses_it(
    workload: Workload, ranges: tuple[LimitRange, ...], expected: str
) -> None:
    quota = a_quota({"requests.cpu": "4"}, {"requests.cpu": "1"}, name="own", managed=False)
    quotas = (quota,) if "cpu" in workload.template.containers[0].requests else ()
    (found,) = judged(workload, tier=NO_TIER, quotas=quotas, around=_with(*ranges))
    assert sentence(found, namespace="dev") == f"no pod of it can run: {expected}"


@pytest.mark.rule("W-3")
@pytest.mark.parametrize("replicas", [1, 3])
def test_a_claim_above_the_range_is_named_by_its_template(replicas: int) -> None:
    claim = msgspec.structs.replace(a_claim("20Gi"), name=50 * "d")
    workload = a_workload(kind="StatefulSet", replicas=replicas, kept_claims=(claim,))
    (found,) = judged(workload, tier=a_tier(an_item("PersistentVolumeClaim", high={"storage": "10Gi"})))
    assert sentence(found, namespace="dev") == (
        f'no pod of it can run, unless its claims exist already: claim template "{40 * "d"}...": requests.storage is '
        "20Gi, the tier allows at most 10Gi; set requests.storage to 10Gi or less"
    )
