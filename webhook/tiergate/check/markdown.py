"""A report for the comments of a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tiergate.check.problems import problems
from tiergate.check.result import NamespaceResult, Report
from tiergate.check.text import Style, amount, summary

MOST_CHARACTERS: Final = 60_000
"""GitHub takes 65,536 characters in a comment."""
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|@~!])")


def render(report: Report) -> str:
    """Return the report; findings that do not fit are counted."""
    outcome = "fits" if not any(one.severity == "error" for one in problems(report)) else "does not fit"
    head = [f"### Tiergate: {outcome}", "", _text(summary(report, Style())), ""]
    tail = [line for namespace in report.namespaces for line in _namespace(namespace)]
    room = MOST_CHARACTERS - sum(len(line) + 1 for line in (*head, *tail))
    return "\n".join([*head, *_findings(report, room), *tail])[:MOST_CHARACTERS].rstrip() + "\n"


def _findings(report: Report, room: int) -> Iterator[str]:
    found = list(problems(report))
    if not found:
        return
    yield "| | where | what |"
    yield "|---|---|---|"
    for number, one in enumerate(found):
        sign = ":x:" if one.severity == "error" else ":warning:"
        line = f"| {sign} | {_text(one.path)}:{one.line} | {_text(one.said)} ({_text(one.rule)}) |"
        room -= len(line) + 1
        if room < 0:
            yield f"| | | and {len(found) - number} more |"
            break
        yield line
    yield ""


def _namespace(result: NamespaceResult) -> Iterator[str]:
    yield f"<details><summary>namespace {_text(result.name)} (tier {_text(result.tier)})</summary>"
    yield ""
    yield "| resource | in the end | at the peak | allowed |"
    yield "|---|---|---|---|"
    for one in result.sums:
        yield f"| {_text(one.resource)} | {amount(one, one.steady)} | {amount(one, one.peak)} | {one.hard} |"
    yield ""
    yield "</details>"
    yield ""


def _text(text: str) -> str:
    """Return text that Markdown shows as it is: no mentions, links, images or markup from manifests."""
    return _SPECIAL.sub(r"\\\1", text)
