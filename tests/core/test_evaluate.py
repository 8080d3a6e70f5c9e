"""The whole decision: order, exemptions, refusals without a tier."""

from __future__ import annotations

import pytest

from tests.builders import a_container, a_pod, a_quota, a_tier, a_tier_quota, an_item
from tiergate.core import evaluate
from tiergate.core.decision import ALLOW, Decision, Violation


@pytest.mark.rule("L-20")
def test_ranges_come_before_quotas_and_all_of_both_are_reported() -> None:
    tier = a_tier(an_item(high={"cpu": "500m"}), quotas=[a_tier_quota({"pods": "0"})])
    pod = a_pod(a_container(limits={"cpu": "2"}))
    decision = evaluate.validate(pod, old=None, tier=tier, quotas=(a_quota({"pods": "0"}),))
    assert [one.rule for one in decision.violations] == ["limit-max", "request-max", "quota-exceeded"]
    assert not decision.allowed
    assert not decision.patch


def test_an_empty_tier_allows_everything() -> None:
    assert evaluate.validate(a_pod(), old=None, tier=a_tier(), quotas=()) is ALLOW
    assert evaluate.mutate(a_pod(), a_tier()) is ALLOW


def test_a_mutation_never_refuses() -> None:
    """The validating pass sees the result, with every other webhook's changes."""
    tier = a_tier(an_item(high={"cpu": "500m"}), quotas=[a_tier_quota({"pods": "0"})])
    decision = evaluate.mutate(a_pod(a_container(requests={"cpu": "2"})), tier)
    assert decision.allowed
    assert decision.patch


def test_a_label_that_names_no_tier_refuses() -> None:
    decision = evaluate.no_such_tier("dve")
    assert not decision.allowed
    assert [(one.rule, one.detail) for one in decision.violations] == [("tier-missing", "dve")]
    assert not decision.rests_on_usage


def test_a_tier_that_was_never_valid_refuses() -> None:
    decision = evaluate.unusable_tier("dev", "min is greater than max")
    assert not decision.allowed
    assert [one.rule for one in decision.violations] == ["tier-invalid"]


@pytest.mark.parametrize(
    ("user", "groups", "who"),
    [
        pytest.param("ops", (), "user ops", id="user"),
        pytest.param("alice", ("dev", "sre"), "group sre", id="group"),
        pytest.param("ops", ("sre",), "user ops", id="user-before-group"),
        pytest.param("alice", ("dev",), "", id="nobody"),
        pytest.param("sre", ("ops",), "", id="a-user-is-no-group"),
        pytest.param("", (), "", id="anonymous"),
    ],
)
def test_a_tier_exempts_users_and_groups(user: str, groups: tuple[str, ...], who: str) -> None:
    assert evaluate.exemption(a_tier(users=["ops"], groups=["sre"]), user=user, groups=groups) == who


def test_an_exempt_request_is_allowed_and_says_who() -> None:
    assert evaluate.exempt("user ops") == Decision(exempt="user ops")
    assert evaluate.exempt("user ops").allowed


@pytest.mark.parametrize(
    ("rule", "on_usage"),
    [("quota-exceeded", True), ("quota-required", True), ("quota-pending", True), ("limit-max", False)],
)
def test_a_refusal_rests_on_usage_when_later_usage_could_lift_it(rule: str, on_usage: bool) -> None:  # noqa: FBT001  # a table
    decision = Decision((Violation(rule, ""),))  # type: ignore[arg-type]  # each is a RuleId
    assert decision.rests_on_usage is on_usage
    assert decision.pending is (rule == "quota-pending")


@pytest.mark.parametrize(
    ("users", "groups"), [pytest.param([], ["sre"], id="groups-alone"), pytest.param(["ops"], [], id="users-alone")]
)
def test_one_kind_of_exemption_is_enough(users: list[str], groups: list[str]) -> None:
    assert evaluate.exemption(a_tier(users=users, groups=groups), user="ops", groups=("sre",)) != ""


def test_a_tier_without_exemptions_exempts_nobody() -> None:
    assert evaluate.exemption(a_tier(), user="ops", groups=("sre",)) == ""
