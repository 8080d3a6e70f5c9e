"""The verdict on a workload: what is said, what is refused, and above all when nothing is."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import Texts, a_container
from tests.core.workloads import (
    KNOWN,
    NEVER,
    SHORT,
    STALL,
    TIER,
    a_template,
    a_workload,
    in_use,
    judged,
    told_of,
    under,
    with_template,
)
from tiergate.core.placement import Node, Placement
from tiergate.core.rules import said, sentence
from tiergate.core.workload import NONE, ONE_POD, RECREATE, IntOrPercent, Rollout, Workload

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
        pytest.param(with_template(_BIG), _BIG, "0", [(NEVER, "deny")], id="another-template"),
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
    assert told_of(workload, old, cpu) == expected


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
    assert [rule for rule, _ in told_of(with_template(workload), workload, others)] == expected


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
    assert [rule for rule, _ in told_of(with_template(old, new), old, cpu)] == expected


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
    assert told_of(a_workload(kind="DaemonSet", placement=Placement(), rollout=rollout), None, cpu, around=around) == (
        expected
    )


def test_a_surging_daemonset_without_room_stalls() -> None:
    around = msgspec.structs.replace(KNOWN, nodes=tuple(Node(str(number)) for number in range(4)))
    old = a_workload(kind="DaemonSet", placement=Placement(), rollout=_STRICT, running=4)
    (found,) = judged(with_template(old), old=old, tier=TIER, quotas=in_use("4"), around=around)
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
    assert told_of(a_workload(kind=kind, replicas=5), tier=under(policy)) == expected


@pytest.mark.parametrize("policy", ["Enforce", "Warn"])
def test_a_scale_only_warns(policy: str) -> None:
    """An autoscaler should get as far as it can."""
    tier = under(policy)
    assert told_of(a_workload(replicas=5), _FOUR, "4", tier=tier, scaled=True) == [(SHORT, "warn")]
    assert told_of(_BIG, msgspec.structs.replace(_BIG, replicas=0), tier=tier, scaled=True) == [(NEVER, "warn")]


@pytest.mark.rule("W-5")
@pytest.mark.parametrize(("running", "expected"), [(2, []), (0, [(SHORT, "warn")])])
def test_jobs_that_the_next_one_does_not_wait_for_are_in_its_way(running: int, expected: list[tuple[str, str]]) -> None:
    """Two pods of an active Job are in the quota; the status counts as its own only what makes room (Forbid)."""
    old = a_workload(kind="CronJob", replicas=2, running=running, failing=True)
    assert told_of(with_template(old, replicas=4), old, "2") == expected


def test_ignore_switches_all_off() -> None:
    assert told_of(_BIG, tier=under("Ignore")) == []


_ABSURD = a_workload(replicas=2**31 - 1, rollout=Rollout(IntOrPercent(200, percent=True), IntOrPercent(2**31 - 1)))


@pytest.mark.parametrize(
    ("workload", "old", "expected"),
    [
        pytest.param(_ABSURD, None, [SHORT] * 2, id="created"),
        pytest.param(with_template(_ABSURD, {"cpu": "2"}), _ABSURD, [SHORT], id="changed"),
        pytest.param(msgspec.structs.replace(_ABSURD, replicas=-1), None, [], id="fewer-than-none"),
        pytest.param(with_template(_ABSURD, replicas=-1), _ABSURD, [], id="to-fewer-than-none"),
    ],
)
def test_absurd_numbers_of_replicas_are_judged_at_once(
    workload: Workload, old: Workload | None, expected: list[str]
) -> None:
    found = judged(workload, old=old, tier=TIER, quotas=in_use("4"))
    assert [one.rule for one in found] == expected
    assert all(len(said(one, namespace="dev").fact) < 250 for one in found)


@pytest.mark.parametrize(
    ("workload", "old", "cpu", "expected"),
    [
        pytest.param(
            a_workload(replicas=5),
            None,
            "1500m",
            '2 of 5 pods fit into quota "compute" now: limits.cpu 4, 1500m used by others, 1 for each pod, '
            "over by 2500m; even when empty, the quota holds 4 such pods; "
            "set replicas to 2 or less, or lower limits.cpu to 500m per pod",
            id="nothing-to-free",
        ),
        pytest.param(
            a_workload(replicas=3),
            None,
            "1500m",
            '2 of 3 pods fit into quota "compute" now: limits.cpu 4, 1500m used by others, 1 for each pod, '
            "over by 500m; "
            "set replicas to 2 or less, or lower limits.cpu to 833m per pod, or free 500m in dev",
            id="does-not-fit",
        ),
        pytest.param(
            with_template(a_workload(replicas=3)),
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
    found = judged(workload, old=old, tier=TIER, quotas=in_use(cpu))
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
