"""What stands in the namespaces: of many lines the first are listed, and the others are counted."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from tests.builders import a_tier, an_item
from tiergate.adopt.reading import Standing
from tiergate.adopt.standing import MOST_LINES, judged
from tiergate.adopt.values import AdoptionPlan, Member, NativeBounds, NewTier
from tiergate.check import change_set
from tiergate.check.change_set import Part, Total
from tiergate.core.quota_bounds import NamespaceQuotas
from tiergate.core.release import NEWEST


def a_standing_pod(name: str, *, containers: int) -> Standing:
    """Return a pod each of whose containers asks too much."""
    limits = {"limits": {"cpu": "3"}}
    spec = {"containers": [{"name": f"c-{at}", "image": "i", "resources": limits} for at in range(containers)]}
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "team"}, "spec": spec}
    return Standing("Pod", "v1", "team", name, json.dumps(document).encode())


def test_many_lines_are_cut_once() -> None:
    tier = NewTier(a_tier(an_item(high={"cpu": "1"}), name="dev"), (Member(NativeBounds("team", {}, (), (), {}), ()),))
    pods = [a_standing_pod(f"pod-{at}", containers=60) for at in range(3)]
    found = judged(AdoptionPlan((tier,)), pods, minor=NEWEST)
    assert (len(found["dev"].lines), found["dev"].more) == (MOST_LINES, 3 * 60 - MOST_LINES)
    assert [sum(f"pod pod-{at} in team" in line for line in found["dev"].lines) for at in range(3)] == [60, 40, 0]


def test_containers_are_not_kept_until_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster may have hundreds of thousands."""
    summed: list[str] = []
    whole = change_set.totals

    def totals(parts: Iterable[Part], quotas: NamespaceQuotas) -> list[Total]:
        kept = list(parts)
        summed.extend(map(repr, kept))
        return whole(kept, quotas)

    monkeypatch.setattr(change_set, "totals", totals)
    tier = NewTier(a_tier(an_item(high={"cpu": "1"}), name="dev"), (Member(NativeBounds("team", {}, (), (), {}), ()),))
    judged(AdoptionPlan((tier,)), [a_standing_pod("pod", containers=2)], minor=NEWEST)
    assert len(summed) == 1
    assert "c-0" not in summed[0]
