"""The catalogue fits the source: every step is where it is said to be, and every rule is there."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.catalogue import CATALOGUE
from tests.mutants.catalogue.ranges import RULES_OF, rule_lines
from tests.mutants.mutant import Missing, Mutant
from tests.mutants.rules import RULES
from tiergate.core import rules

IDS = [rule.id for rule in RULES]


@pytest.mark.parametrize("mutant", CATALOGUE, ids=lambda mutant: mutant.name)
def test_a_step_stands_once_in_its_module_and_leaves_python_behind(mutant: Mutant) -> None:
    source = mutant.path.read_text()
    changed = mutant.applied(source)
    assert changed != source
    assert ast.parse(changed).body


def test_steps_have_names_of_their_own() -> None:
    names = [mutant.name for mutant in CATALOGUE]
    assert len(names) == len(set(names))


def test_every_entry_of_rules_has_its_mutant() -> None:
    assert set(rule_lines()) == set(RULES_OF)
    assert len(rule_lines()) == len(rules.RULES)


def test_every_rule_is_implemented_or_left_out_and_not_both() -> None:
    assert len(IDS) == len(set(IDS))
    with_steps = {rule for mutant in CATALOGUE for rule in mutant.rules}
    assert with_steps == {rule.id for rule in RULES if not rule.left_out}


def test_a_step_that_is_not_there_is_an_error() -> None:
    mutant = Mutant(("Q-1",), "tiergate.core.rules", "nothing", "no such text", "")
    with pytest.raises(Missing, match="stands 0 times"):
        mutant.applied("some source")
