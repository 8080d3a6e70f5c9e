"""Functions of at most 40 lines without their docstring, files of at most 350."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
LINES_OF_A_FUNCTION: Final = 40
LINES_OF_A_FILE: Final = 350
FOLDERS: Final = ("webhook", "certs", "bench", "tests")


def sources(folder: str) -> Iterator[Path]:
    return (ROOT / folder).rglob("*.py")


def functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield functions and methods; one that is in a function counts as part of it."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node.body)


def long_functions(path: Path) -> Iterator[str]:
    for node in functions(ast.parse(path.read_bytes()).body):
        first = node.body[0]
        docstring = 0 if ast.get_docstring(node) is None else (first.end_lineno or 0) - first.lineno + 1
        lines = (node.end_lineno or 0) - node.lineno + 1 - docstring
        if lines > LINES_OF_A_FUNCTION:
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines"


@pytest.mark.parametrize("folder", [*FOLDERS[:-1], pytest.param("tests", marks=pytest.mark.slow)])
def test_functions_are_short(folder: str) -> None:
    assert [one for path in sources(folder) for one in long_functions(path)] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_files_are_short(folder: str) -> None:
    assert [path for path in sources(folder) if path.read_bytes().count(b"\n") > LINES_OF_A_FILE] == []
