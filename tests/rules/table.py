"""docs/contributing/rules.md: the rules by area, and the tests that carry the id of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tests.rules.marked import ROOT, by_rule
from tests.rules.rules import RULES, Rule

TABLE: Final = ROOT / "docs" / "contributing" / "rules.md"

_INTRODUCTION: Final = """\
# Rules and their tests

For contributors: the rules of Kubernetes that Tiergate follows, and the tests that hold each. Written by `make docs`
from the marks of the tests, `@pytest.mark.rule("L-20")`. Tests, comments and [differences.md](../differences.md) name
a rule by its id: Q quantities, D defaulting and validation of pods, L LimitRanger, R ResourceQuota, A and X
admission, W workloads; a word is the id of a rule of our own. `make mutants` measures whether the tests notice a
change of the code (`tests/mutants`).

Of {total} rules {implemented} are implemented; for each of the others the table says why there is nothing to implement.
"""


def rendered() -> str:
    """Return the whole page."""
    return "\n".join(_parts(by_rule()))


def _parts(tests: Mapping[str, list[str]]) -> Iterator[str]:
    yield _INTRODUCTION.format(total=len(RULES), implemented=sum(not rule.left_out for rule in RULES))
    for area in dict.fromkeys(rule.area for rule in RULES):
        rules = [rule for rule in RULES if rule.area == area]
        yield f"## {area}\n\n| rule | says | tests |\n|---|---|---|"
        yield from (_implemented(rule, tests.get(rule.id, [])) for rule in rules if not rule.left_out)
        if left_out := [rule for rule in rules if rule.left_out]:
            yield "\nNothing to implement:\n\n| rule | says | why |\n|---|---|---|"
            yield from (f"| {rule.id} | {rule.says} | {rule.left_out} |" for rule in left_out)
        yield ""


def _implemented(rule: Rule, tests: list[str]) -> str:
    return f"| {rule.id} | {rule.says} | {'<br>'.join(f'`{test}`' for test in tests)} |"
