"""Facts for a Tier that is written or deleted: the namespaces that use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiergate.core.facts import facts_of_tier
from tiergate.server.endpoints.reading import Gatherer

if TYPE_CHECKING:
    from tiergate.admission.request import AdmissionRequest
    from tiergate.core.facts import Facts


class TierFacts(Gatherer):
    """Gathers the facts for ``/tiers``."""

    def facts(self, request: AdmissionRequest) -> Facts:
        """Return what the caches know."""
        return facts_of_tier(self._server(), members=self._state.namespaces_of(request.name))
