"""A report for the comments of a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tiergate.check.escaping import html_code, markdown_cell, markdown_code
from tiergate.check.problems import problems
from tiergate.check.result import NamespaceResult, Report
from tiergate.check.text import Style, amount, summary
from tiergate.core.messages import brief

MOST_CHARACTERS: Final = 60_000
"""GitHub takes 65,536 characters in a comment."""


def render(report: Report) -> str:
    """Return the report; findings that do not fit are counted."""
    outcome = "fits" if not any(one.severity == "error" for one in problems(report)) else "does not fit"
    head = [f"### Tiergate: {outcome}", "", markdown_code(summary(report, Style())), ""]
    tail = [f"- {markdown_code(one.said)}" for one in report.unproved]
    tail += [""] if tail else []
    tail += [line for namespace in report.namespaces for line in _namespace(namespace)]
    room = MOST_CHARACTERS - sum(len(line) + 1 for line in (*head, *tail))
    text = "\n".join([*head, *_findings(report, room), *tail])
    if len(text) > MOST_CHARACTERS:  # a line that is cut could leave code open
        text = text[: text.rfind("\n", 0, MOST_CHARACTERS)]
    return text.rstrip() + "\n"


def _findings(report: Report, room: int) -> Iterator[str]:
    found = list(problems(report))
    if not found:
        return
    yield "| | where | what |"
    yield "|---|---|---|"
    for number, one in enumerate(found):
        sign = ":x:" if one.severity == "error" else ":warning:"
        line = f"| {sign} | {markdown_cell(f'{one.path}:{one.line}')} | {markdown_cell(one.said)} ({one.rule}) |"
        room -= len(line) + 1
        if room < 0:
            yield f"| | | and {len(found) - number} more |"
            break
        yield line
    yield ""


def _namespace(result: NamespaceResult) -> Iterator[str]:
    yield f"<details><summary>namespace {html_code(result.name)} (tier {html_code(result.tier)})</summary>"
    yield ""
    yield "| resource | in the end | at the peak | allowed |"
    yield "|---|---|---|---|"
    for one in result.sums:
        amounts = (amount(one, one.steady), amount(one, one.peak), brief(one.hard))
        yield f"| {markdown_cell(one.resource)} | {' | '.join(amounts)} |"
    yield ""
    yield "</details>"
    yield ""
