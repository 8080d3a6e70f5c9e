"""Facts for a Tier that is written or deleted: the namespaces that use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiergate.core.facts import Facts, Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiergate.admission.request import AdmissionRequest
    from tiergate.core.decision import FactName
    from tiergate.server.endpoints.reading import Deadline, State


class TierFacts:
    """Gathers the facts for ``/tiers``."""

    def __init__(self, state: State, *, release_namespace: str, wall_clock: Callable[[], float]) -> None:
        """Take the state, our own namespace, and the time in seconds since the epoch."""
        self._state = state
        self._release_namespace = release_namespace
        self._wall_clock = wall_clock

    def facts(self, request: AdmissionRequest) -> Facts:
        """Return what the caches know."""
        return Facts(
            server=Server(self._state.minor(), self._wall_clock()),
            release_namespace=self._release_namespace,
            members=self._state.namespaces_of(request.name),
        )

    async def fresh(
        self, _request: AdmissionRequest, facts: Facts, _needed: frozenset[FactName], _deadline: Deadline, /
    ) -> Facts:
        """Return the facts as they are: nothing here is read live."""
        return facts
