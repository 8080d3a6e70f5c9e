"""Ranges of a PersistentVolumeClaim item (L-24, L-27)."""

from __future__ import annotations

import pytest

from tests.builders import a_claim, a_pod, a_tier, an_item, validated
from tiergate.core.claim import Claim

ITEM = an_item("PersistentVolumeClaim", low={"storage": "2Gi"}, high={"storage": "10Gi"}, ratio={"storage": "1"})


def rules(claim: Claim, old: Claim | None = None) -> list[tuple[str, str]]:
    decision = validated(claim, old=old, tier=a_tier(ITEM), quotas=())
    return [(one.rule, str(one.actual)) for one in decision.findings]


@pytest.mark.rule("L-24")
@pytest.mark.parametrize(
    ("storage", "broken"),
    [
        pytest.param("2Gi", [], id="L-24-equal-to-min"),
        pytest.param("10Gi", [], id="L-24-equal-to-max"),
        pytest.param("1Gi", [("claim-min", "1Gi")], id="L-24-below"),
        pytest.param("11Gi", [("claim-max", "11Gi")], id="L-24-above"),
        pytest.param(None, [("claim-min", "None"), ("claim-max", "None")], id="L-24-must-exist-for-both"),
    ],
)
def test_the_storage_request_is_judged(storage: str | None, broken: list[tuple[str, str]]) -> None:
    assert rules(a_claim(storage)) == broken


@pytest.mark.rule("L-27", "unchanged")
def test_an_update_judges_only_a_changed_size() -> None:
    """L-27, as kubernetes PR 142170 has it: an annotation on a claim above a newer max is not refused."""
    assert rules(a_claim("11Gi"), old=a_claim("11Gi")) == []
    assert rules(a_claim("11Gi"), old=a_claim("11264Mi")) == []
    assert rules(a_claim("12Gi"), old=a_claim("11Gi")) == [("claim-max", "12Gi")]


def test_a_claim_item_says_nothing_of_pods() -> None:
    assert validated(a_pod(), old=None, tier=a_tier(ITEM), quotas=()).allowed


def test_container_and_pod_items_say_nothing_of_claims() -> None:
    tier = a_tier(an_item(high={"storage": "1"}), an_item("Pod", high={"storage": "1"}))
    assert validated(a_claim(), old=None, tier=tier, quotas=()).allowed
