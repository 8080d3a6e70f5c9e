"""Workloads that are paused, or held by their strategy, and go on: what their pods wait for is judged then (ADR 27)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import a_claim, a_quota, a_tier, a_tier_quota, an_item
from tests.core.workloads import a_template, a_workload, judged
from tiergate.core.rules import sentence
from tiergate.core.tier import Tier
from tiergate.core.workload import NONE, ONE_POD, IntOrPercent, Rollout, Workload

NEVER, SHORT, STALL = "workload-never-runs", "workload-does-not-fit", "workload-rollout-stalls"
TIER: Tier = msgspec.structs.replace(
    a_tier(an_item(high={"cpu": "2"}), quotas=[a_tier_quota({"limits.cpu": "4", "pods": "10"})]), workloads="Enforce"
)


def _paused(limits: str = "1", **fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    """Return a paused Deployment as it is stored."""
    return a_workload({"cpu": limits}, **{"replicas": 3, "paused": True, **fields})


def _new(limits: str = "1", **fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    """Return one that was created paused: it has made no pod."""
    return _paused(limits, running=0, **fields)


def _edited(limits: str = "1", **fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    """Return one that got another template while it was paused."""
    return _paused(limits, **{"settled": False, "held": True, **fields})


def _said(new: Workload, old: Workload, cpu: str, **more: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # as judged
    quotas = (a_quota({"limits.cpu": "4", "pods": "10"}, {"limits.cpu": cpu, **more.pop("used", {})}),)
    return [(one.rule, one.effect) for one in judged(new, old=old, tier=TIER, quotas=quotas, **more)]


@pytest.mark.rule("W-1c")
@pytest.mark.parametrize(
    ("old", "cpu", "expected"),
    [
        pytest.param(_new(), "1", [], id="created-paused-fits"),
        pytest.param(_new(), "2", [(SHORT, "deny")], id="created-paused-does-not-fit"),
        pytest.param(_new("3"), "0", [(NEVER, "deny")], id="created-paused-never-runs"),
        pytest.param(_new("3", failing=True), "0", [], id="has-made-pods-that-were-refused"),
        pytest.param(_new("3", replicas=0), "0", [(NEVER, "warn")], id="asks-for-no-pod"),
        pytest.param(_paused(), "4", [], id="of-the-template-that-runs"),
        pytest.param(_paused("3"), "4", [], id="of-a-template-that-was-refused-since"),
        pytest.param(_edited(), "4", [(STALL, "warn")], id="edited-stalls"),
        pytest.param(_edited(), "3", [], id="edited-with-room-for-one-more"),
        pytest.param(_edited("2"), "3", [(SHORT, "deny")], id="edited-above-the-whole-quota"),
        pytest.param(_edited("3"), "3", [(NEVER, "deny")], id="edited-never-runs"),
        pytest.param(_edited(replicas=4, running=4), "4", [], id="edited-25%-of-4-may-go"),
        pytest.param(_paused("3", settled=False), "4", [], id="paused-in-the-middle-of-a-rollout"),
        pytest.param(_new("3", observed=False, settled=False), "0", [], id="a-late-status"),
        pytest.param(_paused("3", observed=False, settled=False), "4", [], id="a-late-status-of-one-that-runs"),
    ],
)
def test_one_that_goes_on_is_judged_by_what_it_has_not_made_yet(
    old: Workload, cpu: str, expected: list[tuple[str, str]]
) -> None:
    assert _said(msgspec.structs.replace(old, paused=False), old, cpu) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(_new(), {}, id="created-paused"),
        pytest.param(_edited(), {}, id="edited"),
        pytest.param(a_workload(replicas=3), {"paused": True}, id="is-paused"),
    ],
)
def test_one_that_stays_paused_or_becomes_so_is_not_judged_again(old: Workload, new: dict[str, Any]) -> None:
    assert _said(msgspec.structs.replace(old, **new), old, "4") == []


def test_an_edit_of_a_paused_one_is_told_what_it_will_come_to() -> None:
    old = _paused()
    assert _said(msgspec.structs.replace(old, written=b"another"), old, "4") == [(STALL, "warn")]
    again = _edited()
    assert _said(msgspec.structs.replace(again, written=b"a-third"), again, "4") == [(STALL, "warn")]


@pytest.mark.rule("W-1c")
@pytest.mark.parametrize(
    ("cpu", "limits", "expected"),
    [
        pytest.param("3", "1", [], id="there-is-room-for-one-more"),
        pytest.param("4", "1", [(STALL, "unless to a template whose pods run")], id="there-is-none"),
        pytest.param("5", "1600m", [(STALL, "unless to a template whose pods run")], id="the-quota-was-lowered-since"),
        pytest.param("4", "2", [(SHORT, "2 of 3 pods fit")], id="more-than-any-of-them-can-have"),
    ],
)
def test_another_template_of_one_that_goes_on_may_be_that_of_its_pods(
    cpu: str, limits: str, expected: list[tuple[str, str]]
) -> None:
    """Git brings back what was written before the pause: then no pod has to be made, which the object does not show."""
    old, template = _edited("500m"), a_template({"cpu": limits})
    back = msgspec.structs.replace(old, template=template, written=b"a-third", paused=False)
    quotas = (a_quota({"limits.cpu": "4", "pods": "10"}, {"limits.cpu": cpu}),)
    found = judged(back, old=old, tier=TIER, quotas=quotas)
    assert [one.rule for one in found] == [rule for rule, _ in expected]
    assert all(words in sentence(one, namespace="dev") for one, (_, words) in zip(found, expected, strict=True))


def _waits(limits: str = "1", partition: int | None = None, **fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    """Return a StatefulSet whose template was changed while its strategy (OnDelete, or a partition) held its pods."""
    rollout = None if partition is None else _from(partition)
    whole = {"kind": "StatefulSet", "replicas": 3, "settled": False, "held": True, "rollout": rollout}
    return a_workload({"cpu": limits}, **{**whole, **fields})


def _from(partition: int) -> Rollout:
    return Rollout(NONE, ONE_POD, partition)


@pytest.mark.rule("W-3")
@pytest.mark.parametrize(
    ("old", "partition", "cpu", "expected"),
    [
        pytest.param(_waits("1300m"), 0, "3", [], id="on-delete-fits"),
        pytest.param(_waits("1300m"), 0, "4", [], id="fits-if-all-that-is-used-is-its-own"),
        pytest.param(_waits("2"), 0, "3", [(SHORT, "deny")], id="on-delete-does-not-fit"),
        pytest.param(_waits("3"), 0, "3", [(NEVER, "deny")], id="on-delete-never-runs"),
        pytest.param(_waits("3", 3), 0, "3", [(NEVER, "deny")], id="partition-lowered-to-none"),
        pytest.param(_waits("3", 5), 2, "3", [(NEVER, "deny")], id="partition-lowered-below-its-pods"),
        pytest.param(_waits("1900m", 3), 2, "3", [], id="one-of-three-fits"),
        pytest.param(_waits("2", 3), 2, "4", [], id="what-stays-may-be-small"),
        pytest.param(_waits("3", 5), 3, "3", [], id="partition-that-still-holds-all"),
        pytest.param(_waits("3"), None, "3", [], id="stays-on-delete"),
        pytest.param(_waits("1300m", held=False), 0, "4", [], id="the-others-fit"),
        pytest.param(_waits("2", held=False), 0, "3", [(STALL, "warn")], id="the-others-do-not-fit"),
        pytest.param(_waits("2", 2, held=False), 1, "3", [], id="nobody-knows-what-stays"),
        pytest.param(_waits("3", held=False), 0, "3", [(NEVER, "deny")], id="the-others-never-run"),
        pytest.param(_waits("3", 1, held=False), 0, "3", [(NEVER, "deny")], id="partition-lowered-again"),
        pytest.param(_waits("3", 0, held=False), 0, "3", [], id="a-rollout-on-its-way"),
        pytest.param(_waits("3", 1, held=False), 2, "3", [], id="partition-raised"),
        pytest.param(_waits("3", 1, held=False, settled=True), 0, "3", [], id="all-pods-are-of-the-template"),
        pytest.param(_waits("3", 1, held=False, observed=False), 0, "3", [], id="a-late-status"),
        pytest.param(_waits("3", 3, replicas=0, running=3), 0, "3", [(NEVER, "warn")], id="asks-for-no-pod"),
    ],
)
def test_one_that_its_strategy_held_is_judged_when_it_goes_on(
    old: Workload, partition: int | None, cpu: str, expected: list[tuple[str, str]]
) -> None:
    rollout = None if partition is None else _from(partition)
    assert _said(msgspec.structs.replace(old, rollout=rollout), old, cpu) == expected


@pytest.mark.rule("W-3")
@pytest.mark.parametrize(
    ("old", "effect"),
    [
        pytest.param(a_workload(kind="StatefulSet", replicas=3, rollout=_from(3)), "warn", id="keeps-all-back"),
        pytest.param(a_workload(kind="StatefulSet", replicas=3, rollout=_from(2)), "deny", id="replaces-one"),
        pytest.param(a_workload(kind="StatefulSet", replicas=3, rollout=None), "deny", id="whatever-is-made-anew"),
        pytest.param(a_workload(kind="ReplicaSet", replicas=3), "deny", id="whatever-is-made-anew-of-a-replicaset"),
        pytest.param(None, "deny", id="a-new-one-has-no-other-template"),
    ],
)
def test_a_template_that_never_runs_is_no_problem_yet_where_a_partition_keeps_all_pods_back(
    old: Workload | None, effect: str
) -> None:
    """They are made of the former template, as long as the partition is not lowered."""
    before = old or a_workload(kind="StatefulSet", replicas=3, rollout=_from(3))
    new = msgspec.structs.replace(before, template=a_template({"cpu": "3"}), written=b"another")
    found = judged(new, old=old, tier=TIER, quotas=(a_quota({"limits.cpu": "9"}),))
    assert [(one.rule, one.effect) for one in found] == [(NEVER, effect)]


def test_more_pods_of_one_that_is_held_are_judged_as_ever() -> None:
    """Which pods wait under their partition has no part in it."""
    for old in (_waits(), _waits(partition=3)):
        more = msgspec.structs.replace(old, replicas=4)
        free = msgspec.structs.replace(old, held=False)
        assert _said(more, old, "3") == _said(more, free, "3") == []
        assert _said(more, old, "3", used={"pods": "10"}) == _said(more, free, "3", used={"pods": "10"})


def test_claims_of_one_that_goes_on_are_there_already() -> None:
    old = _waits(kept_claims=(a_claim("9Ti"),))
    assert _said(msgspec.structs.replace(old, rollout=_from(0)), old, "3") == []


@pytest.mark.parametrize("unavailable", [IntOrPercent(0), ONE_POD, IntOrPercent(2)])
@pytest.mark.parametrize("used", ["1", "2", "3", "3500m", "4"])
@pytest.mark.parametrize("asked", ["500m", "1", "1300m"])
def test_nothing_is_said_of_a_rollout_that_some_former_template_lets_through(
    unavailable: IntOrPercent, used: str, asked: str
) -> None:
    rollout, all_used = Rollout(ONE_POD, unavailable), _milli(used)
    held, new = _edited(asked, rollout=rollout), a_workload({"cpu": asked}, replicas=3, rollout=rollout)
    steps = [step for step in range(0, 1334, 50) if 3 * step <= all_used]
    former = [msgspec.structs.replace(a_workload({"cpu": f"{one}m"}, replicas=3), written=b"former") for one in steps]
    if not all(_said(new, one, used) for one in former):
        assert _said(msgspec.structs.replace(held, paused=False), held, used) == []


def _milli(amount: str) -> int:
    return int(amount[:-1]) if amount.endswith("m") else 1000 * int(amount)


def test_the_sentence_does_not_tell_whose_pods_use_what() -> None:
    held = _edited()
    quotas = (a_quota({"limits.cpu": "4", "pods": "10"}, {"limits.cpu": "4"}),)
    (found,) = judged(msgspec.structs.replace(held, paused=False), old=held, tier=TIER, quotas=quotas)
    assert sentence(found, namespace="dev") == (
        "its rollout will stall: of 3 maxSurge 25% is 1, maxUnavailable 25% is 0; 3 old + 1 new pods need "
        'limits.cpu 5 with all that is used, quota "compute" has 4; set maxUnavailable to 1, or free 1 in dev'
    )
