"""Links between the pages lead to files and headings that exist, and every page of docs/ is in its index."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

import pytest

from tests.docs.values import ROOT

DOCS: Final = ROOT / "docs"
PAGES: Final = sorted({*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "charts").rglob("*.md")})
_LINK: Final = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_DECISION: Final = re.compile(r"\bADR\s(\d+)")
NEVER_USED: Final = 22
_BLOCK: Final = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


@functools.cache
def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return _BLOCK.sub("", page.read_text())


@functools.cache
def anchors(page: Path) -> frozenset[str]:
    """Return what a link to a part of the page may name: headings as GitHub spells them, and ids of its own."""
    headings = re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE)
    spelled = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return frozenset(spelled | set(re.findall(r'<a id="([^"]+)">', page.read_text())))


def dead(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    found = []
    for path, anchor in _LINK.findall(prose(page)):
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            found.append(f"{path}#{anchor}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert dead(page) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A `b`, c\n[1](#a-b-c) [2](#gone) [3](none.md) [4](page.md#gone)\n```\n[5](none.md)\n```\n")
    assert dead(page) == ["#gone", "none.md#", "page.md#gone"]


def test_every_page_is_in_the_index() -> None:
    linked = {(DOCS / path).resolve() for path, _ in _LINK.findall(prose(DOCS / "README.md"))}
    pages = {page for page in PAGES if page.is_relative_to(DOCS) and page.parent.name != "adr"}
    assert sorted(str(page.relative_to(ROOT)) for page in pages - linked) == ["docs/README.md"]


def test_decisions_are_numbered_without_a_gap() -> None:
    """A number names a decision for good, so one that was never used stays free; what names one names one of these."""
    pages = sorted((DOCS / "adr").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == [number for number in range(1, len(pages) + 2) if number != NEVER_USED]
    assert [
        number for number, page in zip(numbers, pages, strict=True) if f"# {number}. " not in page.read_text()
    ] == []
    assert {int(number) for page in PAGES for number in _DECISION.findall(prose(page))} <= set(numbers)
