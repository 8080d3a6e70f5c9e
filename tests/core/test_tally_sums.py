"""The usage of a namespace costs the same to read however many objects there are, and however they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.builders import NOW, a_tier, a_tier_quota, texts
from tests.calls import calls_of
from tests.core.test_tally import cpu
from tiergate.core.podspec import Pod
from tiergate.core.release import NEWEST
from tiergate.core.tally import MOST_SUMS, Footprints, Tally, would_be

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tiergate.core.quota import QuotaStatus


def a_tally(pods: Iterable[Pod]) -> Tally:
    footprints, tally = Footprints(), Tally()
    for number, pod in enumerate(pods):
        tally.set(f"dev/{number}", footprints.of(pod))
    return tally


def test_pods_of_distinct_amounts_are_not_added_up_for_each_review() -> None:
    """No quota bounds their number; and a pod that changes between two reviews makes none dearer."""
    tier = a_tier(quotas=[a_tier_quota({"pods": "5", "requests.cpu": "8", "limits.memory": "1Gi"})], mode="Warn")
    tally = a_tally(cpu(f"{number + 1}m") for number in range(1000))
    tally.set("dev/0", Footprints().of(cpu("5")))

    def usage() -> tuple[QuotaStatus, ...]:
        return would_be(tier, Pod, tally.sums("dev"), namespace="dev", now=NOW, minor=NEWEST)

    assert texts(usage()[0].used) == {"pods": "1k", "requests.cpu": "505499m", "limits.memory": "0"}
    assert calls_of(usage) < 200


def test_a_namespace_with_too_many_sums_is_crowded_until_some_are_gone() -> None:
    pods = [cpu("1", deleted_at=NOW + number, grace_seconds=30) for number in range(MOST_SUMS + 1)]
    tally = a_tally([*pods, *pods])
    assert tally.is_crowded("dev")
    assert not tally.is_crowded("prod")
    tally.set("dev/0", None)
    assert tally.is_crowded("dev")  # the other one is over at the same time
    tally.set(f"dev/{MOST_SUMS + 1}", None)
    assert not tally.is_crowded("dev")
