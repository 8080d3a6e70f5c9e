"""Figures of the pages, from the usage of namespaces: what is left, what is tightest, and totals of the tiers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.core.desired import UNSCOPED_NAME
from tiergate.core.messages import brief, shown
from tiergate.core.quantity import Quantity
from tiergate.metrics.rows import UsageRow
from tiergate.pages.shown import Shown, ShownNamespace, ShownTier

if TYPE_CHECKING:
    from collections.abc import Iterable

FULL: Final = 100
TIGHT: Final = 90
"""Percent of a bound from which people should look at it."""
AT_ONCE: Final = 50
"""Namespaces that are added up before reviews get their turn: this thread and theirs share one interpreter."""
_CPU: Final = ("requests.cpu", "cpu", "limits.cpu")
_MEMORY: Final = ("requests.memory", "memory", "limits.memory")
_PODS: Final = ("pods", "count/pods")


class BoundFigures(msgspec.Struct, frozen=True):
    """One bound of a quota, of a namespace or added up for a tier; ``share`` is what is used of it in percent."""

    quota: str
    resource: str
    used: Quantity
    hard: Quantity

    @property
    def share(self) -> int:
        """Percent, rounded down; a bound of 0, which forbids a resource, is full only where something is used of it."""
        if not self.hard.nano:
            return FULL if self.used.nano else 0
        return FULL * self.used.nano // self.hard.nano

    @property
    def used_text(self) -> str:
        """What is used, in the unit of the bound."""
        return shown(self.used, self.hard, up=True)

    @property
    def hard_text(self) -> str:
        """The bound; one of very many digits is rounded."""
        return brief(self.hard)

    @property
    def left_text(self) -> str:
        """What is left, in the unit of the bound; what is above the bound is not less than nothing."""
        return shown(Quantity(max(self.hard.nano - self.used.nano, 0), self.hard.format), self.hard, up=False)

    @property
    def level(self) -> str:
        """How urgent it is, in one word, "" where it is not."""
        return "full" if self.share >= FULL else "tight" if self.share >= TIGHT else ""


class NamespaceRoom(msgspec.Struct, frozen=True):
    """What is left in a namespace: all bounds, the tightest first; ``pods`` as of `ShownNamespace`."""

    tier: str
    name: str
    bounds: tuple[BoundFigures, ...]
    pods: int | None

    @property
    def tightest(self) -> BoundFigures | None:
        """The bound of which the largest share is used."""
        return self.bounds[0] if self.bounds else None

    @property
    def share(self) -> int:
        """The share of the tightest bound; -1 where there is none."""
        return self.bounds[0].share if self.bounds else -1


class TierTotals(msgspec.Struct, frozen=True):
    """A tier with the sums over its namespaces, the tightest first; ``tight`` namespaces have little room left."""

    state: ShownTier
    namespaces: int
    tight: int
    bounds: tuple[BoundFigures, ...]

    @property
    def name(self) -> str:
        """The name of the tier."""
        return self.state.name

    @property
    def cpu(self) -> BoundFigures | None:
        """CPU: requests where they are bounded, else limits."""
        return self._first(_CPU)

    @property
    def memory(self) -> BoundFigures | None:
        """Memory likewise."""
        return self._first(_MEMORY)

    @property
    def pods(self) -> BoundFigures | None:
        """The number of pods."""
        return self._first(_PODS)

    def _first(self, names: tuple[str, ...]) -> BoundFigures | None:
        own = {one.resource: one for one in self.bounds if one.quota == UNSCOPED_NAME}
        return next((own[name] for name in names if name in own), None)


class Figures(msgspec.Struct, frozen=True):
    """Namespaces by tier and name, and tiers by name."""

    namespaces: tuple[NamespaceRoom, ...]
    tiers: tuple[TierTotals, ...]


class FiguresOfLast:
    """Works out the figures once for each state of the usage; used by the one thread of the pages."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._rooms: dict[str, tuple[ShownNamespace, NamespaceRoom]] = {}
        self._of: tuple[object, object] | None = None
        self._figures = Figures((), ())

    def of(self, now: Shown) -> Figures:
        """Return the figures."""
        if self._of is None or self._of[0] is not now.namespaces or self._of[1] is not now.tiers:
            self._figures = self._work_out(now)
            self._of = now.namespaces, now.tiers
        return self._figures

    def _work_out(self, now: Shown) -> Figures:
        before, self._rooms = self._rooms, {}
        rooms: list[NamespaceRoom] = []
        sums: dict[str, _Sums] = {}
        for count, usage in enumerate(now.namespaces, start=1):
            known = before.get(usage.name)
            room = known[1] if known is not None and known[0] is usage else _room(usage)
            self._rooms[usage.name] = usage, room
            rooms.append(room)
            sums.setdefault(usage.tier, _Sums()).add(room, usage.rows)
            if count % AT_ONCE == 0:
                time.sleep(0)
        states = {state.name: state for state in now.tiers}
        names = sorted(states.keys() | sums.keys())
        totals = [sums.get(name, _Sums()).totals(states.get(name, ShownTier(name))) for name in names]
        return Figures(tuple(rooms), tuple(totals))


class _Sums:
    """What the namespaces of one tier use, as plain numbers."""

    def __init__(self) -> None:
        self._namespaces = self._tight = 0
        self._bounds: dict[tuple[str, str], list[int]] = {}
        self._like: dict[tuple[str, str], UsageRow] = {}

    def add(self, room: NamespaceRoom, rows: Iterable[UsageRow]) -> None:
        """Add a namespace: the tier's own quotas, as those of somebody else have nothing in common."""
        self._namespaces += 1
        self._tight += room.share >= TIGHT
        for row in rows:
            if not row.of_tier:  # of which a tenant may make as many as it likes, each with a name of its own
                continue
            key = row.quota, row.resource
            if (found := self._bounds.get(key)) is None:
                self._bounds[key] = [row.used.nano, row.hard.nano]
                self._like[key] = row
            else:
                found[0] += row.used.nano
                found[1] += row.hard.nano

    def totals(self, state: ShownTier) -> TierTotals:
        """Return the sums."""
        bounds = []
        for (quota, resource), (used, hard) in self._bounds.items():
            unit = self._like[quota, resource].hard.format
            bounds.append(BoundFigures(quota, resource, Quantity(used, unit), Quantity(hard, unit)))
        return TierTotals(state, self._namespaces, self._tight, _tightest_first(bounds))


def _room(usage: ShownNamespace) -> NamespaceRoom:
    bounds = [BoundFigures(row.quota, row.resource, row.used, row.hard) for row in usage.rows]
    return NamespaceRoom(usage.tier, usage.name, _tightest_first(bounds), usage.pods)


def _tightest_first(bounds: list[BoundFigures]) -> tuple[BoundFigures, ...]:
    return tuple(sorted(bounds, key=lambda one: (-one.share, not one.hard.nano, one.resource, one.quota)))
