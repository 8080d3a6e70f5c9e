"""Nothing is kept for nobody."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SET: Final = re.compile(r"self\.(_\w+)(?:: [^=\n]+)? = ")


def is_read(name: str, text: str) -> bool:
    return re.search(rf"\.{name}\b(?!(?:: [^=\n]+)? = )", text) is not None


@pytest.mark.parametrize("folder", ["webhook", "certs"])
def test_a_private_attribute_that_is_set_is_read(folder: str) -> None:
    """Those of a base class are read by what derives from it, in the same folder."""
    unread = []
    for path in (ROOT / folder).rglob("*.py"):
        text = path.read_text()
        family = text if "(ABC)" not in text else "".join(other.read_text() for other in path.parent.rglob("*.py"))
        unread += [f"{path.relative_to(ROOT)}: {one}" for one in set(SET.findall(text)) if not is_read(one, family)]
    assert unread == []


def defined(module: ast.Module) -> Iterator[str]:
    """Yield the public names of a module."""
    for node in module.body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def used(module: ast.Module) -> Iterator[str]:
    """Yield what a module reads, imports, or names in a text, as whoever imports a module by its name does."""
    for node in ast.walk(module):
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield name
            case ast.Constant(value=str(text)):
                yield text


@pytest.mark.slow
def test_the_product_uses_what_it_defines() -> None:
    """What only tests need is theirs."""
    paths = [path for folder in ("webhook", "certs") for path in (ROOT / folder).rglob("*.py")]
    modules = [ast.parse(path.read_text()) for path in paths]
    scripts = re.findall(r":(\w+)\"", (ROOT / "pyproject.toml").read_text())
    wanted = {name for module in modules for name in used(module)} | set(scripts) | {"__all__"}
    assert {name for module in modules for name in defined(module)} - wanted == set()
