"""The LimitRange of a governed namespace (`nativeLimitRange: true`): what differs from what should be."""

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec

from tiergate.controller.writes import Delete, Write
from tiergate.core.desired import UNSCOPED_NAME
from tiergate.core.native import LimitRange
from tiergate.core.tier import CONTAINER, LimitRangeItem, effective
from tiergate.wire.limitrange import write_limit_range

COLLECTION: Final = "limitranges"
NAME: Final = UNSCOPED_NAME
"""LimitRanges and ResourceQuotas of ours bear the same name."""


class Create(msgspec.Struct, frozen=True):
    """The LimitRange does not exist."""

    items: tuple[LimitRangeItem, ...]

    def write(self, *, namespace: str, tier: str) -> Write:
        """Return the request; for an object that does not exist there is no version to carry."""
        return Write("POST", COLLECTION, write_limit_range(NAME, self.items, namespace=namespace, tier=tier))


class Replace(msgspec.Struct, frozen=True):
    """The LimitRange is ours and says something else."""

    items: tuple[LimitRangeItem, ...]
    resource_version: str

    def write(self, *, namespace: str, tier: str) -> Write:
        """Return the request."""
        body = write_limit_range(
            NAME, self.items, namespace=namespace, tier=tier, resource_version=self.resource_version
        )
        return Write("PUT", f"{COLLECTION}/{NAME}", body)


Action: TypeAlias = Create | Replace | Delete


class Comparison(msgspec.Struct, frozen=True):
    """What a namespace has against what it should have.

    Attributes:
        actions: The writes that make it right.
        foreign: The LimitRange of our name is somebody else's.
        leftover: Names of LimitRanges of ours that are not wanted (any more); while they are there they refuse.
    """

    actions: tuple[Action, ...] = ()
    foreign: bool = False
    leftover: tuple[str, ...] = ()


def compare(items: tuple[LimitRangeItem, ...], existing: Iterable[LimitRange], *, tier: str) -> Comparison:
    """Compare the LimitRange a namespace should have, () for none, with those it has.

    As with quotas: without our labels nothing is touched, and one of our name that has lost one of them is repaired.
    """
    present = {one.name: one for one in existing}
    leftover = [one for one in present.values() if one.managed and (one.name != NAME or not items)]
    actions: list[Action] = [Delete(COLLECTION, one.name, one.resource_version) for one in leftover]
    names = tuple(one.name for one in leftover)
    found = present.get(NAME)
    if items and found is None:
        return Comparison((*actions, Create(items)), leftover=names)
    if items and found is not None:
        if not found.managed and not found.labelled:
            return Comparison(tuple(actions), foreign=True, leftover=names)
        if not found.managed or found.labelled != tier or _stored(items) != _stored(found.items):
            actions.append(Replace(items, found.resource_version))
    return Comparison(tuple(actions), leftover=names)


def _stored(items: Iterable[LimitRangeItem]) -> list[LimitRangeItem]:
    """Return items as the API server stores them: with derived defaults (L-1), which nobody has to write."""
    complete = (effective(item) if item.type == CONTAINER else item for item in items)
    return sorted(complete, key=lambda item: item.type)
