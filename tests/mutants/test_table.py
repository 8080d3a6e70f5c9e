"""docs/rules.md names tests that exist and every rule."""

from __future__ import annotations

from tests.mutants.catalogue import CATALOGUE
from tests.mutants.rules import RULES
from tests.mutants.running import Outcome
from tests.mutants.table import TABLE, missing_tests, named_tests, written

PAGE = TABLE.read_text()


def test_every_rule_has_its_row() -> None:
    rows = [line.split(" | ")[0].removeprefix("| ") for line in PAGE.splitlines() if line.startswith("| ")]
    assert sorted(row for row in rows if row != "rule") == sorted(rule.id for rule in RULES)


def test_the_tests_it_names_exist() -> None:
    assert list(named_tests(PAGE))
    assert missing_tests(PAGE) == []


def test_every_implemented_rule_names_a_test() -> None:
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in PAGE.splitlines() if line.startswith("| ")}
    bare = [rule.id for rule in RULES if not rule.left_out and not list(named_tests(rows[rule.id]))]
    assert bare == []


def test_it_counts_the_steps_of_the_catalogue() -> None:
    """A step that was added or dropped asks for `make mutants`."""
    assert f"{len(CATALOGUE)} steps." in PAGE


def test_a_test_that_does_not_exist_is_found() -> None:
    here = "tests/mutants/test_table.py"
    page = f"`{here}::test_every_rule_has_its_row` `{here}::test_nothing` `tests/no.py::test_x[Q-1]`"
    assert missing_tests(page) == [f"{here}::test_nothing[]", "tests/no.py::test_x[Q-1]"]


def test_a_row_names_tests_with_the_rule_s_id_first() -> None:
    mutant = next(one for one in CATALOGUE if one.rules == ("Q-3",))
    killers = ("tests/core/a.py::test_b", "tests/core/a.py::test_c[Q-3-empty]")
    (row,) = [line for line in written([Outcome(mutant, killers)]).splitlines() if line.startswith("| Q-3 |")]
    assert [case for _, _, case in named_tests(row)] == ["Q-3-empty", ""]
