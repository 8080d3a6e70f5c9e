"""The usage as JSON: the same as the pages show, in parts of bounded size."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tiergate.metrics.rows import UsageRow
    from tiergate.pages.figures import BoundFigures, Figures, TierTotals
    from tiergate.pages.shown import Shown, ShownAnswer
    from tiergate.pages.tables import Query

ROWS: Final = 500
"""Bounds in one answer: those of about 50 namespaces."""
MOST_TIERS: Final = 500
MOST_REPORTS: Final = 50
_PATH: Final = "/usage.json"


def as_json(now: Shown, figures: Figures, query: Query) -> bytes:
    """Return the part that a query asks for; ``next`` is the path of the next one, null after the last."""
    start = (query.page - 1) * ROWS
    part = list(islice(_rows(now, query), start, start + ROWS + 1))
    following = query.to(_PATH, tier=query["tier"], namespace=query["namespace"], page=str(query.page + 1))
    return msgspec.json.encode(
        {
            "taken": now.looked.isoformat(),
            "replica": now.replica,
            "heardSecondsBefore": now.heard,
            "stale": now.stale,
            "tiers": [_tier(one) for one in islice(_tiers(figures, query), MOST_TIERS)],
            "usage": [_row(row) for row in part[:ROWS]],
            "next": following if len(part) > ROWS else None,
            "refusals": [_report(one) for one in now.refusals[:MOST_REPORTS]],
            "waiting": [_report(one) for one in now.waiting[:MOST_REPORTS]],
        }
    )


def _tiers(figures: Figures, query: Query) -> Iterator[TierTotals]:
    return (one for one in figures.tiers if query["tier"] in ("", one.name))


def _rows(now: Shown, query: Query) -> Iterator[UsageRow]:
    tier, name = query["tier"], query["namespace"]
    for namespace in now.namespaces:
        if (not tier or namespace.tier == tier) and (not name or namespace.name == name):
            yield from namespace.rows


def _row(row: UsageRow) -> dict[str, Any]:
    return {
        "tier": row.tier,
        "namespace": row.namespace,
        "quota": row.quota,
        "resource": row.resource,
        "used": str(row.used),
        "hard": str(row.hard),
    }


def _tier(tier: TierTotals) -> dict[str, Any]:
    return {
        "tier": tier.name,
        "mode": tier.state.mode,
        "enforcing": tier.state.enforcing,
        "reason": tier.state.reason,
        "namespaces": tier.namespaces,
        "total": [_bound(one) for one in tier.bounds],
    }


def _bound(bound: BoundFigures) -> dict[str, str]:
    return {"quota": bound.quota, "resource": bound.resource, "used": str(bound.used), "hard": str(bound.hard)}


def _report(report: ShownAnswer) -> dict[str, Any]:
    return {
        "tier": report.tier,
        "namespace": report.namespace,
        "kind": report.kind,
        "name": report.name,
        "count": report.count,
        "first": report.first.isoformat(),
        "last": report.last.isoformat(),
        "problems": [{"rule": one.rule, "is": one.fact, "wouldPass": one.advice} for one in report.problems],
        "more": report.more,
    }
