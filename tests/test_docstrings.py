"""What a docstring names is there: exceptions by their names, and no class in the place of a verb."""

from __future__ import annotations

import builtins
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = {"webhook": ("webhook", "certs"), "certs": ("certs",)}
"""Each source root, and those whose exceptions it may raise."""
RAISES: Final = re.compile(r"^( *)Raises:\n((?:\1 +\S.*\n)+)", re.MULTILINE)


def texts(root: str) -> dict[Path, str]:
    return {path.relative_to(ROOT): path.read_text() for path in (ROOT / root).rglob("*.py")}


def raised(text: str) -> set[str]:
    """Return the exceptions that the docstrings of a module name."""
    lines = [line for _, section in RAISES.findall(text) for line in section.splitlines()]
    named = (re.match(r" *((?:msgspec\.)?[A-Z]\w+(?:, (?:msgspec\.)?[A-Z]\w+)*): ", line) for line in lines)
    return {name for found in named if found for name in found[1].split(", ")}


@pytest.mark.parametrize("root", PACKAGES)
def test_an_exception_that_a_docstring_names_can_be_raised_there(root: str) -> None:
    every = "".join(text for one in PACKAGES[root] for text in texts(one).values())
    ours = set(
        re.findall(
            r"^class (\w+)\((?:\w*Error|Exception|Unreachable|NotJson|Malformed|Refused)\):", every, re.MULTILINE
        )
    )
    assert "Outdated" in ours
    found = {
        f"{path}: {name}" for path, text in texts(root).items() for name in raised(text) - ours - set(dir(builtins))
    }
    assert {one for one in found if " msgspec." not in one} == set()


def test_no_class_stands_where_a_verb_does() -> None:
    """As a search and replace leaves it: "Probes the webhook" becomes "WebhookProbes the webhook"."""
    every = {**texts("webhook"), **texts("certs")}
    classes = "|".join(
        {name for text in every.values() for name in re.findall(r"^class ([A-Z][a-z]+[A-Z]\w+)", text, re.MULTILINE)}
    )
    wrong = re.compile(rf'(?:"""|: )(?:{classes}) (?:the|an?) ')
    assert {f"{path}: {one}" for path, text in every.items() for one in wrong.findall(text)} == set()
