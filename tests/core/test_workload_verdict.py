"""The verdict on a workload: what is said, what is refused, and above all when nothing is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import Texts, a_claim, a_container, a_quota, a_tier, a_tier_quota, amounts, an_item
from tests.core.workloads import KNOWN, a_template, a_workload, judged
from tiergate.core.native import LimitRange
from tiergate.core.placement import Node, Placement
from tiergate.core.quota import QuotaStatus
from tiergate.core.rules import said, sentence
from tiergate.core.tier import ScopeRequirement, Tier
from tiergate.core.workload import NONE, ONE_POD, RECREATE, IntOrPercent, Rollout, Workload

NEVER, SHORT, STALL = "workload-never-runs", "workload-does-not-fit", "workload-rollout-stalls"
TIER = a_tier(
    an_item(default={"cpu": "500m"}, high={"cpu": "2"}), quotas=[a_tier_quota({"limits.cpu": "4", "pods": "10"})]
)


def _tier(policy: str = "Warn") -> Tier:
    return msgspec.structs.replace(TIER, workloads=policy)


def _used(cpu: str, hard: str = "4") -> tuple[QuotaStatus, ...]:
    return (a_quota({"limits.cpu": hard, "pods": "10"}, {"limits.cpu": cpu}),)


def _said(workload: Workload, old: Workload | None = None, cpu: str = "0", **around: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # as judged
    quotas = around.pop("quotas", _used(cpu))
    found = judged(workload, old=old, tier=around.pop("tier", TIER), quotas=quotas, **around)
    return list(dict.fromkeys((one.rule, one.effect) for one in found))


def _other(workload: Workload, limits: Texts | None = None, **fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    """Return the workload with another template."""
    template = workload.template if limits is None else a_template(limits)
    return msgspec.structs.replace(workload, template=template, written=b"another", **fields)


_FOUR = a_workload(replicas=4)
_BIG = a_workload({"cpu": "3"}, replicas=2)
_HUGE = a_workload({"cpu": "2"}, replicas=2)
"""Within the range, and two of them are the whole quota."""


@pytest.mark.rule("W-2")
@pytest.mark.parametrize(
    ("workload", "old", "cpu", "expected"),
    [
        pytest.param(_FOUR, None, "0", [], id="created-and-fits"),
        pytest.param(a_workload({}, replicas=8), None, "0", [], id="the-tier's-defaults-count"),
        pytest.param(a_workload({}, replicas=9), None, "0", [(SHORT, "warn")], id="defaults-do-not-fit"),
        pytest.param(_FOUR, None, "1", [(SHORT, "warn")], id="created-and-does-not-fit"),
        pytest.param(_BIG, None, "0", [(NEVER, "deny")], id="above-the-range"),
        pytest.param(msgspec.structs.replace(_BIG, replicas=0), None, "0", [(NEVER, "warn")], id="asks-for-no-pod"),
        pytest.param(msgspec.structs.replace(_BIG, paused=True), None, "0", [(NEVER, "warn")], id="paused"),
        pytest.param(msgspec.structs.replace(_BIG, owned=True), None, "0", [], id="W-2-owned"),
        pytest.param(_BIG, _BIG, "0", [], id="unchanged"),
        pytest.param(msgspec.structs.replace(_BIG, replicas=1), _BIG, "0", [], id="fewer-of-the-same"),
        pytest.param(msgspec.structs.replace(_BIG, replicas=0), _BIG, "0", [], id="to-none-of-the-same"),
        pytest.param(msgspec.structs.replace(_BIG, replicas=3), _BIG, "0", [(NEVER, "warn")], id="more-of-the-same"),
        pytest.param(
            _BIG, msgspec.structs.replace(_BIG, replicas=0, running=0), "0", [(NEVER, "deny")], id="raised-from-none"
        ),
        pytest.param(
            msgspec.structs.replace(_BIG, replicas=1),
            msgspec.structs.replace(_BIG, replicas=0, running=0),
            "0",
            [(NEVER, "deny")],
            id="raised-to-one",
        ),
        pytest.param(_other(_BIG), _BIG, "0", [(NEVER, "deny")], id="another-template"),
        pytest.param(a_workload(replicas=5), _FOUR, "4", [(SHORT, "warn")], id="scaled-beyond-the-quota"),
        pytest.param(a_workload(replicas=3), _FOUR, "9", [], id="smaller-in-a-full-quota"),
        pytest.param(a_workload(replicas=4), a_workload(replicas=2), "2", [], id="its-own-pods-do-not-count-twice"),
        pytest.param(a_workload(replicas=4), a_workload(replicas=2, running=0), "2", [], id="a-late-status"),
        pytest.param(
            a_workload(replicas=4),
            a_workload(replicas=3, running=0, failing=True),
            "2",
            [(SHORT, "warn")],
            id="a-status-that-says-why",
        ),
        pytest.param(a_workload(replicas=4), a_workload(replicas=2, terminating=1), "3", [], id="its-terminating-pods"),
        pytest.param(
            a_workload(replicas=4), a_workload(replicas=2, settled=False), "4", [], id="mid-rollout-nobody-knows"
        ),
        pytest.param(
            a_workload(replicas=5),
            a_workload(replicas=2, settled=False),
            "4",
            [(SHORT, "warn")],
            id="mid-rollout-above-the-whole-quota",
        ),
    ],
)
def test_what_is_said_of_a_deployment(
    workload: Workload, old: Workload | None, cpu: str, expected: list[tuple[str, str]]
) -> None:
    assert _said(workload, old, cpu) == expected


_STRICT = Rollout(ONE_POD, NONE)


@pytest.mark.rule("W-1b", "W-1c", "W-3", "W-8")
@pytest.mark.parametrize(
    ("workload", "cpu", "expected"),
    [
        pytest.param(a_workload(replicas=3), "4", [STALL], id="W-1c-25%-of-3-is-none"),
        pytest.param(a_workload(replicas=4), "4", [], id="W-1c-25%-of-4-is-one"),
        pytest.param(a_workload(replicas=3), "3", [], id="W-1c-room-for-one-more"),
        pytest.param(a_workload(replicas=4, rollout=_STRICT), "4", [STALL], id="W-1c-written-0"),
        pytest.param(a_workload(replicas=4, rollout=RECREATE), "4", [], id="W-1b-recreate"),
        pytest.param(
            a_workload(kind="StatefulSet", replicas=4, rollout=Rollout(NONE, ONE_POD)), "4", [], id="W-3-deletes-first"
        ),
        pytest.param(a_workload(kind="StatefulSet", replicas=4), "4", [], id="on-delete"),
        pytest.param(a_workload(kind="ReplicaSet", replicas=4), "4", [], id="replaces-none"),
        pytest.param(a_workload(replicas=3, settled=False, available=2), "4", [], id="another-rollout-is-under-way"),
    ],
)
def test_a_rollout_that_would_hang_is_told_of(workload: Workload, cpu: str, expected: list[str]) -> None:
    """Another image, for example: the pods ask what they asked before."""
    others = "4" if workload.replicas == 4 else cpu
    assert [rule for rule, _ in _said(_other(workload), workload, others)] == expected


@pytest.mark.rule("W-1a", "W-1c")
@pytest.mark.parametrize(
    ("old", "new", "cpu", "expected"),
    [
        pytest.param(_HUGE, {"cpu": "1"}, "4", [STALL], id="smaller-pods-still-need-room-for-the-first"),
        pytest.param(a_workload({"cpu": "500m"}, replicas=4), {"cpu": "1"}, "2", [], id="larger-pods-fit-step-by-step"),
        pytest.param(a_workload({"cpu": "1"}, replicas=4), {"cpu": "2"}, "4", [SHORT], id="larger-pods-do-not-fit"),
        pytest.param(a_workload({"cpu": "1"}, replicas=4), {"cpu": "1"}, "8", [STALL], id="the-tier-was-tightened"),
    ],
)
def test_a_rollout_to_other_pods(old: Workload, new: Texts, cpu: str, expected: list[str]) -> None:
    assert [rule for rule, _ in _said(_other(old, new), old, cpu)] == expected


@pytest.mark.rule("W-8")
@pytest.mark.parametrize(
    ("nodes", "rollout", "cpu", "expected"),
    [
        pytest.param(None, None, "0", [], id="nodes-not-known"),
        pytest.param(4, None, "0", [], id="one-for-each-node"),
        pytest.param(5, None, "0", [(SHORT, "warn")], id="more-nodes-than-room"),
    ],
)
def test_a_daemonset_is_judged_by_the_nodes_it_matches(
    nodes: int | None, rollout: Rollout | None, cpu: str, expected: list[tuple[str, str]]
) -> None:
    there = None if nodes is None else tuple(Node(str(number)) for number in range(nodes))
    around = msgspec.structs.replace(KNOWN, nodes=there)
    assert _said(a_workload(kind="DaemonSet", placement=Placement(), rollout=rollout), None, cpu, around=around) == (
        expected
    )


def test_a_surging_daemonset_without_room_stalls() -> None:
    around = msgspec.structs.replace(KNOWN, nodes=tuple(Node(str(number)) for number in range(4)))
    old = a_workload(kind="DaemonSet", placement=Placement(), rollout=_STRICT, running=4)
    (found,) = judged(_other(old), old=old, tier=TIER, quotas=_used("4"), around=around)
    assert found.rule == STALL
    assert said(found, namespace="dev").advice == "set maxSurge to 0 and maxUnavailable to 1"


@pytest.mark.rule("W-4", "W-5")
@pytest.mark.parametrize(
    ("kind", "policy", "expected"),
    [
        ("Deployment", "Enforce", [(SHORT, "deny")]),
        ("Deployment", "Warn", [(SHORT, "warn")]),
        ("Deployment", "Ignore", []),
        pytest.param("Job", "Enforce", [(SHORT, "warn")], id="a-job's-pods-wait-for-each-other"),
        pytest.param("CronJob", "Enforce", [(SHORT, "warn")], id="a-cronjob's-too"),
    ],
)
def test_the_tier_says_what_becomes_of_what_does_not_fit(
    kind: str, policy: str, expected: list[tuple[str, str]]
) -> None:
    assert _said(a_workload(kind=kind, replicas=5), tier=_tier(policy)) == expected


@pytest.mark.parametrize("policy", ["Enforce", "Warn"])
def test_a_scale_only_warns(policy: str) -> None:
    """An autoscaler should get as far as it can."""
    tier = _tier(policy)
    assert _said(a_workload(replicas=5), _FOUR, "4", tier=tier, scaled=True) == [(SHORT, "warn")]
    assert _said(_BIG, msgspec.structs.replace(_BIG, replicas=0), tier=tier, scaled=True) == [(NEVER, "warn")]


@pytest.mark.rule("W-5")
@pytest.mark.parametrize(("running", "expected"), [(2, []), (0, [(SHORT, "warn")])])
def test_jobs_that_the_next_one_does_not_wait_for_are_in_its_way(running: int, expected: list[tuple[str, str]]) -> None:
    """Two pods of an active Job are in the quota; the status counts as its own only what makes room (Forbid)."""
    old = a_workload(kind="CronJob", replicas=2, running=running, failing=True)
    assert _said(_other(old, replicas=4), old, "2") == expected


def test_ignore_switches_all_off() -> None:
    assert _said(_BIG, tier=_tier("Ignore")) == []


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
        pytest.param(None, {"cpu": "3"}, [], id="not-known"),
        pytest.param((_LONE,) * 60_000, {"cpu": "3"}, [], id="more-than-can-be-compared"),
        pytest.param(
            (msgspec.structs.replace(_LONE, managed=True),), {"cpu": "1"}, [], id="ours-says-what-the-tier-says"
        ),
    ],
)
def test_the_namespace_s_own_limitranges(
    ranges: tuple[LimitRange, ...] | None, limits: Texts, expected: list[tuple[str, str]]
) -> None:
    around = msgspec.structs.replace(KNOWN, limit_ranges=ranges)
    assert _said(a_workload(limits), around=around) == expected


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
    assert _said(workload, old, around=around) == expected


def test_what_a_limitrange_refuses_has_the_name_of_its_rule() -> None:
    around = msgspec.structs.replace(KNOWN, limit_ranges=(_LONE,))
    (found,) = judged(_asking_memory("2Gi", "2Gi"), tier=TIER, quotas=_used("0"), around=around)
    assert (found.because, found.pointer) == ("native-max", "/spec/template/spec/containers/0/resources")


def test_what_makes_a_pod_invalid_is_said_with_its_place() -> None:
    around = msgspec.structs.replace(KNOWN, limit_ranges=(_SMALL,))
    (found,) = judged(_asking_memory("200Mi"), tier=TIER, quotas=_used("0"), around=around)
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
    assert _said(three, quotas=quotas, around=around) == [(SHORT, "warn")]
    assert _said(a_workload({"cpu": "1", "memory": "512Mi"}, replicas=3), quotas=quotas) == [(SHORT, "warn")]


@pytest.mark.rule("R-31")
@pytest.mark.parametrize(
    ("overheads", "expected"),
    [
        pytest.param({"kata": amounts({"cpu": "1"})}, [(SHORT, "warn")], id="R-31-counted"),
        pytest.param({"kata": {}}, [], id="none"),
        pytest.param({}, [], id="no-such-class"),
        pytest.param(None, [], id="not-known"),
    ],
)
def test_the_overhead_of_a_runtime_class_counts(overheads: Any, expected: list[tuple[str, str]]) -> None:  # noqa: ANN401  # amounts by class
    around = msgspec.structs.replace(KNOWN, overheads=overheads)
    assert _said(a_workload(replicas=3, runtime_class="kata"), around=around) == expected


_CRITICAL = ScopeRequirement("PriorityClass", "In", ("critical",))
_UNCRITICAL = ScopeRequirement("PriorityClass", "NotIn", ("critical",))
_BURSTABLE = ScopeRequirement("NotBestEffort", "Exists")


@pytest.mark.rule("R-24")
@pytest.mark.parametrize(
    ("priority", "wanted", "expected"),
    [
        pytest.param("critical", _CRITICAL, [(SHORT, "warn")], id="R-24-counted"),
        pytest.param("other", _CRITICAL, [], id="R-24-not-counted"),
        pytest.param("", _CRITICAL, [], id="not-counted-and-may-yet-get-the-global-default"),
        pytest.param("other", _UNCRITICAL, [(SHORT, "warn")], id="R-24-all-others-are-counted"),
        pytest.param("", _UNCRITICAL, [], id="counted-unless-it-gets-the-global-default"),
        pytest.param("", _BURSTABLE, [(SHORT, "warn")], id="another-scope"),
    ],
)
def test_a_scoped_quota_judges_what_it_counts(
    priority: str, wanted: ScopeRequirement, expected: list[tuple[str, str]]
) -> None:
    scoped = a_quota({"pods": "1"}, name="own", managed=False, selector=[wanted])
    template = a_template({"cpu": "1"}, priority_class=priority)
    assert _said(a_workload(template=template, replicas=2), quotas=(scoped,)) == expected


def test_a_quota_that_is_not_there_yet_counts_as_unused() -> None:
    assert _said(_FOUR, quotas=()) == []
    (found,) = judged(a_workload(replicas=5), tier=TIER, quotas=())
    assert (found.rule, found.quota) == (SHORT, "compute")


@pytest.mark.rule("R-24")
@pytest.mark.parametrize(
    ("scopes", "selector"),
    [
        pytest.param(["BestEffort"], [], id="scope"),
        pytest.param([], [ScopeRequirement("BestEffort", "Exists")], id="selector"),
    ],
)
def test_one_that_is_not_there_yet_counts_the_pods_of_its_scopes(
    scopes: list[str], selector: list[ScopeRequirement]
) -> None:
    tier = a_tier(quotas=[a_tier_quota({"pods": "1"}, scopes=scopes, selector=selector)])
    assert _said(a_workload({"cpu": "1"}, replicas=2), tier=tier, quotas=()) == []
    assert _said(a_workload({}, replicas=2), tier=tier, quotas=()) == [(SHORT, "warn")]


@pytest.mark.parametrize("quotas", [None, ()])
def test_a_pod_that_is_larger_than_the_quota_never_runs(quotas: tuple[QuotaStatus, ...] | None) -> None:
    tier = a_tier(quotas=[a_tier_quota({"limits.cpu": "4"})])
    assert _said(a_workload({"cpu": "5"}), tier=tier, quotas=quotas) == [(NEVER, "deny")]


THEIRS = a_quota({"limits.cpu": "2"}, managed=False)
FOUR_CORES = a_tier(quotas=[a_tier_quota({"limits.cpu": "4"})])
FIVE_CORES = a_tier(quotas=[a_tier_quota({"limits.cpu": "5"})])


@pytest.mark.parametrize(
    ("tier", "quota", "rules"),
    [
        pytest.param(FIVE_CORES, a_quota({"limits.cpu": "2"}), [], id="the-tier-was-raised"),
        pytest.param(FOUR_CORES, a_quota({"limits.cpu": "8"}), [], id="the-tier-was-lowered"),
        pytest.param(FIVE_CORES, THEIRS, ["workload-never-runs"], id="of-others"),
        pytest.param(
            FIVE_CORES,
            msgspec.structs.replace(
                a_quota({"limits.cpu": "2"}, managed=False), spec_hard=amounts({"limits.cpu": "9"})
            ),
            [],
            id="of-others-and-raised",
        ),
        pytest.param(FIVE_CORES, a_quota({"pods": "9"}), [], id="a-name-that-is-not-there-yet"),
        pytest.param(
            FIVE_CORES, a_quota({"limits.cpu": "2"}, name="former"), ["workload-never-runs"], id="one-on-its-way-out"
        ),
    ],
)
def test_while_a_controller_follows_a_change_the_larger_bound_counts(
    tier: Tier, quota: QuotaStatus, rules: list[str]
) -> None:
    """A pod that is refused meanwhile is tried again, a workload is not."""
    found = judged(a_workload({"cpu": "5"}), tier=tier, quotas=(quota,))
    assert [one.rule for one in found] == rules


def test_a_container_without_what_a_quota_counts_never_runs() -> None:
    assert _said(a_workload({}), tier=a_tier(quotas=[a_tier_quota({"limits.memory": "4Gi"})])) == [(NEVER, "deny")]


def test_usage_that_is_not_known_is_said_to_be_so() -> None:
    assert _said(_FOUR, quotas=None) == [("workload-unchecked", "warn")]


@pytest.mark.rule("W-3")
def test_claims_of_a_statefulset_are_told_of_and_never_refused() -> None:
    """They stay when it is deleted: one that is there already is used as it is."""
    tier = a_tier(
        an_item("PersistentVolumeClaim", high={"storage": "10Gi"}), quotas=[a_tier_quota({"requests.storage": "20Gi"})]
    )
    tier = msgspec.structs.replace(tier, workloads="Enforce")
    small = a_workload(kind="StatefulSet", replicas=3, kept_claims=(a_claim("8Gi"),))
    assert _said(small, tier=tier, quotas=()) == [(SHORT, "warn")]
    large = msgspec.structs.replace(small, kept_claims=(a_claim("11Gi"),))
    assert _said(large, tier=tier, quotas=()) == [(NEVER, "warn"), (SHORT, "warn")]
    many = msgspec.structs.replace(large, replicas=6)  # what is wrong with a claim does not hide what is refused
    tier = msgspec.structs.replace(tier, quotas=(*tier.quotas, a_tier_quota({"limits.cpu": "4"})))
    assert set(_said(many, tier=tier, quotas=())) == {(NEVER, "warn"), (SHORT, "warn"), (SHORT, "deny")}
    ephemeral = a_workload(replicas=3, claims=(a_claim("8Gi"),))
    assert _said(ephemeral, tier=tier, quotas=()) == [(SHORT, "deny")]


@pytest.mark.rule("W-3")
def test_what_a_claim_is_refused_for_is_not_said_twice() -> None:
    """A quota too small for one claim has no room for all of them; what else is short is said besides."""
    workload = a_workload(kind="StatefulSet", replicas=6, kept_claims=(a_claim("20Gi"),))
    quota = a_quota({"requests.storage": "10Gi", "limits.cpu": "4"}, name="own", managed=False)
    found = judged(workload, tier=a_tier(), quotas=(quota,))
    assert [(one.rule, one.resource) for one in found] == [(NEVER, "requests.storage"), (SHORT, "limits.cpu")]


@pytest.mark.rule("W-3")
@pytest.mark.parametrize(
    ("ephemeral", "kept", "replicas", "expected"),
    [
        pytest.param("6Gi", "6Gi", 2, [(SHORT, "warn")], id="together-too-large"),
        pytest.param("4Gi", "6Gi", 2, [], id="together-just-fit"),
        pytest.param("11Gi", "1Gi", 2, [(SHORT, "deny")], id="ephemeral-alone-too-large"),
        pytest.param("12Gi", "9Gi", 1, [(SHORT, "warn")], id="one-pod-is-too-large"),
    ],
)
def test_all_claims_of_a_pod_are_added_up(
    ephemeral: str, kept: str, replicas: int, expected: list[tuple[str, str]]
) -> None:
    tier = msgspec.structs.replace(a_tier(quotas=[a_tier_quota({"requests.storage": "20Gi"})]), workloads="Enforce")
    claims, kept_claims = (a_claim(ephemeral),), (a_claim(kept),)
    workload = a_workload(kind="StatefulSet", replicas=replicas, claims=claims, kept_claims=kept_claims)
    assert _said(workload, tier=tier, quotas=()) == expected


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
    assert _said(a_workload(template=template, replicas=99)) == []


_ABSURD = a_workload(replicas=2**31 - 1, rollout=Rollout(IntOrPercent(200, percent=True), IntOrPercent(2**31 - 1)))


@pytest.mark.parametrize(
    ("workload", "old", "expected"),
    [
        pytest.param(_ABSURD, None, [SHORT] * 2, id="created"),
        pytest.param(_other(_ABSURD, {"cpu": "2"}), _ABSURD, [SHORT], id="changed"),
        pytest.param(msgspec.structs.replace(_ABSURD, replicas=-1), None, [], id="fewer-than-none"),
        pytest.param(_other(_ABSURD, replicas=-1), _ABSURD, [], id="to-fewer-than-none"),
    ],
)
def test_absurd_numbers_of_replicas_are_judged_at_once(
    workload: Workload, old: Workload | None, expected: list[str]
) -> None:
    found = judged(workload, old=old, tier=TIER, quotas=_used("4"))
    assert [one.rule for one in found] == expected
    assert all(len(said(one, namespace="dev").fact) < 250 for one in found)


@pytest.mark.parametrize(
    ("workload", "old", "cpu", "expected"),
    [
        pytest.param(
            a_workload(replicas=5),
            None,
            "1500m",
            '2 of 5 pods fit into quota "compute" now: limits.cpu 4, 1500m used by others, 1 for each pod; '
            "it takes at most 4 such pods in all; set replicas to 2 or less, or lower limits.cpu to 500m per pod",
            id="nothing-to-free",
        ),
        pytest.param(
            a_workload(replicas=3),
            None,
            "1500m",
            '2 of 3 pods fit into quota "compute" now: limits.cpu 4, 1500m used by others, 1 for each pod; '
            "set replicas to 2 or less, or lower limits.cpu to 833m per pod, or free 500m in dev",
            id="does-not-fit",
        ),
        pytest.param(
            _other(a_workload(replicas=3)),
            a_workload(replicas=3),
            "4",
            "its rollout will stall: of 3 maxSurge 25% is 1, maxUnavailable 25% is 0; 3 old + 1 new pods need "
            'limits.cpu 4, quota "compute" leaves 3 of 4; set maxUnavailable to 1, or free 1 in dev',
            id="stalls",
        ),
        pytest.param(
            a_workload({"cpu": "3"}),
            None,
            "0",
            'no pod of it can run: container "agent": limits.cpu is 3, the tier allows at most 2; '
            "set limits.cpu and requests.cpu to 2 or less",
            id="never-runs",
        ),
    ],
)
def test_sentences_say_what_fits_what_is_short_and_what_would_pass(
    workload: Workload, old: Workload | None, cpu: str, expected: str
) -> None:
    found = judged(workload, old=old, tier=TIER, quotas=_used(cpu))
    assert sentence(found[0], namespace="dev") == expected
    assert len(expected) < 250


def test_a_value_that_the_tier_sets_is_not_held_against_its_author() -> None:
    """The default limit is lifted to the request, and the request is what was written."""
    template = msgspec.structs.replace(a_template(), containers=(a_container("agent", requests={"cpu": "3"}),))
    (found,) = judged(a_workload(template=template), tier=TIER)
    assert sentence(found, namespace="dev") == (
        'no pod of it can run: container "agent": requests.cpu is 3, the tier allows at most 2; '
        "set requests.cpu to 2 or less"
    )
    assert found.because == "request-max"
