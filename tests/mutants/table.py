"""docs/rules.md: rule ids, where each is implemented, and the tests that notice when a step is taken out."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.rules import RULES, Rule
from tests.mutants.running import Outcome

TABLE: Final = ROOT / "docs" / "rules.md"
NAMED: Final = 3
"""How many tests a row names at most."""

_INTRODUCTION: Final = """\
# Rules and their tests

Written by `make mutants`, which takes out each step of the engine below, one at a time, and runs the tests: every
removal must fail one. The ids are those by which tests, comments and [differences.md](differences.md) name a rule: Q
quantities, D defaulting and validation of pods, L LimitRanger, R ResourceQuota, A and X admission; words are rules of
our own.

{counts}
"""
_ROW: Final = re.compile(r"`(tests/[\w/]+\.py)::(\w+)(?:\[(.+?)\])?`")


def written(outcomes: Sequence[Outcome]) -> str:
    """Return the whole page."""
    by_rule: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for rule in outcome.mutant.rules:
            by_rule[rule].append(outcome)
    counts = (
        f"{len(RULES)} rules, {sum(not rule.left_out for rule in RULES)} of them implemented; {len(outcomes)} steps."
    )
    parts = [_INTRODUCTION.format(counts=counts)]
    for area in dict.fromkeys(rule.area for rule in RULES):
        rules = [rule for rule in RULES if rule.area == area]
        parts.append(f"## {area}\n")
        parts.append("| rule | says | where | steps | tests that notice |\n|---|---|---|---|---|")
        parts += [_implemented(rule, by_rule[rule.id]) for rule in rules if not rule.left_out]
        if left_out := [rule for rule in rules if rule.left_out]:
            parts.append("\nNot taken out:\n\n| rule | says | why |\n|---|---|---|")
            parts += [f"| {rule.id} | {rule.says} | {rule.left_out} |" for rule in left_out]
        parts.append("")
    return "\n".join(parts)


def _implemented(rule: Rule, outcomes: Sequence[Outcome]) -> str:
    modules = sorted({_module(outcome.mutant) for outcome in outcomes})
    tests = _most_telling(rule, [test for outcome in outcomes for test in outcome.killers])
    cells = (rule.id, rule.says, ", ".join(modules), str(len(outcomes)), "<br>".join(f"`{test}`" for test in tests))
    return f"| {' | '.join(cells)} |"


def _module(mutant: Mutant) -> str:
    return f"`{mutant.path.relative_to(ROOT / 'webhook' / 'tiergate')}`"


def _most_telling(rule: Rule, tests: Iterable[str]) -> list[str]:
    """Return the first tests, those that carry the rule's id in their name before others."""
    distinct = sorted(set(tests), key=lambda test: (f"[{rule.id}-" not in test, test))
    return distinct[:NAMED]


def named_tests(page: str) -> Iterator[tuple[str, str, str]]:
    """Yield (file, function, case or "") of each test that the page names."""
    for match in _ROW.finditer(page):
        yield match[1], match[2], match[3] or ""


def missing_tests(page: str) -> list[str]:
    """Return the tests that the page names and that do not exist."""
    return sorted(
        {f"{file}::{name}[{case}]" for file, name, case in named_tests(page) if not _exists(file, name, case)}
    )


def _exists(file: str, name: str, case: str) -> bool:
    path = ROOT / file
    return path.is_file() and name in _functions(path) and (not case or _has_case(path, case))


@cache
def _functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _has_case(path: Path, case: str) -> bool:
    """Say whether a case is written in the file; one whose name is computed has at least its words there."""
    text = path.read_text()
    return case in text or all(word in text for word in re.findall(r"[A-Za-z]{3,}", case))
