"""A report for the comments of a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tiergate.check.escaping import html_code, markdown_cell, markdown_code
from tiergate.check.problems import problems
from tiergate.check.result import NamespaceResult, Report
from tiergate.check.text import Style, amount, mode_note, summary
from tiergate.core.messages import brief

MOST_CHARACTERS: Final = 60_000
"""GitHub takes 65,536 characters in a comment."""


def render(report: Report) -> str:
    """Return the report; findings that do not fit are counted."""
    head = [f"### Tiergate: {_outcome(report)}", "", markdown_code(summary(report, Style())), ""]
    tail = [f"- {markdown_code(one.said)}" for one in report.unproved]
    tail += [""] if tail else []
    tail += [line for namespace in report.namespaces for line in _namespace(namespace)]
    room = MOST_CHARACTERS - sum(len(line) + 1 for line in (*head, *tail))
    text = "\n".join([*head, *_findings(report, room), *tail])
    if len(text) > MOST_CHARACTERS:  # a line that is cut could leave code open
        text = text[: text.rfind("\n", 0, MOST_CHARACTERS)]
    return text.rstrip() + "\n"


def _outcome(report: Report) -> str:
    """Return what can be said of all: that it fits where nothing else is."""
    severities = {one.severity for one in report.findings}
    refused = "does not fit" if "error" in severities else ""
    if report.unread:
        return f"{refused}, and not all could be read" if refused else "not all could be read"
    warned = "nothing would be refused, but there are warnings" if severities else ""
    unproved = report.unproved or any(one.unproved for one in report.namespaces)
    return refused or warned or ("not proved to fit" if unproved else "fits")


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
    tier = f"tier {html_code(result.tier)}{mode_note(result.mode)}"
    yield f"<details><summary>namespace {html_code(result.name)} ({tier})</summary>"
    yield ""
    quota = result.names_quotas
    yield f"|{' quota |' if quota else ''} resource | in the end | at the peak | allowed |"
    yield f"|{'---|' if quota else ''}---|---|---|---|"
    for one in result.sums:
        amounts = (amount(one, one.steady), amount(one, one.peak), brief(one.hard))
        name = f" {markdown_cell(one.quota)} |" if quota else ""
        yield f"|{name} {markdown_cell(one.resource)} | {' | '.join(amounts)} |"
    yield ""
    yield "</details>"
    yield ""
