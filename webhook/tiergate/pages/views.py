"""What each page shows: filtered and sorted as its URL says, and cut into pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from flask import Response, render_template, request

from tiergate.pages.as_json import as_json
from tiergate.pages.figures import TIGHT, FiguresOfLast, NamespaceRoom, TierTotals
from tiergate.pages.shown import ShownAnswer
from tiergate.pages.tables import Column, Query, table
from tiergate.pages.words import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tiergate.pages.shown import Shown

PageAnswer: TypeAlias = "str | Response | tuple[str, int]"

FEW: Final = 10
"""Rows of the lists on the first page that have a page of their own."""
MOST_BOUNDS: Final = 100
"""Bounds of a namespace that are listed: a tenant may have made many quotas of its own."""
MOST_TIERS: Final = 200
"""Tiers that a form offers."""
NO_PODS: Final = 2**63
"""Where namespaces are sorted by how many pods fit: those in which no quota counts any."""


def _share(name: str) -> Callable[[TierTotals], int]:
    def order(tier: TierTotals) -> int:
        bound = getattr(tier, name)
        return -1 if bound is None else int(bound.share)

    return order


def _pods(room: NamespaceRoom) -> int:
    return NO_PODS if room.pods is None else room.pods


TIERS: Final = (
    Column[TierTotals]("tier", "Tier", lambda one: one.name),
    Column[TierTotals]("namespaces", "Namespaces", lambda one: one.namespaces, down=True, number=True),
    Column[TierTotals]("cpu", "CPU", _share("cpu"), down=True),
    Column[TierTotals]("memory", "Memory", _share("memory"), down=True),
    Column[TierTotals]("pods", "Pods", _share("pods"), down=True),
    Column[TierTotals]("tight", "Namespaces with little room", lambda one: one.tight, down=True, number=True),
)
NAMESPACES: Final = (
    Column[NamespaceRoom]("namespace", "Namespace", lambda one: one.name),
    Column[NamespaceRoom]("tier", "Tier", lambda one: (one.tier, one.name)),
    Column[NamespaceRoom]("share", "Tightest bound", lambda one: one.share, down=True),
    Column[NamespaceRoom]("pods", "Default pods that fit", _pods, number=True),
)
REPORTS: Final = (
    Column[ShownAnswer]("object", "Object", lambda one: (one.kind, one.name)),
    Column[ShownAnswer]("namespace", "Namespace", lambda one: (one.namespace, one.name)),
    Column[ShownAnswer]("tier", "Tier", lambda one: (one.tier, one.namespace)),
    Column[ShownAnswer]("last", "Last", lambda one: one.latest, down=True),
    Column[ShownAnswer]("times", "Times", lambda one: one.count, down=True, number=True),
    Column[ShownAnswer]("rule", "Rule, what is wrong, and what would pass", lambda one: one.problems[0].rule),
)


class Views:
    """The pages by their path; one thread calls them."""

    def __init__(self, shown: Callable[[], Shown], now: Callable[[], datetime]) -> None:
        """Take what is shown and the time of day."""
        self._shown = shown
        self._now = now
        self._figures = FiguresOfLast()

    def paths(self) -> Mapping[str, Callable[..., PageAnswer]]:
        """Return the pages."""
        return {
            "/": self.overview,
            "/usage": self.usage,
            "/usage.json": self.usage_as_json,
            "/namespaces": self.namespaces,
            "/namespaces/<path:name>": self.namespace,
            "/tiers/<path:name>": self.tier,
            "/refusals": self.refusals,
            "/workloads": self.workloads,
        }

    def overview(self) -> PageAnswer:
        """Show the tiers, and the first of all other lists."""
        now, query = self._shown(), _query()
        figures = self._figures.of(now)
        tightest = sorted(figures.namespaces, key=lambda one: -one.share)[:FEW]
        return self._page(
            "overview.html",
            now,
            query,
            tiers=table(figures.tiers, TIERS, query, sort="tier"),
            tightest=[one for one in tightest if one.bounds],
            namespaces=len(figures.namespaces),
            tight=sum(one.tight for one in figures.tiers),
            refusals=now.refusals[:FEW],
            waiting=now.waiting[:FEW],
        )

    def usage(self) -> PageAnswer:
        """Show the first page, or the usage as JSON where that is preferred."""
        if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
            return self.usage_as_json()
        return self.overview()

    def usage_as_json(self) -> PageAnswer:
        """Return the same as JSON."""
        now = self._shown()
        return Response(as_json(now, self._figures.of(now), _query()), content_type="application/json")

    def namespaces(self) -> PageAnswer:
        """Show what is left in each namespace, or in those of a tier or with a name."""
        now, query = self._shown(), _query()
        figures = self._figures.of(now)
        tier, find = query["tier"], query["find"].lower()
        rows = [one for one in figures.namespaces if (not tier or one.tier == tier) and find in one.name]
        names = [one.name for one in figures.tiers[:MOST_TIERS]]
        return self._page(
            "namespaces.html", now, query, table=table(rows, NAMESPACES, query, sort="-share"), tiers=names
        )

    def namespace(self, name: str) -> PageAnswer:
        """Show all bounds of a namespace, and what this replica said of its objects."""
        now, query = self._shown(), _query()
        room = next((one for one in self._figures.of(now).namespaces if one.name == name), None)
        if room is None:
            return self.not_found()
        return self._page(
            "namespace.html",
            now,
            query,
            room=room,
            refusals=[one for one in now.refusals if one.namespace == name],
            waiting=[one for one in now.waiting if one.namespace == name],
        )

    def tier(self, name: str) -> PageAnswer:
        """Show the sums of a tier."""
        now, query = self._shown(), _query()
        figures = self._figures.of(now)
        tier = next((one for one in figures.tiers if one.name == name), None)
        if tier is None:
            return self.not_found()
        rows = [one for one in figures.namespaces if one.tier == name]
        return self._page("tier.html", now, query, tier=tier, table=table(rows, NAMESPACES, query, sort="-share"))

    def refusals(self) -> PageAnswer:
        """Show what this replica refused."""
        now, query = self._shown(), _query()
        return self._page("refusals.html", now, query, table=table(now.refusals, REPORTS, query, sort="-last"))

    def workloads(self) -> PageAnswer:
        """Show the workloads that wait."""
        now, query = self._shown(), _query()
        return self._page("workloads.html", now, query, table=table(now.waiting, REPORTS, query, sort="-last"))

    def not_found(self, _error: object = None) -> PageAnswer:
        """Say that there is no such page, namespace or tier."""
        return self._page("not_found.html", self._shown(), _query()), 404

    def _page(self, template: str, shown: Shown, query: Query, **values: Any) -> str:  # noqa: ANN401 - a template's
        now = self._now()
        age = (now - shown.looked).total_seconds()
        heard = None if shown.heard is None else seconds(shown.heard + age)
        return render_template(
            template,
            shown=shown,
            query=query,
            now=now,
            age=seconds(age),
            heard=heard,
            tight_from=TIGHT,
            most_bounds=MOST_BOUNDS,
            **values,
        )


def _query() -> Query:
    return Query(request.path, request.args)
