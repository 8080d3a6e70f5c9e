"""Every word with which the product answers, refuses or reports: what docs/operate.md has to explain."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from typing import Final

import yaml

from tests.docs.values import CHART
from tiergate.cluster.events import EventReason
from tiergate.core.rules import RULES
from tiergate.metrics.recorder import ErrorReason
from tiergate.server.admission import Outcome
from tiergate.wire.tier_status import ConditionReason

ALERTS: Final = CHART / "files" / "alerts.yaml"
_FAULT: Final = re.compile(
    r'(?:append \$faults|\bfail) (?:\(printf )?"([^"]*[a-z]{3}[^"]*)"|^\{\{ printf "([^"]*: [^"]*)"', re.MULTILINE
)
"""A message in a template; what joins others has no words."""


def rules() -> set[str]:
    """Return the ids of the rules that refuse."""
    return {rule.id for rule in RULES if rule.effect == "deny"}


def reasons() -> set[str]:
    """Return the reasons of conditions and of Events."""
    return {*typing.get_args(ConditionReason), *typing.get_args(EventReason)}


def outcomes() -> set[str]:
    """Return what the review log and the metrics of reviews have: outcomes, and why there is no decision."""
    return {*typing.get_args(Outcome), *typing.get_args(ErrorReason)}


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
