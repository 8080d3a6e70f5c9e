"""``tiergate explain``: every rule that anything names can be looked up, in few lines."""

from __future__ import annotations

import typing

import pytest

from tests.commands.running import Program
from tests.docs import promises
from tests.docs.values import ROOT
from tiergate.check import rule_texts
from tiergate.check.explaining import EXPLAINED
from tiergate.core.decision import RuleId
from tiergate.core.rules import RULES

MOST_LINES = 10


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


def test_what_warns_and_what_refuses_is_as_the_documentation_has_it(tiergate: Program) -> None:
    for rule in typing.get_args(RuleId):
        warns = "  does     warns\n" in tiergate("explain", rule).out
        assert warns == (rule not in promises.rules()), rule


@pytest.mark.parametrize(
    ("rule", "modes"),
    [
        ("limit-max", ["Enforce", "Warn", "Audit"]),
        ("workload-never-runs", ["Enforce", "Warn", "Audit"]),
        ("change-set-exceeds-quota", ["Enforce", "Warn", "Audit"]),
        *((rule, ["every mode"]) for rule in ("tier-missing", "tier-invalid", "tier-in-use", "tier-assign")),
        ("namespace-protected", ["every mode"]),
        ("api-validation", ["every mode"]),
        ("unreadable", ["exit code 3"]),
    ],
)
def test_a_mode_is_named_only_where_it_matters(tiergate: Program, rule: str, modes: list[str]) -> None:
    (does,) = (line for line in tiergate("explain", rule).out.splitlines() if line.startswith("  does "))
    assert [one for one in ("Enforce", "Warn", "Audit", "every mode", "exit code 3") if one in does] == modes


def test_what_a_rule_is_of_comes_from_its_checks(tiergate: Program) -> None:
    said = {rule.id: tiergate("explain", rule.id).out for rule in RULES if rule.pod or rule.claim or rule.usage}
    assert "of       pods, and those of workloads" in said["limit-max"]
    assert "of       claims, and those of StatefulSets" in said["claim-max"]
    assert "beside what their namespace uses" in said["quota-exceeded"]


def test_the_sentence_is_the_registry_s_own(tiergate: Program) -> None:
    sentence = "limits.memory is 1Gi, the tier allows at most 512Mi; set limits.memory to 512Mi or less"
    assert sentence in tiergate("explain", "limit-max").out


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
