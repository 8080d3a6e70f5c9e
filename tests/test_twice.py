"""No function stands twice, in tests as little as in the product: what two files need is in a third."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
FOLDERS: Final = ("webhook", "certs", "bench", "tests")
SHORT: Final = 180
"""Characters of a body that says little more than what it calls."""


def body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return what a function does, without its docstring and however it is laid out."""
    lines = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return "\n".join(ast.unparse(line) for line in lines)


@pytest.mark.slow
def test_no_function_stands_twice() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[body(node)].append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert [places for text, places in found.items() if len(places) > 1 and len(text) > SHORT] == []
