"""A change of a namespace's tier label: who may make it, and what is warned of."""

from __future__ import annotations

import pytest

from tests.builders import (
    RELEASE_NAMESPACE,
    a_request,
    the_facts,
)
from tests.core.deciding import ASKED, TIER, label
from tiergate.core.decide import decide
from tiergate.core.decision import FactName, Finding, RuleId
from tiergate.core.facts import Facts, InvalidTier, MissingTier
from tiergate.core.request import LabelChange
from tiergate.core.rules import sentence


@pytest.mark.parametrize(
    ("change", "facts", "needed", "rules"),
    [
        pytest.param(label("dev", "dev"), the_facts(None), None, [], id="unchanged"),
        pytest.param(label(None, "dev"), the_facts(TIER), "permissions", [], id="who-may-assign-is-asked"),
        pytest.param(label(None, "dev"), the_facts(TIER, fresh=ASKED), None, ["tier-assign"], id="not-permitted"),
        pytest.param(
            label("prod", "dev"),
            the_facts(TIER, fresh=ASKED, permitted=frozenset({"dev"})),
            None,
            ["tier-assign"],
            id="the-old-tier-too",
        ),
        pytest.param(label("dev", None), the_facts(TIER, fresh=ASKED), None, ["tier-assign"], id="removed"),
        pytest.param(
            label(None, "dev"), the_facts(TIER, fresh=ASKED, permitted=frozenset({"dev"})), None, [], id="permitted"
        ),
        pytest.param(
            label(None, "dev"),
            the_facts(None, fresh=ASKED, permitted=frozenset({"dev"})),
            "tier",
            [],
            id="whether-the-tier-exists-is-asked",
        ),
        pytest.param(
            label(None, "dev"),
            the_facts(None, fresh=ASKED, permitted=frozenset({"dev"}), unread=frozenset({"tier"})),
            None,
            ["label-tier-unchecked"],
            id="and-it-only-adds-a-warning",
        ),
        pytest.param(
            label(None, "dev"),
            the_facts(MissingTier("dev"), fresh=ASKED | {"tier"}, permitted=frozenset({"dev"})),
            None,
            ["label-tier-missing"],
            id="not-yet",
        ),
        pytest.param(
            label(None, "dev"),
            the_facts(InvalidTier("dev", "min above max"), fresh=ASKED | {"tier"}, permitted=frozenset({"dev"})),
            None,
            ["label-tier-invalid"],
            id="invalid",
        ),
    ],
)
def test_a_change_of_the_tier_label(
    change: LabelChange, facts: Facts, needed: FactName | None, rules: list[str]
) -> None:
    decision = decide(a_request(change), facts)
    assert decision.needs_fresh == needed
    assert [one.rule for one in decision.findings] == rules
    assert decision.optional == (needed == "tier")
    assert decision.allowed == ("tier-assign" not in rules)


@pytest.mark.parametrize("name", ["kube-system", RELEASE_NAMESPACE])
@pytest.mark.parametrize(("after", "rules"), [("dev", ["namespace-protected"]), (None, [])])
def test_a_protected_namespace_may_leave_a_tier_and_not_join_one(
    name: str, after: str | None, rules: list[str]
) -> None:
    facts = the_facts(TIER, fresh=ASKED, permitted=frozenset({"dev", "prod"}))
    decision = decide(a_request(label("prod", after), namespace=name), facts)
    assert [one.rule for one in decision.findings] == rules


@pytest.mark.parametrize("rule", ["tier-missing", "label-tier-missing"])
def test_nobody_is_told_to_create_a_tier_without_a_name(rule: RuleId) -> None:
    """As after `kubectl label namespace dev tiergate.io/tier=`, meant to remove the label."""
    said = sentence(Finding(rule, "", tier=""), namespace="dev")
    assert "is empty" in said
    assert said.endswith("; set it to the name of a tier, or remove it")
