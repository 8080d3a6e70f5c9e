"""Every implemented rule has a test that carries its id, and docs/contributing/rules.md says which."""

from __future__ import annotations

import pytest

from tests.rules.marked import by_rule, marks
from tests.rules.rules import RULES
from tests.rules.table import TABLE, rendered

MARKED = by_rule()


def test_ids_are_unique() -> None:
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))


def test_every_mark_names_an_implemented_rule() -> None:
    assert {rule: tests for rule, tests in MARKED.items() if rule not in _implemented()} == {}


def test_every_implemented_rule_has_a_test() -> None:
    assert sorted(_implemented() - MARKED.keys()) == []


def test_the_page_is_current() -> None:
    assert TABLE.read_text() == rendered(), "run `make docs`"


def test_marks_are_read_from_decorators() -> None:
    source = '@pytest.mark.helm\n@pytest.mark.rule("Q-1", "Q-2")\nasync def test_x(): ...\ndef test_y(): ...\n'
    assert list(marks(source)) == [("Q-1", "test_x"), ("Q-2", "test_x")]


def test_an_id_is_a_literal() -> None:
    with pytest.raises(ValueError, match="a literal text"):
        list(marks("@pytest.mark.rule(ID)\ndef test_x(): ...\n"))


def _implemented() -> set[str]:
    return {rule.id for rule in RULES if not rule.left_out}
