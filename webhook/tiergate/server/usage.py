"""The usage of governed namespaces, and what else the pages show, as immutable values."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from tiergate.core.default_pod import default_pods
from tiergate.core.quantity import ZERO
from tiergate.metrics.rows import UsageRow
from tiergate.pages.shown import Shown, ShownNamespace, ShownTier
from tiergate.wire.tier_status import ENFORCING, READY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tiergate.core.quota import QuotaStatus
    from tiergate.core.tier import Tier
    from tiergate.pages.shown import ShownAnswer
    from tiergate.server.journal import Journal
    from tiergate.server.state import ServerState
    from tiergate.wire.namespace import Namespace

AT_ONCE: Final = 200
"""Rows that are made anew before reviews get their turn: a change of a tier concerns all of its namespaces."""
MOST_ROWS: Final = 500
"""Of one namespace, the tier's own first: whoever may write ResourceQuotas can write thousands of many names each."""


class _Known(NamedTuple):
    """The usage of a namespace, and what it was made of."""

    tier: Tier | None
    quotas: tuple[QuotaStatus, ...]
    would_be: tuple[QuotaStatus, ...]
    usage: ShownNamespace


class UsageByNamespace:
    """Keeps the usage of each namespace until something of it changes: thousands are looked at every second."""

    def __init__(self, state: ServerState) -> None:
        """Take the state; nothing is read yet."""
        self._state = state
        self._known: dict[str, _Known] = {}

    async def namespaces(self) -> tuple[ShownNamespace, ...]:
        """Return all governed namespaces by tier and name; reviews are answered meanwhile.

        The quotas of a tier in mode Warn or Audit, which are no objects, are shown as they would be.
        """
        known: dict[str, _Known] = {}
        made = 0
        for namespace in self._state.governed():
            before = self._known.get(namespace.name)
            one = known[namespace.name] = self._of(namespace, before)
            made += 0 if one is before else 1 + len(one.usage.rows)
            if made >= AT_ONCE:
                made = 0
                await asyncio.sleep(0)
        self._known = known
        return tuple([one.usage for one in known.values()])

    def _of(self, namespace: Namespace, before: _Known | None) -> _Known:
        state, name, label = self._state, namespace.name, namespace.tier or ""
        tier, quotas, would_be = state.tier(label), state.quotas(name), state.would_be(namespace)
        if (
            before is not None
            and before.tier is tier
            and before.quotas is quotas
            and before.usage.tier == label
            and before.would_be == would_be
        ):
            return before
        every = (*quotas, *would_be)
        pods = None if tier is None else default_pods(tier, every, minor=state.minor())
        return _Known(tier, quotas, would_be, ShownNamespace(label, name, _rows(label, name, every), pods))


def rows_of(namespaces: Iterable[ShownNamespace]) -> tuple[UsageRow, ...]:
    """Return the rows of all namespaces."""
    return tuple(chain.from_iterable(one.rows for one in namespaces))


def _rows(tier: str, namespace: str, quotas: tuple[QuotaStatus, ...]) -> tuple[UsageRow, ...]:
    if sum(len(one.hard) for one in quotas) > MOST_ROWS:
        quotas = tuple(sorted(quotas, key=lambda one: not one.managed))
    return tuple(islice(_every_row(tier, namespace, quotas), MOST_ROWS))


def _every_row(tier: str, namespace: str, quotas: tuple[QuotaStatus, ...]) -> Iterator[UsageRow]:
    for quota in quotas:
        for resource, hard in sorted(quota.hard.items()):
            used = quota.used.get(resource, ZERO)
            yield UsageRow(tier, namespace, quota.name, resource, used, hard, of_tier=quota.managed)


class PagePublisher:
    """Makes what the pages show, in the event loop; only what changed is made anew."""

    def __init__(self, state: ServerState, journal: Journal, *, replica: str) -> None:
        """Take the state, the journal and the name of this replica."""
        self._state = state
        self._journal = journal
        self._replica = replica
        self._usage = UsageByNamespace(state)
        self._versions: tuple[str, ...] = ()
        self._changes = -1
        self._namespaces: tuple[ShownNamespace, ...] = ()
        self._tiers: tuple[ShownTier, ...] = ()
        self._reports: tuple[tuple[ShownAnswer, ...], tuple[ShownAnswer, ...]] = ((), ())
        self.shown = Shown(datetime.now(UTC), replica)

    async def look(self) -> bool:
        """Look at the state and the journal once; say whether the usage may have changed."""
        state, journal = self._state, self._journal
        changed = (versions := state.versions()) != self._versions
        if changed:
            self._namespaces = await self._usage.namespaces()
            self._tiers = tuple(tier_states(state))
            self._versions = versions  # those of before: what changed meanwhile is looked at next time
        journal.expire()
        if journal.changes != self._changes:
            self._changes = journal.changes
            self._reports = journal.refusals(), journal.waiting()
        refusals, waiting = self._reports
        now = time.monotonic()
        heard = None if state.unsynced() else max(cache.age(now=now) for cache in state.caches().values())
        self.shown = Shown(
            looked=datetime.now(UTC),
            replica=self._replica,
            heard=heard,
            stale=state.stale(),
            tiers=self._tiers,
            namespaces=self._namespaces,
            refusals=refusals,
            waiting=waiting,
        )
        return changed


def tier_states(state: ServerState) -> Iterator[ShownTier]:
    """Yield every tier that exists or is named by a namespace, by name."""
    records = state.tier_records()
    named = {namespace.tier for namespace in state.governed() if namespace.tier is not None}
    for name in sorted(named | records.keys()):
        tier, record = state.tier(name), records.get(name)
        if tier is None:
            yield ShownTier(name, reason="Invalid" if state.has_tier(name) else "no such tier")
            continue
        found = {} if record is None else {one.type: one for one in record.status.conditions}
        enforcing, ready = found.get(ENFORCING), found.get(READY)
        holds = enforcing is not None and enforcing.status == "True"
        told = ready if holds else enforcing
        yield ShownTier(name, tier.mode, holds, "" if told is None or told.status == "True" else told.reason)
