"""A template that changes while an earlier rollout is under way: what is certain to stall is told, and nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import Texts, a_quota, a_tier
from tests.core.workloads import KNOWN, a_template, a_workload, judged
from tiergate.core.decision import Finding
from tiergate.core.placement import Node, Placement
from tiergate.core.rules import said, sentence
from tiergate.core.workload import NONE, ONE_POD, RECREATE, Rollout, Workload

STALL = "workload-rollout-stalls"
SURGE = Rollout(ONE_POD, NONE)
DELETES_FIRST = Rollout(NONE, ONE_POD)


def _stuck(**fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    """Return a Deployment of four whose new pod could not be made."""
    return a_workload({"cpu": "1"}, **{"replicas": 4, "rollout": SURGE, "settled": False, "failing": True, **fields})


def _stateful(**fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    """Return a StatefulSet of four, one of whose pods is gone and could not be made again."""
    return _stuck(**{"kind": "StatefulSet", "rollout": DELETES_FIRST, "running": 3, "failing": False, **fields})


def _on_nodes(rollout: Rollout, **fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    return _stuck(**{"kind": "DaemonSet", "placement": Placement(), "rollout": rollout, "failing": False, **fields})


def _found(old: Workload, used: str = "4", limits: Texts | None = None, **fields: Any) -> tuple[Finding, ...]:  # noqa: ANN401  # fields of Workload
    template = old.template if limits is None else a_template(limits)
    new = msgspec.structs.replace(old, template=template, written=b"another", **fields)
    quota = a_quota({"limits.cpu": "4"}, {"limits.cpu": used}, name="own", managed=False)
    around = msgspec.structs.replace(KNOWN, nodes=tuple(Node(str(number)) for number in range(4)))
    return judged(new, old=old, tier=a_tier(), quotas=(quota,), around=around)


@pytest.mark.rule("W-1c", "W-3", "W-8")
@pytest.mark.parametrize(
    ("old", "used", "expected"),
    [
        pytest.param(_stuck(), "4", [STALL], id="no-room-and-none-may-go"),
        pytest.param(_stuck(), "3500m", [STALL], id="too-little-room"),
        pytest.param(_stuck(), "3", [], id="room-for-one"),
        pytest.param(_stuck(observed=False), "4", [STALL], id="the-controller-has-not-seen-the-last-change"),
        pytest.param(_stuck(available=3), "4", [], id="one-is-not-ready-and-may-go"),
        pytest.param(_stuck(running=5, available=4), "4", [], id="the-new-one-is-there-and-not-ready"),
        pytest.param(_stuck(running=5), "4", [], id="one-more-than-wanted-will-go"),
        pytest.param(_stuck(terminating=1), "4", [], id="one-is-going"),
        pytest.param(_stuck(running=5, available=4, terminating=1), "4", [], id="one-is-surplus-and-one-is-going"),
        pytest.param(_stuck(available=0), "4", [], id="there-may-be-others"),
        pytest.param(_stuck(rollout=Rollout()), "4", [], id="25%-of-4-may-go"),
        pytest.param(_stuck(rollout=RECREATE), "4", [], id="all-may-go"),
        pytest.param(_stuck(replicas=1, rollout=RECREATE), "4", [], id="the-only-one-may-go"),
        pytest.param(_stuck(replicas=3, running=4), "4", [], id="four-where-three-are-wanted"),
        pytest.param(_stuck(replicas=4, running=3), "4", [STALL], id="three-where-four-are-wanted"),
        pytest.param(_stuck(replicas=5, available=0), "4", [STALL], id="more-than-the-whole-quota"),
        pytest.param(_stuck(replicas=5, rollout=RECREATE), "4", [STALL], id="W-1b-recreated-more-than-the-whole-quota"),
        pytest.param(
            _stuck(running=3, rollout=DELETES_FIRST, failing=False),
            "4",
            [],
            id="the-missing-one-may-just-have-been-made",
        ),
        pytest.param(_stuck(failing=False), "4", [STALL], id="none-is-missing"),
        pytest.param(_stateful(), "4", [STALL], id="W-3-the-missing-one-comes-first"),
        pytest.param(_stateful(running=4), "4", [], id="W-3-one-is-deleted-first"),
        pytest.param(_stateful(settled=True), "4", [], id="W-3-none-is-replaced-and-the-status-may-be-late"),
        pytest.param(_stateful(available=2), "4", [], id="W-3-one-that-is-not-ready-may-be-on-its-way-out"),
        pytest.param(_stateful(rollout=Rollout(NONE, ONE_POD, 1)), "4", [], id="W-3-the-missing-one-may-be-kept"),
        pytest.param(_on_nodes(DELETES_FIRST, running=3), "4", [STALL], id="W-8-a-node-lacks-its-pod"),
        pytest.param(_on_nodes(DELETES_FIRST, running=4), "4", [], id="W-8-one-is-deleted-first"),
        pytest.param(_on_nodes(SURGE, running=4), "4", [STALL], id="W-8-surge"),
    ],
)
def test_what_none_of_its_pods_makes_room_for_stalls(old: Workload, used: str, expected: list[str]) -> None:
    found = _found(old, used)
    assert [one.rule for one in found] == expected
    assert all(one.effect == "warn" for one in found)


@pytest.mark.rule("W-1a")
@pytest.mark.parametrize(("wanted", "expected"), [(4, []), (5, [STALL]), (6, [STALL])])
def test_fewer_pods_make_room_whatever_their_templates(wanted: int, expected: list[str]) -> None:
    """A Deployment takes them from all its ReplicaSets in proportion, available or not."""
    assert [
        one.rule for one in _found(_stuck(replicas=5, running=4), limits={"cpu": "500m"}, replicas=wanted)
    ] == expected


@pytest.mark.parametrize(
    ("limits", "used", "expected"), [("500m", "3500m", []), ("2", "3", [STALL]), ("500m", "4", [STALL])]
)
def test_the_new_pod_s_own_size_counts(limits: str, used: str, expected: list[str]) -> None:
    assert [one.rule for one in _found(_stuck(running=2, replicas=2), used, {"cpu": limits})] == expected


@pytest.mark.parametrize(
    ("old", "cpu", "advice"),
    [
        pytest.param(_stuck(), "1", "set maxUnavailable to 1", id="all-that-is-used-is-its-own"),
        pytest.param(
            _stuck(replicas=3), "1", "set maxUnavailable to 1, or free 1 in dev", id="others-use-as-much-as-is-missing"
        ),
        pytest.param(_stateful(), "1", "free 1 in dev", id="a-pod-is-missing-already"),
        pytest.param(
            _stuck(rollout=DELETES_FIRST, running=3),
            "500m",
            "set maxUnavailable to 2, or free 500m in dev",
            id="two-smaller-pods-for-one-that-goes",
        ),
        pytest.param(
            _on_nodes(DELETES_FIRST, running=3),
            "500m",
            "free 500m in dev",
            id="W-8-no-further-one-goes-on-another-node",
        ),
        pytest.param(
            _on_nodes(SURGE), "1", "set maxSurge to 0 and maxUnavailable to 1", id="W-8-surge-in-place-of-removal"
        ),
    ],
)
def test_the_way_out_is_said_as_if_all_pods_were_of_the_stored_template(old: Workload, cpu: str, advice: str) -> None:
    assert [said(one, namespace="dev").advice for one in _found(old, "4", {"cpu": cpu})] == [advice]


def test_more_pods_than_the_whole_quota_takes_stall_whatever_there_is() -> None:
    """Whichever pods there are, and whatever template they are returned to: these do not fit."""
    (found,) = _found(_stuck(replicas=5, available=0))
    assert sentence(found, namespace="dev") == (
        "its rollout will stall: of 5 maxSurge 1 is 1, maxUnavailable 0 is 0; 5 new pods need limits.cpu 5, "
        'quota "own" leaves 4 of 4; lower limits.cpu'
    )


def test_the_sentence_leaves_room_for_a_template_whose_pods_are_there() -> None:
    """``kubectl rollout undo`` gets it as well, and only its author knows that it makes no pods."""
    (found,) = _found(_stuck())
    assert sentence(found, namespace="dev") == (
        "its rollout will stall, unless to a template whose pods run: none of 4 pods may end before a new one is "
        'available, and that asks limits.cpu 1, 0 of 4 left in quota "own"; set maxUnavailable to 1'
    )
