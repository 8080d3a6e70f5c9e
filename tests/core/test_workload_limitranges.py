"""The pods of a workload under LimitRanges of its namespace, and what the API server makes of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import Texts, a_container, a_pod, a_quota, a_tier, a_tier_quota, an_item
from tests.core.workloads import KNOWN, NEVER, SHORT, TIER, a_template, a_workload, in_use, judged, told_of
from tiergate.core.native import LimitRange, is_defined
from tiergate.core.rules import said
from tiergate.core.workload import Workload

_LONE = LimitRange("lone", (an_item(high={"memory": "1Gi"}),))
_DEFAULTS = LimitRange("defaults", (an_item(default={"memory": "512Mi"}),))
_OTHERS = LimitRange("others", (an_item(default={"memory": "256Mi"}),))


@pytest.mark.rule("L-7")
@pytest.mark.parametrize(
    ("ranges", "limits", "expected"),
    [
        pytest.param((_LONE,), {"cpu": "1", "memory": "2Gi"}, [(NEVER, "deny")], id="L-20-refused-by-a-limitrange"),
        pytest.param((_LONE,), {"cpu": "1", "memory": "1Gi"}, [], id="L-20-within-it"),
        pytest.param((_DEFAULTS, _OTHERS), {"cpu": "3"}, [], id="L-7-not-defined-which-default"),
        pytest.param((_DEFAULTS, _OTHERS), {"cpu": "3", "memory": "1Gi"}, [(NEVER, "deny")], id="L-7-none-matters"),
        pytest.param(None, {"cpu": "3"}, [], id="not-known"),
        pytest.param((_LONE,) * 3_000, {"cpu": "3"}, [("workload-unchecked", "warn")], id="more-than-can-be-compared"),
        pytest.param(
            (msgspec.structs.replace(_LONE, managed=True),), {"cpu": "1"}, [], id="ours-says-what-the-tier-says"
        ),
    ],
)
def test_the_namespace_s_own_limitranges(
    ranges: tuple[LimitRange, ...] | None, limits: Texts, expected: list[tuple[str, str]]
) -> None:
    around = msgspec.structs.replace(KNOWN, limit_ranges=ranges)
    assert told_of(a_workload(limits), around=around) == expected


@pytest.mark.rule("L-7")
@pytest.mark.parametrize(
    ("asked", "defined"),
    [
        pytest.param([{"limits": {"memory": "1Gi"}}], True, id="a-value-of-its-own"),
        pytest.param([{"requests": {"memory": "1Gi"}}], False, id="a-request-alone"),
        pytest.param([{"limits": {"memory": "1Gi"}}, {}], False, id="one-container-has-none"),
        pytest.param([{"limits": {"cpu": "1"}}], False, id="another-resource"),
    ],
)
def test_a_default_on_which_limitranges_differ_matters_where_a_container_gets_it(
    asked: list[dict[str, Any]],
    defined: bool,  # noqa: FBT001  # a parameter of pytest
) -> None:
    containers = [a_container(f"c{number}", **each) for number, each in enumerate(asked)]
    assert is_defined(a_pod(*containers), (_DEFAULTS, _OTHERS)) == defined
    assert (
        is_defined(a_pod(a_container("agent", limits={"memory": "1Gi"}), init=containers), (_DEFAULTS, _OTHERS))
        == defined
    )


_SMALL = LimitRange("small", (an_item(default={"memory": "100Mi"}),))


def _asking_memory(request: str, limit: str | None = None) -> Workload:
    limits = {} if limit is None else {"memory": limit}
    container = a_container(
        "agent", requests={"memory": request}, limits=limits, pointer="/spec/template/spec/containers/0"
    )
    return a_workload(template=msgspec.structs.replace(a_template(), containers=(container,)))


@pytest.mark.rule("D-12", "L-10")
@pytest.mark.parametrize(
    ("workload", "old", "ranges", "expected"),
    [
        pytest.param(_asking_memory("200Mi"), None, (_SMALL,), [(NEVER, "deny")], id="a-limit-below-the-request"),
        pytest.param(_asking_memory("100Mi"), None, (_SMALL,), [], id="a-limit-that-is-the-request"),
        pytest.param(_asking_memory("200Mi", "300Mi"), None, (_SMALL,), [], id="a-limit-of-its-own"),
        pytest.param(_asking_memory("200Mi"), None, (), [], id="no-limitrange"),
        pytest.param(_asking_memory("200Mi"), _asking_memory("200Mi"), (_SMALL,), [], id="unchanged"),
        pytest.param(_asking_memory("200Mi", "100Mi"), None, (_SMALL,), [], id="the-template-is-refused-itself"),
        pytest.param(
            msgspec.structs.replace(_asking_memory("200Mi"), paused=True),
            None,
            (_SMALL,),
            [(NEVER, "warn")],
            id="paused",
        ),
    ],
)
def test_a_template_whose_pods_a_limitrange_makes_invalid_never_runs(
    workload: Workload, old: Workload | None, ranges: tuple[LimitRange, ...], expected: list[tuple[str, str]]
) -> None:
    """The API server stores the template, and answers 422 to each of its pods."""
    around = msgspec.structs.replace(KNOWN, limit_ranges=ranges)
    assert told_of(workload, old, around=around) == expected


def test_what_a_limitrange_refuses_has_the_name_of_its_rule() -> None:
    around = msgspec.structs.replace(KNOWN, limit_ranges=(_LONE,))
    (found,) = judged(_asking_memory("2Gi", "2Gi"), tier=TIER, quotas=in_use("0"), around=around)
    assert (found.because, found.pointer) == ("native-max", "/spec/template/spec/containers/0/resources")


def test_what_makes_a_pod_invalid_is_said_with_its_place() -> None:
    around = msgspec.structs.replace(KNOWN, limit_ranges=(_SMALL,))
    (found,) = judged(_asking_memory("200Mi"), tier=TIER, quotas=in_use("0"), around=around)
    assert (found.because, found.pointer) == (
        "invalid",
        "/spec/template/spec/containers/0/resources/requests/memory",
    )
    assert said(found, namespace="dev").fact == (
        "no pod of it can run: the API server refuses it once LimitRanges have set their defaults: "
        "/spec/template/spec/containers/0/resources/requests/memory must be less than or equal to memory limit of 100Mi"
    )


@pytest.mark.parametrize(
    ("ranges", "by_tier"),
    [
        pytest.param((), True, id="the-tier-s"),
        pytest.param((LimitRange("own", (an_item(default={"memory": "2Gi"}),)),), False, id="a-limitrange-s"),
        pytest.param(
            (LimitRange("ours", (an_item(default={"memory": "2Gi"}),), managed=True),),
            True,
            id="the-tier-s-handed-over",
        ),
    ],
)
def test_a_default_is_the_tier_s_only_where_no_limitrange_sets_one(
    ranges: tuple[LimitRange, ...],
    by_tier: bool,  # noqa: FBT001  # a parameter of pytest
) -> None:
    tier = a_tier(an_item(default={"memory": "2Gi"}), quotas=[a_tier_quota({"limits.memory": "1Gi"})])
    around = msgspec.structs.replace(KNOWN, limit_ranges=ranges)
    found = judged(a_workload({"cpu": "1"}), tier=tier, quotas=(), around=around)
    assert [(one.because, one.by_tier) for one in found] == [("quota-exceeded", by_tier)]


@pytest.mark.rule("D-3", "D-4", "L-10")
def test_requests_that_limits_and_limitranges_give_are_counted() -> None:
    quotas = (a_quota({"requests.memory": "1Gi"}, managed=False, name="own"),)
    around = msgspec.structs.replace(KNOWN, limit_ranges=(_DEFAULTS,))
    three = a_workload({"cpu": "1"}, replicas=3)
    assert told_of(three, quotas=quotas, around=around) == [(SHORT, "warn")]
    assert told_of(a_workload({"cpu": "1", "memory": "512Mi"}, replicas=3), quotas=quotas) == [(SHORT, "warn")]


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(a_template({"cpu": "-1"}), id="negative"),
        pytest.param(msgspec.structs.replace(a_template(), containers=()), id="no-container"),
        pytest.param(
            msgspec.structs.replace(
                a_template(), containers=(a_container(requests={"cpu": "9"}, limits={"cpu": "1"}),)
            ),
            id="request-above-limit",
        ),
    ],
)
def test_where_the_api_server_refuses_nothing_is_said(template: Any) -> None:  # noqa: ANN401  # a Pod
    assert told_of(a_workload(template=template, replicas=99)) == []
