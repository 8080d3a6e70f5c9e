"""What would change, for people: every text of a tenant made safe for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from tiergate.adopt.differences import applying
from tiergate.adopt.reading import Found
from tiergate.adopt.removal import Removal, removal
from tiergate.adopt.values import TOPICS, NewTier, Plan, Remark, Skipped
from tiergate.check.result import Report
from tiergate.core.messages import shown
from tiergate.core.text import shortened
from tiergate.wire.snapshot import Missing

MOST_NAMES: Final = 5
"""Namespaces that a line names."""
MOST_FINDINGS: Final = 100
"""Findings of a tier that are listed one by one."""
WIDEST: Final = 500
"""Characters of a remark: each object it names may have a long name."""
Item = TypeVar("Item")
Key = TypeVar("Key")


def render(plan: Plan, found: Found, report: Report) -> Iterator[str]:
    """Yield the lines."""
    yield _summary(plan, found)
    findings = _by_tier(report)
    for one in plan.tiers:
        yield ""
        yield from _tier(one, findings.get(one.tier.name, []))
    if plan.tiers:
        yield ""
        yield from _steps(plan)
    yield from _left_alone((*found.skipped, *plan.skipped))
    yield from _unread(found.missing)


def _line(form: str, *texts: str) -> str:
    return form.format(*(shortened(text, WIDEST) for text in texts))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _names(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _summary(plan: Plan, found: Found) -> str:
    joining = sum(len(one.members) for one in plan.tiers)
    alone = len(found.skipped) + len(plan.skipped)
    new = [one.tier.mode for one in plan.tiers if not one.exists]
    mode = f" ({len(new)} new, in mode {new[0]})" if new else ""
    return (
        f"{_count(joining, 'namespace')} for {_count(len(plan.tiers), 'tier')}{mode}, {alone} left alone, "
        f"{found.bare} without a LimitRange or ResourceQuota"
    )


def _grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    found: dict[Key, list[Item]] = {}
    for one in items:
        found.setdefault(key(one), []).append(one)
    return found


def _by_tier(report: Report) -> dict[str, list[str]]:
    """Return by tier what is found of objects, then of the sums of namespaces."""
    found: dict[str, list[str]] = {}
    for one in (finding for result in report.objects for finding in result.findings):
        word = "refused" if one.severity == "error" else "warning"
        found.setdefault(one.tier, []).append(f"{word}  {one.object} in {one.namespace}: {one.message}")
    for result in report.objects:
        if result.unproved:
            said = f"unproved  {result.kind} {result.name} in {result.namespace}: {result.unproved}"
            found.setdefault(result.tier, []).append(said)
    for namespace in report.namespaces:
        over = [one for one in namespace.sums if one.steady > one.hard]
        asked = "; ".join(f"{one.resource} {shown(one.steady, one.hard)} of {one.hard}" for one in over)
        if over:
            said = f"waiting  namespace {namespace.name}: what runs there asks {asked}; some of it waits, as today"
            found.setdefault(namespace.tier, []).append(shortened(said, WIDEST))
    return found


def _tier(one: NewTier, findings: Sequence[str]) -> Iterator[str]:
    there = f", which exists in mode {one.tier.mode}" if one.exists else ""
    yield f"tier {one.tier.name}{there}: {_count(len(one.members), 'namespace')}, {_names(one.namespaces)}"
    remarks: dict[Remark, list[str]] = {}
    for member in one.members:
        for remark in dict.fromkeys(member.remarks):
            remarks.setdefault(remark, []).append(member.namespace)
    for topic, heading in TOPICS.items():
        lines = [_remark(remark, names, one) for remark, names in remarks.items() if remark.topic == topic]
        if lines:
            yield f"  {heading}"
            yield from lines
    if findings:
        yield "  objects that stand there now, and what mode Enforce would say if they were created today"
        yield from (f"    {each}" for each in findings[:MOST_FINDINGS])
        if len(findings) > MOST_FINDINGS:
            yield f"    and {len(findings) - MOST_FINDINGS} more"
    yield "  what differs from the native objects, see docs/differences.md"
    yield from (_line("    {}", sentence) for sentence in applying(one.tier))


def _remark(remark: Remark, names: Sequence[str], one: NewTier) -> str:
    where = "" if len(names) == len(one.members) else f" [{_names(names)}]"
    laxer = "; the tier may admit what is refused today" if remark.laxer else ""
    return _line("    {}{}{}", remark.text, laxer, where)


def _steps(plan: Plan) -> Iterator[str]:
    """Yield the order in which there is no moment without a bound."""
    removals = [(member.namespace, removal(member.native, one.tier)) for one in plan.tiers for member in one.members]
    names = " ".join(one.tier.name for one in plan.tiers)
    enforces = any(one.tier.mode == "Enforce" for one in plan.tiers)
    refusing = (
        "tiers in mode Enforce refuse at once"
        if enforces
        else "nothing is refused that was not, warnings say what would be"
    )
    steps = (
        ("free the names that the tiers need for their own ResourceQuotas:", _loops(removals, lambda one: one.before)),
        (f"kubectl apply --server-side -f FILE: native objects stay in force, {refusing}", ()),
        ("change what would be refused, or the tiers", ()),
        ("let each tier refuse, and wait until its ResourceQuotas are in force:", _enforcing(names)),
        ("remove the native objects:", _loops(removals, lambda one: one.after)),
    )
    yield "in this order there is no moment without a bound"
    number = 0
    for heading, lines in steps:
        commands = tuple(lines)
        if commands or not heading.endswith(":"):
            number += 1
            yield f"  {number}. {heading}"
            yield from (f"     {line}" for line in commands)
    yield "  until then native quota is not exact under parallel creates, and LimitRanges set defaults first"
    notes = [(namespace, note) for namespace, one in removals for note in one.notes]
    for note, each in _grouped(notes, lambda one: one[1]).items():
        yield _line("  {} [{}]", note, _names([namespace for namespace, _ in each]))


def _enforcing(names: str) -> Iterator[str]:
    yield f"for t in {names}; do"
    yield """  kubectl patch tier $t --type=merge -p '{"spec":{"enforcement":"Enforce"}}'"""
    yield "  kubectl wait tier $t --for=condition=Enforcing --timeout=120s"
    yield "  kubectl wait tier $t --for=condition=Ready --timeout=120s"
    yield "done"


def _loops(removals: Sequence[tuple[str, Removal]], of: Callable[[Removal], tuple[str, ...]]) -> Iterator[str]:
    for commands, each in _grouped(removals, lambda one: of(one[1])).items():
        if commands:
            yield f"for n in {' '.join(namespace for namespace, _ in each)}; do"
            yield from (f"  {command}" for command in commands)
            yield "done"


def _unread(missing: Sequence[Missing]) -> Iterator[str]:
    """Yield one line for each kind, with the first reason: those of namespaces differ in their names alone."""
    for (kind, whole), each in _grouped(missing, lambda one: (one.kind, not one.namespace)).items():
        where = "" if whole else f" in {_names([one.namespace for one in each])}"
        yield _line("not read from the cluster  {} objects{}: {}", kind, where, each[0].reason)


def _left_alone(skipped: Sequence[Skipped]) -> Iterator[str]:
    if skipped:
        yield ""
        yield "left alone"
    for reason, each in _grouped(skipped, lambda one: one.reason).items():
        yield _line("  {}: {}", _names([one.namespace for one in each]), reason)
        for remark in dict.fromkeys(remark for one in each for remark in one.remarks):
            yield _line("    {}", remark.text)
