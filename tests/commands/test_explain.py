"""``tiergate explain``: every rule that anything names can be looked up, in few lines."""

from __future__ import annotations

import re
import typing
from typing import Final

import pytest

from tests.builders import a_container, a_pod, a_tier, a_tier_quota, validated
from tests.commands.running import Program
from tests.docs import promises
from tests.docs.values import ROOT
from tiergate.check import rule_texts
from tiergate.check.explaining import EXPLAINED
from tiergate.core.decision import Decision, Finding, RuleId
from tiergate.core.mode import Mode
from tiergate.core.request import CLUSTER_WIDE
from tiergate.core.rules import RULES
from tiergate.core.workload_kind import WORKLOAD_KINDS

MOST_LINES = 10
PAGE: Final = (ROOT / "docs" / "operate.md").read_text()
SHORTEST: Final = 'tier "dev"'


def _line(tiergate: Program, rule: str, name: str) -> str:
    """Return what stands behind a name in the explanation of a rule."""
    lines = [line.partition(f"  {name} ") for line in tiergate("explain", rule).out.splitlines()]
    (text,) = (after.strip() for before, found, after in lines if found and not before)
    return text


def test_every_rule_of_the_registry_is_explained() -> None:
    assert {rule.id for rule in RULES} == set(typing.get_args(RuleId))
    assert EXPLAINED.keys() == rule_texts.TEXTS.keys()


@pytest.mark.parametrize("rule", EXPLAINED)
def test_a_rule_is_explained_in_few_lines_and_leads_to_its_page(tiergate: Program, rule: str) -> None:
    ran = tiergate("explain", rule)
    lines = ran.out.splitlines()
    assert (ran.code, lines[0]) == (0, f"{rule}: {EXPLAINED[rule].what}")
    assert len(lines) <= MOST_LINES
    assert [line.split()[0] for line in lines[1:]] == ["of", "does", "says", "because", "passes", "bounds", "more"]
    assert all(len(line.split()) > 1 for line in lines[1:])
    page, _, anchor = lines[-1].rpartition("/")[2].partition("#")
    text = (ROOT / f"docs/{page}").read_text()
    assert f"`{anchor}`" in text or f"# {anchor.capitalize()}" in text


def test_what_refuses_is_under_the_refusals_of_the_documentation_and_nothing_else(tiergate: Program) -> None:
    _, refusals, warnings = re.split(r"^## (?:Refusals|What others say)$", PAGE, flags=re.MULTILINE)
    anchors = re.findall(r'<a id="([a-z-]+)">', warnings.partition("\n## Warnings\n")[0])
    headings = [rule for heading in promises.sections(refusals) for rule in promises.words(heading)]
    does = {rule: _line(tiergate, rule, "does") for rule in typing.get_args(RuleId)}
    assert {rule for rule in does if "refuses" in does[rule]} == set(headings)
    assert {rule for rule in does if "refuses" not in does[rule]} == set(anchors)


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_an_example_is_made_by_its_rule_and_shown_in_the_documentation(tiergate: Program, rule: str) -> None:
    """A sentence that ends in what differs from case to case is shown up to there."""
    said, example = _line(tiergate, rule, "says"), EXPLAINED[rule].example
    assert isinstance(example, Finding)
    assert example.rule == rule
    shown = [one for one in re.findall(r"`([^`\n]+)\.\.\.`", PAGE) if len(one) > len(SHORTEST)]
    assert said in PAGE or any(said.startswith(one) for one in shown)


def test_a_warning_under_the_mode_of_a_tier_is_recorded_in_audit(tiergate: Program) -> None:
    """Rules about tiers and labels have no mode."""
    for rule in RULES:
        if rule.effect == "warn":
            effect = Decision(mode="Audit").effect_of(Finding(rule.id, "", effect="warn"))
            changed = rule.endpoint not in CLUSTER_WIDE and effect == "audit"
            assert ("in mode Audit records" in _line(tiergate, rule.id, "does")) == changed, rule.id


