"""Which pods a change of a workload replaces, and what that asks: W-1a, W-3, W-5."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import a_claim, a_quota, a_tier, amounts
from tests.core.workloads import KNOWN, a_template, a_workload, judged
from tiergate.core.podspec import Pod
from tiergate.core.rules import sentence
from tiergate.core.workload import NONE, ONE_POD, Rollout, Workload

SHORT, STALL = "workload-does-not-fit", "workload-rollout-stalls"
SURGES, DELETES_FIRST = Rollout(ONE_POD, NONE), Rollout(NONE, ONE_POD)


def _said(old: Workload, quota: tuple[str, str, str], around: Any = KNOWN, **changes: Any) -> list[str]:  # noqa: ANN401  # fields of Workload
    """Return the rules of what is found after a change, in a quota of a name, a bound and what is used."""
    name, hard, used = quota
    own = a_quota({name: hard}, {name: used}, name="own", managed=False)
    new = msgspec.structs.replace(old, **{"written": b"another", **changes})
    return [one.rule for one in judged(new, old=old, tier=a_tier(), quotas=(own,), around=around)]


def _stateful(cpu: str = "1", **fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    return a_workload({"cpu": cpu}, **{"kind": "StatefulSet", "replicas": 4, "rollout": DELETES_FIRST, **fields})


def _below(partition: int) -> Rollout:
    return Rollout(NONE, ONE_POD, partition)


@pytest.mark.rule("W-1a", "W-3")
@pytest.mark.parametrize(
    ("old", "template", "hard", "used", "expected"),
    [
        pytest.param(
            a_workload({"cpu": "2"}, replicas=2, rollout=SURGES),
            a_template({"cpu": "1"}),
            "8",
            "4",
            [STALL],
            id="W-1a-a-deployment-first-makes-more-of-the-former-template",
        ),
        pytest.param(
            _stateful("2", replicas=2), a_template({"cpu": "1"}), "6", "4", [], id="W-3-a-statefulset-makes-none"
        ),
        pytest.param(
            a_workload({"memory": "1Gi"}, replicas=2, rollout=SURGES),
            a_template({"cpu": "1"}),
            "4",
            "0",
            [],
            id="W-1a-of-a-template-that-asks-nothing",
        ),
    ],
)
def test_more_pods_of_another_template(old: Workload, template: Pod, hard: str, used: str, expected: list[str]) -> None:
    assert _said(old, ("limits.cpu", hard, used), template=template, replicas=4) == expected


@pytest.mark.rule("W-3", "W-5")
@pytest.mark.parametrize(
    ("old", "cpu", "hard", "used", "expected"),
    [
        pytest.param(a_workload(kind="ReplicaSet", replicas=4), "2", "4", "4", [], id="a-replicaset-replaces-none"),
        pytest.param(
            a_workload(kind="CronJob", replicas=2), "2", "3", "2", [SHORT], id="W-5-the-next-run-is-of-the-new-template"
        ),
        pytest.param(_stateful(rollout=_below(4)), "1", "4", "8", [], id="W-3-all-are-below-the-partition"),
        pytest.param(a_workload(replicas=4), "0", "4", "8", [], id="none-asks-anything-any-more"),
    ],
)
def test_pods_that_stay_and_pods_that_go(old: Workload, cpu: str, hard: str, used: str, expected: list[str]) -> None:
    assert _said(old, ("limits.cpu", hard, used), template=a_template({"cpu": cpu})) == expected


@pytest.mark.rule("W-3")
@pytest.mark.parametrize(
    ("old", "wanted", "hard", "expected"),
    [
        pytest.param(_stateful(running=2, rollout=_below(4)), 4, "4", None, id="all-below-the-partition"),
        pytest.param(_stateful(running=2, rollout=_below(3)), 4, "5", None, id="one-above-it-that-fits"),
        pytest.param(
            _stateful(running=2, rollout=_below(3)), 4, "4", "3 of 4 pods", id="one-above-it-that-does-not-fit"
        ),
        pytest.param(_stateful(replicas=1, rollout=_below(3)), 4, "5", None, id="more-of-both-templates"),
        pytest.param(_stateful(replicas=1, rollout=_below(3)), 4, "4", "3 of 4 pods", id="more-than-fit"),
        pytest.param(_stateful(replicas=1, rollout=_below(9)), 4, "3", "3 of 4 pods", id="old-ones-that-do-not-fit"),
        pytest.param(_stateful(replicas=1, rollout=_below(4), settled=False), 4, "3", None, id="nobody-knows-which"),
        pytest.param(_stateful(running=2, rollout=_below(3), complete=False), 4, "4", None, id="of-one-before-that"),
    ],
)
def test_pods_below_the_partition_are_made_of_the_former_template(
    old: Workload, wanted: int, hard: str, expected: str | None
) -> None:
    """Also those that are not there yet."""
    own = a_quota({"limits.cpu": hard}, {"limits.cpu": str(old.running)}, name="own", managed=False)
    new = msgspec.structs.replace(old, template=a_template({"cpu": "2"}), written=b"another", replicas=wanted)
    found = judged(new, old=old, tier=a_tier(), quotas=(own,))
    assert [(one.rule, sentence(one, namespace="dev").partition(" fit ")[0]) for one in found] == (
        [] if expected is None else [(SHORT, expected)]
    )


def _earlier(cpu: str = "2", **fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    """Return a StatefulSet of four, some of whose pods are of an earlier template."""
    return _stateful(cpu, **{"settled": False, "complete": False, **fields})


@pytest.mark.rule("W-3")
@pytest.mark.parametrize(
    ("old", "hard", "used", "expected"),
    [
        pytest.param(_earlier(rollout=_below(2)), "8", "6", [], id="W-3-below-the-partition-of-the-template-before"),
        pytest.param(_earlier(rollout=_below(9), held=True), "5", "4", [], id="W-3-all-below-the-partition"),
        pytest.param(_earlier(rollout=_below(2), settled=True), "8", "8", [], id="W-3-some-are-not-there-yet"),
        pytest.param(_earlier(rollout=None, held=True), "6", "4", [], id="W-3-on-delete"),
        pytest.param(_earlier(rollout=_below(0)), "8", "8", [SHORT], id="W-3-all-are-replaced-in-the-end"),
        pytest.param(_stateful("2", rollout=_below(2)), "9", "8", [SHORT], id="W-3-all-are-of-the-template"),
        pytest.param(_stateful("2", rollout=None), "9", "8", [SHORT], id="W-3-on-delete-of-the-template"),
        pytest.param(
            _stateful("2", rollout=None, complete=False), "9", "8", [SHORT], id="W-3-up-to-1.36-on-delete-never-ends"
        ),
        pytest.param(a_workload({"cpu": "2"}, kind="ReplicaSet", replicas=4), "6", "4", [], id="a-smaller-one-before"),
        pytest.param(a_workload({"cpu": "2"}, kind="ReplicaSet", replicas=4), "5", "4", [SHORT], id="not-for-one-more"),
        pytest.param(a_workload({"cpu": "2"}, kind="ReplicaSet", replicas=4), "9", "9", [SHORT], id="others-are-there"),
    ],
)
def test_one_more_pod_beside_those_of_an_earlier_template(
    old: Workload, hard: str, used: str, expected: list[str]
) -> None:
    """What stays is of the template that it was made of, which may ask for less than the stored one."""
    assert _said(old, ("limits.cpu", hard, used), written=old.written, replicas=old.replicas + 1) == expected


_OVERHEADS = msgspec.structs.replace(KNOWN, overheads={"small": amounts({"cpu": "1"}), "large": amounts({"cpu": "8"})})


@pytest.mark.parametrize(
    ("old", "quota", "changes"),
    [
        pytest.param(
            a_workload(replicas=2, claims=(a_claim("1Gi"),)),
            ("requests.storage", "20Gi", "10Gi"),
            {"claims": (a_claim("8Gi"),)},
            id="its-claims",
        ),
        pytest.param(
            a_workload(replicas=2, runtime_class="small"),
            ("limits.cpu", "20", "12"),
            {"runtime_class": "large"},
            id="R-31-the-overhead",
        ),
    ],
)
def test_pods_that_are_there_count_with_what_was_made_with_them(
    old: Workload, quota: tuple[str, str, str], changes: dict[str, Any]
) -> None:
    """Others use 8 of the 20; the two new pods would fit only if all that is used were of the former two."""
    assert _said(old, quota, _OVERHEADS, **changes) == [SHORT]


@pytest.mark.rule("W-1c")
@pytest.mark.parametrize(("terminating", "expected"), [(0, [STALL]), (1, [])])
def test_pods_of_a_held_deployment_that_are_on_their_way_out_are_its_own(terminating: int, expected: list[str]) -> None:
    """All that is used counts as theirs: the more they are, the less goes with one that makes room (ADR 27)."""
    held = a_workload(replicas=3, paused=True, settled=False, held=True, terminating=terminating, rollout=SURGES)
    assert _said(held, ("limits.cpu", "4", "4"), written=held.written, paused=False) == expected
