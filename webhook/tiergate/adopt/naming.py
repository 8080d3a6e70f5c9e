"""Names of new tiers: the same for the same cluster, and by nothing that a tenant may write freely."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from tiergate.adopt.quotas import unused
from tiergate.adopt.values import NativeBounds
from tiergate.core.naming import DNS_LABEL

_LABELS: Final = ("environment", "env", "stage", "tier", "part-of", "team", "tenant", "owner")
"""What the keys of labels end in that say what namespaces have in common, the best first."""


class BadName(ValueError):
    """A name that was asked for cannot be given; the text says why."""


def is_name(text: str) -> bool:
    """Say whether a namespace or a tier can have the name."""
    return not DNS_LABEL.fault(text)


def names(
    groups: Sequence[Sequence[NativeBounds]],
    wanted: Mapping[str, str],
    taken: Collection[str] = (),
    same: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """Return a name for each group of namespaces, in their order.

    Args:
        groups: Namespaces with the same bounds, each group sorted by name.
        wanted: The name of the tier of some namespaces.
        taken: Names of tiers that there are.
        same: For each group the tier that there is already with its bounds, "" where there is none.

    Raises:
        BadName: See its text.
    """
    if unknown := sorted(wanted.keys() - {one.namespace for group in groups for one in group}):
        msg = f"{unknown[0]} is not among the namespaces that are adopted"
        raise BadName(msg)
    there = same or [""] * len(groups)
    chosen = [_asked(group, wanted) or there[at] for at, group in enumerate(groups)]
    used = {*taken, *_once(one for one in chosen if one)}
    if clash := sorted({one for one, other in zip(chosen, there, strict=True) if one and one != other} & set(taken)):
        msg = f"a tier {clash[0]} exists already, with other bounds"
        raise BadName(msg)
    labels = _labels(groups)
    for at, group in enumerate(groups):
        if not chosen[at]:
            chosen[at] = unused(_proposed(group, labels), used)
            used.add(chosen[at])
    return tuple(chosen)


def _once(chosen: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for one in chosen:
        if one in found:
            msg = f"{one} is asked for as the name of two tiers: their namespaces have different bounds"
            raise BadName(msg)
        found.add(one)
    return found


def _asked(group: Sequence[NativeBounds], wanted: Mapping[str, str]) -> str:
    found = sorted({wanted[one.namespace] for one in group if one.namespace in wanted})
    if len(found) > 1:
        msg = f"{found[0]} and {found[1]} are asked for as names of one tier: their namespaces have the same bounds"
        raise BadName(msg)
    return found[0] if found else ""


def _labels(groups: Sequence[Sequence[NativeBounds]]) -> dict[tuple[str, str], int]:
    """Return in how many groups each label stands."""
    counts: dict[tuple[str, str], int] = {}
    for group in groups:
        for label in {label for one in group for label in one.labels.items()}:
            counts[label] = counts.get(label, 0) + 1
    return counts


def _proposed(group: Sequence[NativeBounds], labels: Mapping[tuple[str, str], int]) -> str:
    """Return the namespace of a group of one; else a label that these have and no others, what their names share."""
    first = group[0].namespace
    if len(group) == 1:
        return first
    shared = [label for label in group[0].labels.items() if all(label in one.labels.items() for one in group[1:])]
    good = sorted(
        (_LABELS.index(word), key, value)
        for key, value in shared
        if (word := key.rpartition("/")[2]) in _LABELS and labels[key, value] == 1 and is_name(value)
    )
    if good:
        return good[0][2]
    words = [one.namespace.split("-") for one in group]
    start = _common(words)
    end = _common([one[::-1] for one in words])[::-1]
    return "-".join(start or end) or first


def _common(words: Sequence[Sequence[str]]) -> list[str]:
    found: list[str] = []
    for each in zip(*words, strict=False):
        if len(set(each)) > 1:
            break
        found.append(each[0])
    return found
