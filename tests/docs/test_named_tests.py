"""A test that a page names is there: a page of proofs that have gone would still look like one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.docs.test_links import DOCS
from tests.docs.values import ROOT

PAGES: Final = sorted(page for page in DOCS.rglob("*.md") if page.name != "rules.md")  # that one is made of the tests
_NAMED: Final = re.compile(r"(tests/[\w/]+\.py)::(\w+)")


def missing(page: Path) -> list[str]:
    """Return the tests that a page names and that do not exist."""
    return [
        f"{file}::{name}"
        for file, name in _NAMED.findall(page.read_text())
        if not (ROOT / file).exists() or f"def {name}(" not in (ROOT / file).read_text()
    ]


@pytest.mark.parametrize("page", [one for one in PAGES if _NAMED.search(one.read_text())], ids=lambda page: page.name)
def test_a_test_that_is_named_exists(page: Path) -> None:
    assert missing(page) == []


def test_a_test_that_has_gone_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`tests/docs/gone.py::test_a`, `tests/docs/test_links.py::test_gone`, `tests/docs/test_links.py::dead`"
    )
    assert missing(page) == ["tests/docs/gone.py::test_a", "tests/docs/test_links.py::test_gone"]
