"""What would change, for people: every text of a tenant made safe for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tiergate.adopt.differences import applying
from tiergate.adopt.lines import grouped, line, listed
from tiergate.adopt.reading import Found
from tiergate.adopt.standing import Judged
from tiergate.adopt.steps import steps
from tiergate.adopt.values import TOPICS, AdoptionPlan, NewTier, Remark, Skipped
from tiergate.adopt.writing import Written
from tiergate.wire.snapshot import Missing


def render(
    plan: AdoptionPlan, found: Found, judged: Mapping[str, Judged], *, written: Written, home: str
) -> Iterator[str]:
    """Yield the lines; ``written`` is what is written beside the report, ``home`` the namespace of the release."""
    yield _summary(plan, found)
    for one in plan.tiers:
        yield ""
        yield from _tier(one, judged.get(one.tier.name) or Judged())
    if plan.tiers:
        yield ""
        yield from steps(plan, written, home)
    yield from _left_alone((*found.skipped, *plan.skipped))
    yield from _unread(found.missing)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _summary(plan: AdoptionPlan, found: Found) -> str:
    joining = sum(len(one.members) for one in plan.tiers)
    alone = len(found.skipped) + len(plan.skipped)
    new = [one.tier.mode for one in plan.tiers if not one.exists]
    mode = f" ({len(new)} new, in mode {new[0]})" if new else ""
    return (
        f"{_count(joining, 'namespace')} for {_count(len(plan.tiers), 'tier')}{mode}, {alone} left alone, "
        f"{found.bare} without a LimitRange or ResourceQuota"
    )


def _tier(one: NewTier, judged: Judged) -> Iterator[str]:
    there = f", which exists in mode {one.tier.mode}" if one.exists else ""
    yield f"tier {one.tier.name}{there}: {_count(len(one.members), 'namespace')}, {listed(one.namespaces)}"
    remarks: dict[Remark, list[str]] = {}
    for member in one.members:
        for remark in dict.fromkeys(member.remarks):
            remarks.setdefault(remark, []).append(member.namespace)
    for topic, heading in TOPICS.items():
        lines = [_remark(remark, names, one) for remark, names in remarks.items() if remark.topic == topic]
        if lines:
            yield f"  {heading}"
            yield from lines
    if judged.lines:
        yield "  existing objects, and what mode Enforce would say if they were created today"
        yield from (f"    {each}" for each in judged.lines)
        if judged.more:
            yield f"    and {judged.more} more"
    yield "  what differs from the native objects, see docs/differences.md"
    yield from (line("    {}", sentence) for sentence in applying(one.tier))


def _remark(remark: Remark, names: Sequence[str], one: NewTier) -> str:
    where = "" if len(names) == len(one.members) else f" [{listed(names)}]"
    laxer = "; the tier may admit what is refused today" if remark.laxer else ""
    return line("    {}{}{}", remark.text, laxer, where)


def _unread(missing: Sequence[Missing]) -> Iterator[str]:
    """Yield one line for each kind, with the first reason: those of namespaces differ in their names alone."""
    for (kind, whole), each in grouped(missing, lambda one: (one.kind, not one.namespace)).items():
        where = "" if whole else f" in {listed([one.namespace for one in each])}"
        yield line("not read from the cluster  {} objects{}: {}", kind, where, each[0].reason)


def _left_alone(skipped: Sequence[Skipped]) -> Iterator[str]:
    if skipped:
        yield ""
        yield "left alone"
    for reason, each in grouped(skipped, lambda one: one.reason).items():
        yield line("  {}: {}", listed([one.namespace for one in each]), reason)
        for remark in dict.fromkeys(remark for one in each for remark in one.remarks):
            yield line("    {}", remark.text)
