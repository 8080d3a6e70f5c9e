"""Which tests carry which rule ids: ``@pytest.mark.rule("L-20", "Q-3")``, read from the source without running it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
_MARK: Final = "pytest.mark.rule"


def by_rule() -> dict[str, list[str]]:
    """Return for each rule id in use the tests that carry it, as ``tests/core/test_usage.py::test_x``, sorted."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        source = path.read_text()
        if _MARK in source:
            for rule, test in marks(source):
                found[rule].append(f"{path.relative_to(ROOT)}::{test}")
    return {rule: sorted(tests) for rule, tests in found.items()}


def marks(source: str) -> Iterator[tuple[str, str]]:
    """Yield (rule id, test) for each mark of a test; raise ValueError for an id that is not a literal text."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                yield from ((rule, node.name) for rule in _ids(decorator))


def _ids(decorator: ast.expr) -> Iterator[str]:
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) != _MARK:
        return
    for argument in decorator.args:
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            msg = f"a rule id is a literal text: {ast.unparse(decorator)}"
            raise ValueError(msg)  # noqa: TRY004 - a wrong text in a source, not a wrong argument
        yield argument.value
