"""Facts for a change of the tier label: what the user may do, and whether the new tier exists."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from tiergate.core.facts import facts_of_label
from tiergate.core.label_guard import touched
from tiergate.core.request import LabelChange
from tiergate.server.endpoints.reading import Gatherer, tier_in_force

if TYPE_CHECKING:
    from tiergate.admission.request import AdmissionRequest
    from tiergate.core.decision import FactName
    from tiergate.core.facts import Facts
    from tiergate.server.endpoints.reading import Deadline, Permissions, State


class LabelFacts(Gatherer):
    """Gathers the facts for ``/namespaces``."""

    def __init__(self, state: State, permissions: Permissions, *, release_namespace: str) -> None:
        """Take the state, who may assign tiers, and our own namespace."""
        super().__init__(state, release_namespace=release_namespace)
        self._permissions = permissions

    def facts(self, request: AdmissionRequest) -> Facts:
        """Return what the caches know."""
        change = request.subject
        after = change.after if isinstance(change, LabelChange) else None
        return facts_of_label(
            self._server(),
            release_namespace=self._release_namespace,
            tier=self._state.tier(after) if after else None,
            permitted=frozenset(),
            fresh=frozenset(),
        )

    async def fresh(self, request: AdmissionRequest, facts: Facts, needed: FactName, deadline: Deadline) -> Facts:
        """Return the facts with the permissions or the new tier read live."""
        change = request.subject
        assert isinstance(change, LabelChange)  # noqa: S101  # nothing else needs fresh facts here
        fresh = facts.fresh | {needed}
        match needed:
            case "permissions":
                permitted = await self._permitted(request, change, deadline)
                return msgspec.structs.replace(facts, permitted=permitted, fresh=fresh)
            case "tier":
                tier = await tier_in_force(self._state, change.after or "", deadline)
                return msgspec.structs.replace(facts, tier=tier, fresh=fresh)
            case _:
                return await super().fresh(request, facts, needed, deadline)

    async def _permitted(self, request: AdmissionRequest, change: LabelChange, deadline: Deadline) -> frozenset[str]:
        tiers = touched(change)
        ask = partial(self._permissions.may_assign, request.user_info, peer=deadline.peer, timeout=deadline.left())
        answers = await asyncio.gather(*map(ask, tiers))
        return frozenset(tier for tier, allowed in zip(tiers, answers, strict=True) if allowed)
