"""A report for people: findings first, then the namespaces as bars, one line at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from tiergate.check.escaping import log_line
from tiergate.check.result import BoundSum, NamespaceResult, ObjectOutcome, ObjectResult, Report, ReportedFinding
from tiergate.core.messages import brief, shown
from tiergate.core.quantity import Quantity

BAR: Final = 20
"""Characters of a bar."""
_COLOURS: Final = {"red": "31", "yellow": "33", "green": "32", "bold": "1", "faint": "2"}
_OUTCOMES: Final[dict[ObjectOutcome, str]] = {"pass": "green", "fail": "red", "warning": "yellow", "unproved": "yellow"}


class Style(msgspec.Struct, frozen=True):
    """How much is said, and in which characters.

    ``quiet`` leaves out what is no finding, ``verbose`` adds what is well, ``defaults`` what the tiers set.
    """

    colour: bool = False
    unicode: bool = True
    quiet: bool = False
    verbose: bool = False
    defaults: bool = False

    def paint(self, text: str, colour: str) -> str:
        """Return the text in a colour, where there are colours."""
        return f"\033[{_COLOURS[colour]}m{text}\033[0m" if self.colour else text


def render(report: Report, style: Style) -> Iterator[str]:
    """Yield the lines."""
    return map(log_line, _lines(report, style))


def _lines(report: Report, style: Style) -> Iterator[str]:
    for one in report.unread:
        yield f"{style.paint('unreadable', 'red')}  {one}"
    for result in report.objects:
        yield from _object(result, style)
    for namespace in report.namespaces:
        yield from _namespace(namespace, style)
    if not style.quiet:
        yield from _unproved(report, style)
    yield summary(report, style)


def summary(report: Report, style: Style) -> str:
    """Return the last line."""
    counts = [(report.count(outcome), outcome, colour) for outcome, colour in _OUTCOMES.items()]
    said = [style.paint(f"{count} {what}", colour) if count else f"{count} {what}" for count, what, colour in counts]
    over, warned = ([one.name for one in report.namespaces if one.worst() == worst] for worst in ("error", "warning"))
    more = [
        *([f"{report.also_unproved} also unproved"] if report.also_unproved else []),
        *([style.paint(f"over quota: {', '.join(over)}", "red")] if over else []),
        *([style.paint(f"warnings of namespaces: {', '.join(warned)}", "yellow")] if warned else []),
        *([style.paint(f"{len(report.unread)} unreadable", "red")] if report.unread else []),
        *([f"{report.others} of other kinds"] if report.others else []),
    ]
    return "; ".join(
        [f"{_counted(len(report.objects), 'object')}, {_counted(report.files, 'file')}: {', '.join(said)}", *more]
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _object(result: ObjectResult, style: Style) -> Iterator[str]:
    outcome = result.outcome
    if result.findings or result.ignored or style.verbose or (style.defaults and result.defaults):
        where = f" in {result.namespace}" if result.namespace else ""
        of_tier = f" (tier {result.tier}{mode_note(result.mode)})" if result.tier else ""
        yield f"{style.paint(f'{outcome:<8}', _OUTCOMES[outcome])}  {result.kind} {result.name}{where}{of_tier}"
    for one in result.findings:
        yield from _finding(one, style, besides=outcome == "fail" and one.severity == "warning")
    if not style.quiet:
        for ignored in result.ignored:
            yield f"          {style.paint(f'ignored {ignored.rule}: {ignored.reason}', 'faint')}"
    if style.defaults:
        for default in result.defaults:
            yield f"          default {default.pointer} = {default.value}"
    if style.verbose and result.unproved:
        yield f"          unproved: {result.unproved}"


def mode_note(mode: str) -> str:
    """Return what follows the name of a tier that refuses nothing."""
    return "" if mode in ("", "Enforce") else f", {mode}"


def _finding(one: ReportedFinding, style: Style, *, besides: bool) -> Iterator[str]:
    """Yield a finding; one that is ``besides`` is not why the object fails."""
    yield f"          {style.paint('warning: ', 'yellow') if besides else ''}{one.message}"
    yield style.paint(f"          {one.path}:{one.line}:{one.column}  {one.rule}", "faint")


def _namespace(result: NamespaceResult, style: Style) -> Iterator[str]:
    if style.quiet and not result.findings:
        return
    sums = () if style.quiet else result.sums
    name = style.paint(f"namespace {result.name}", "red" if result.worst() == "error" else "bold")
    yield f"{name} (tier {result.tier}{mode_note(result.mode)})"
    if sums:
        widest = max(len(one.quota) for one in sums)
        names = [f"{one.quota:<{widest}}  {one.resource}" if result.names_quotas else one.resource for one in sums]
        width = max(map(len, names))
        amounts = [_amount(one) for one in sums]
        longest = max(map(len, amounts))
        for one, named, said in zip(sums, names, amounts, strict=True):
            peak = f"  peak {amount(one, one.peak)}" if one.peak != one.steady else ""
            yield f"  {named:<{width}}  {_bar(one, style)}  {said:<{longest}}{peak}".rstrip()
    for finding in result.findings:
        severity = style.paint(f"{finding.severity}:", "red" if finding.severity == "error" else "yellow")
        yield f"  {severity} {finding.message}"
        yield style.paint(f"  {finding.path}:{finding.line}:{finding.column}  {finding.rule}", "faint")
    if result.room and not style.quiet:
        yield f"  room left: {', '.join(f'{one.replicas} more of {one.object}' for one in result.room)}"


def amount(one: BoundSum, asked: Quantity) -> str:
    """Return an amount with what is used besides, as the bound spells it."""
    used = one.used.nano if one.used is not None else 0
    return shown(Quantity(asked.nano + used, one.hard.format), one.hard)


def _amount(one: BoundSum) -> str:
    besides = f" ({brief(one.used)} besides)" if one.used else ""
    return f"{amount(one, one.steady)} of {brief(one.hard)}{besides}"


def _bar(one: BoundSum, style: Style) -> str:
    """Return how much of the bound others use, the change set asks, and its peak needs."""
    hard = one.hard.nano or 1
    used = one.used.nano if one.used is not None else 0
    steps = [min(BAR, -(-BAR * amount // hard)) for amount in (used, used + one.steady.nano, used + one.peak.nano)]
    marks = "▓█▒░" if style.unicode else "=#+."
    pieces = [marks[0] * steps[0], marks[1] * (steps[1] - steps[0]), marks[2] * (steps[2] - steps[1])]
    text = "".join(pieces) + marks[3] * (BAR - steps[2])
    if used + one.steady.nano > one.hard.nano:
        return style.paint(text, "red")
    return style.paint(text, "yellow" if used + one.peak.nano > one.hard.nano else "green")


def _unproved(report: Report, style: Style) -> Iterator[str]:
    for one in report.unproved:
        yield f"{style.paint('unproved', 'yellow')}  {_counted(one.objects, 'object')}: {one.reason}"
