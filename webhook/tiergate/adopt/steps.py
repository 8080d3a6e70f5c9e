"""The order of steps that leaves no namespace without bounds, by the commands that fit what is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tiergate.adopt.lines import grouped, line, listed
from tiergate.adopt.removal import Removal, removal
from tiergate.adopt.values import AdoptionPlan, NewTier
from tiergate.adopt.writing import Destination
from tiergate.core.tier import LABEL


def steps(plan: AdoptionPlan, written: Destination, home: str) -> Iterator[str]:
    """Yield the steps; ``home`` is the namespace of the release."""
    removals = [(member.namespace, removal(member.native, one.tier)) for one in plan.tiers for member in one.members]
    every = (
        ("free the names that the tiers need for their own ResourceQuotas:", _loops(removals, lambda one: one.before)),
        *_joining(plan, written, home),
        ("change what would be refused, or the tiers", ()),
        _enforcing(plan, written, home),
        ("remove the native objects:", _loops(removals, lambda one: one.after)),
    )
    yield "steps, in an order that leaves no namespace without bounds"
    number = 0
    for heading, lines in every:
        commands = tuple(lines)
        if commands or not heading.endswith(":"):
            number += 1
            yield f"  {number}. {heading}"
            yield from (f"     {command}" for command in commands)
    yield "  until then native quota is not exact under parallel creates, and LimitRanges set defaults first"
    notes = [(namespace, note) for namespace, one in removals for note in one.notes]
    for note, each in grouped(notes, lambda one: one[1]).items():
        yield line("  {} [{}]", note, listed([namespace for namespace, _ in each]))


def _joining(plan: AdoptionPlan, written: Destination, home: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield how the tiers come into being and the namespaces into them."""
    enforces = any(one.tier.mode == "Enforce" for one in plan.tiers)
    refusing = (
        "tiers in mode Enforce refuse at once"
        if enforces
        else "nothing more is refused than before, and warnings say what mode Enforce would refuse"
    )
    stay = f"native objects stay in force, {refusing}"
    new = [one.tier.name for one in plan.tiers if not one.exists]
    if written.output == "manifests":
        yield f"kubectl apply --server-side -f {written.file}: {stay}", ()
    elif written.output == "values":
        yield "create the tiers:", (_upgrade(written, home),)
        yield f"label the namespaces, which the chart does not change; {stay}:", tuple(map(_label, plan.tiers))
    else:
        if new:
            yield f"create the tiers, as -o manifests or -o values writes them: {listed(new)}", ()
        yield f"sh {written.file}: {stay}", ()


def _upgrade(written: Destination, home: str) -> str:
    return f"helm upgrade RELEASE CHART --namespace {home} --reuse-values --values {written.file}"


def _label(one: NewTier) -> str:
    return f"kubectl label namespace {' '.join(one.namespaces)} {LABEL}={one.tier.name}"


def _enforcing(plan: AdoptionPlan, written: Destination, home: str) -> tuple[str, tuple[str, ...]]:
    """Return how tiers come to refuse; those of a release by its values, else its next upgrade is a conflict."""
    until = "and wait until its ResourceQuotas are in force:"
    loop = f"for t in {' '.join(one.tier.name for one in plan.tiers)}; do"
    waits = (
        "  kubectl wait tier $t --for=condition=Ready --timeout=120s",
        "  kubectl wait tier $t --for=condition=Enforcing --timeout=120s",
        "done",
    )
    if written.output == "values":
        heading = f"set enforcement: Enforce in {written.file} for each tier, {until}"
        return heading, (_upgrade(written, home), loop, *waits)
    patch = """  kubectl patch tier $t --type=merge -p '{"spec":{"enforcement":"Enforce"}}'"""
    also = f", in {written.file} as well," if written.output == "manifests" else ","
    return f"set each tier to Enforce{also} {until}", (loop, patch, *waits)


def _loops(removals: Sequence[tuple[str, Removal]], of: Callable[[Removal], tuple[str, ...]]) -> Iterator[str]:
    for commands, each in grouped(removals, lambda one: of(one[1])).items():
        if commands:
            yield f"for n in {' '.join(namespace for namespace, _ in each)}; do"
            yield from (f"  {command}" for command in commands)
            yield "done"