def test_only_what_is_rolled_out_is_said_to_stall(tiergate: Program) -> None:
    assert _line(tiergate, "workload-rollout-stalls", "of") == "Deployments, StatefulSets, DaemonSets"


def test_each_kind_of_workload_is_said_to_be_judged(tiergate: Program) -> None:
    for rule in ("workload-never-runs", "workload-does-not-fit", "workload-unchecked"):
        assert all(f"{one.kind}s" in _line(tiergate, rule, "of") for one in WORKLOAD_KINDS), rule


@pytest.mark.parametrize(
    ("rule", "modes"),
    [
        ("limit-max", ["Enforce", "Warn", "Audit"]),
        ("quota-pending", ["Enforce", "Warn", "Audit"]),
        ("workload-never-runs", ["Enforce", "Warn", "Audit"]),
        ("change-set-exceeds-quota", ["Enforce", "Warn", "Audit"]),
        *((rule, ["every mode"]) for rule in ("tier-missing", "tier-invalid", "tier-in-use", "tier-assign")),
        ("namespace-protected", ["every mode"]),
        ("api-validation", ["every mode"]),
        ("unreadable", ["exit code 3"]),
    ],
)
def test_a_mode_is_named_only_where_it_matters(tiergate: Program, rule: str, modes: list[str]) -> None:
    does = _line(tiergate, rule, "does")
    assert [one for one in ("Enforce", "Warn", "Audit", "every mode", "exit code 3") if one in does] == modes


@pytest.mark.parametrize("mode", ["Warn", "Audit"])
def test_a_quota_that_is_not_in_force_is_told_in_mode_enforce_alone(tiergate: Program, mode: Mode) -> None:
    tier = a_tier(quotas=[a_tier_quota({"limits.cpu": "4"})], mode=mode)
    decision = validated(a_pod(a_container(limits={"cpu": "1"})), old=None, tier=tier, quotas=())
    assert decision.findings == ()
    assert _line(tiergate, "quota-pending", "does") == "refuses in mode Enforce, says nothing in Warn and Audit"


def test_what_a_rule_is_of_comes_from_its_checks(tiergate: Program) -> None:
    said = {rule.id: tiergate("explain", rule.id).out for rule in RULES if rule.pod or rule.claim or rule.usage}
    assert "of       pods, and those of workloads" in said["limit-max"]
    assert "of       claims, and those of workloads" in said["claim-max"]
    assert "beside what their namespace uses" in said["quota-exceeded"]


@pytest.mark.parametrize(
    ("rule", "behind"),
    [("workload-never-runs/limit-max", "behind   limit-max:"), ("workload-never-runs/native-min", "LimitRanger")],
)
def test_the_rule_behind_another_is_named(tiergate: Program, rule: str, behind: str) -> None:
    ran = tiergate("explain", rule)
    assert (ran.code, behind in ran.out) == (0, True)


@pytest.mark.parametrize("near", ["native-mx", "limt-max", "invalit", "workload-never-run", "tier-mising"])
def test_each_rule_that_a_typo_is_answered_with_is_explained(tiergate: Program, near: str) -> None:
    suggested = tiergate("explain", near).err.partition("did you mean ")[2].strip().split(", ")
    assert suggested
    assert [tiergate("explain", name).code for name in suggested] == [0] * len(suggested)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("limt-max", 'there is no rule "limt-max"; did you mean limit-max', id="a-typo"),
        pytest.param("quota", "quota-", id="a-part"),
        pytest.param("workload-never-runs/limit-mux", 'no rule "limit-mux"; did you mean limit-max', id="behind"),
        pytest.param("\x1b[31m" + "x" * 10_000, "tiergate explain lists all", id="nothing-near"),
    ],
)
def test_an_unknown_rule_is_wrong_usage_and_near_ones_are_named(tiergate: Program, name: str, said: str) -> None:
    ran = tiergate("explain", name)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.err) < 300
    assert "\x1b" not in ran.err


def test_without_a_rule_all_are_listed(tiergate: Program) -> None:
    ran = tiergate("explain")
    assert (ran.code, [line.split()[0] for line in ran.out.splitlines()]) == (0, list(EXPLAINED))
