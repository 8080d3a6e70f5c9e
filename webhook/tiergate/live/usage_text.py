"""The usage of tiers for people: a bar for each bound, what differs, and what uses the most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from tiergate.core.messages import shown
from tiergate.core.quantity import Quantity
from tiergate.core.text import shortened
from tiergate.live.usage import BoundUsage, ClusterUsage, MemberUsage

BAR: Final = 20
"""Characters of a bar."""
WIDEST: Final = 20
"""Characters of an amount: 1e900 is one too."""
NEARLY: Final = 0.9
_COLOURS: Final = {"red": "31", "yellow": "33", "green": "32", "bold": "1"}


class TableStyle(msgspec.Struct, frozen=True):
    """In which characters."""

    colour: bool = False
    unicode: bool = True

    def paint(self, text: str, colour: str) -> str:
        """Return the text in a colour, where there are colours."""
        return f"\033[{_COLOURS[colour]}m{text}\033[0m" if self.colour else text


def render(usage: ClusterUsage, style: TableStyle, *, tier: str | None = None, empty: bool = True) -> Iterator[str]:
    """Yield the lines, of one tier where it is named; ``empty``: also of tiers without namespaces."""
    for of in usage.tiers:
        if tier not in (None, of.name) or not (of.namespaces or empty):
            continue
        count = f"{len(of.namespaces)} namespace{'' if len(of.namespaces) == 1 else 's'}"
        mode = "" if of.mode == "Enforce" else f", {of.mode}"
        yield style.paint(f"tier {shortened(of.name)}{mode}: {count}", "bold")
        for namespace in of.namespaces:
            yield from _namespace(namespace, style)


def _namespace(namespace: MemberUsage, style: TableStyle) -> Iterator[str]:
    yield f"  namespace {namespace.name}"
    if not namespace.bounds:
        yield "    no quota"
        return
    widths = [max(len(part(one)) for one in namespace.bounds) for part in (_quota, _resource, _amount)]
    for one in namespace.bounds:
        parts = [part(one).ljust(width) for part, width in zip((_quota, _resource, _amount), widths, strict=True)]
        note = _note(one)
        said = style.paint(f"  {note}", "red" if one.differs else "yellow") if note else ""
        yield f"    {parts[0]}  {parts[1]}  {_bar(one, style)}  {parts[2]}{said}".rstrip()
    if namespace.consumers:
        each = [
            f"{shortened(one.what)} {_shown(one.amount, one.amount)}{f' ({one.objects})' if one.objects > 1 else ''}"
            for one in namespace.consumers
        ]
        yield f"    most {namespace.consumers[0].resource}: {', '.join(each)}"


def _quota(one: BoundUsage) -> str:
    return shortened(one.quota, 40)


def _resource(one: BoundUsage) -> str:
    return shortened(one.resource, 60)


def _shown(amount: Quantity, like: Quantity) -> str:
    return shortened(shown(amount, like), WIDEST)


def _amount(one: BoundUsage) -> str:
    """Return what the quota reports where it does, as that is what it enforces."""
    amount = one.reported if one.reported is not None else one.real
    return f"{'?' if amount is None else _shown(amount, one.hard)} of {_shown(one.hard, one.hard)}"


def _note(one: BoundUsage) -> str:
    if one.differs and one.real is not None:
        return f"really {_shown(one.real, one.hard)}: the quota reports another sum"
    if not one.enforced:
        return "counted, not enforced"
    return ""


def _bar(one: BoundUsage, style: TableStyle) -> str:
    hard = one.hard.nano or 1
    steps = min(BAR, -(-BAR * one.used // hard))
    full, empty = "█░" if style.unicode else "#."
    share = one.used / hard
    colour = "red" if share > 1 or (share == 1 and one.hard.nano) else "yellow" if share >= NEARLY else "green"
    return style.paint(full * steps + empty * (BAR - steps), colour)
