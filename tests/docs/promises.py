"""Every word with which the product answers, refuses or reports, as its source has them."""

from __future__ import annotations

import ast
import functools
import re
import typing
from collections.abc import Iterator
from typing import Final

import yaml

from tests.docs.values import CHART, ROOT
from tiergate.core.decision import RuleId
from tiergate.core.mode import MODES
from tiergate.process.bodies import Refused
from tiergate.server.admission import Outcome

WARNED: Final = frozenset(
    {
        "label-tier-missing",
        "label-tier-invalid",
        "label-tier-unchecked",
        "default-derived",
        "max-without-min",
        "devices-unbounded",
        "exemption-broad",
        "quota-unmeasured",
        "quota-requests-above-limits",
        "workload-rollout-stalls",
        "workload-unchecked",
    }
)
"""Rules that only ever warn."""
SOURCES: Final = ROOT / "webhook" / "tiergate"
ALERTS: Final = CHART / "files" / "alerts.yaml"
_FAULT: Final = re.compile(
    r'(?:append \$faults|\bfail) (?:\(printf )?"([^"]*[a-z]{3}[^"]*)"|^\{\{ printf "([^"]*: [^"]*)"', re.MULTILINE
)
"""A message in a template; what joins others has no words."""


def rules() -> set[str]:
    """Return the ids of the rules that refuse."""
    return set(typing.get_args(RuleId)) - WARNED


@functools.cache
def reasons() -> frozenset[str]:
    """Return every word that the product gives as ``reason=``: of conditions, Events, errors in log and metric."""
    return frozenset(text for path in SOURCES.rglob("*.py") for text in _reasons(ast.parse(path.read_text())))


def outcomes() -> set[str]:
    """Return the outcomes in the review log."""
    return set(typing.get_args(Outcome))


def refused_bodies() -> set[str]:
    """Return the reasons for which a request's body is refused."""
    return {one.reason for one in Refused.__subclasses__()}


def alerts() -> list[str]:
    """Return the names of the chart's alerts."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]


def value_faults() -> Iterator[list[str]]:
    """Yield the fixed parts of each message with which the chart's templates refuse values."""
    for path in sorted((CHART / "templates").rglob("*")):
        if path.is_file():
            for either, other in _FAULT.findall(path.read_text()):
                yield [part for part in re.split(r"\\n|%[a-z]", either or other) if part]


def _reasons(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg == "reason":
            yield from _texts(node.value)


def _texts(node: ast.expr) -> Iterator[str]:
    """Yield the words an expression can be: a text, one of two, or one with the mode in it."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from _texts(body)
            yield from _texts(other)
        case ast.JoinedStr(values=[ast.Constant(value=str() as text), ast.FormattedValue()]):
            yield from (f"{text}{mode}" for mode in MODES if mode != "Enforce")
        case _:  # passed on from a parameter: whoever calls that says the word
            return


def sections(page: str) -> dict[str, str]:
    """Return the text of each section of a page by its heading, that of its subsections left out."""
    parts = re.split(r"^(#{1,6} .*)$", page, flags=re.MULTILINE)
    return {heading.lstrip("# "): text for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


def first_cells(text: str) -> list[str]:
    """Return the first cell of each row of a table, without its head."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [row.split(" | ")[0].removeprefix("| ") for row in rows[1:]]


def words(text: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", text)
