"""Facts for a Tier that is written or deleted: the namespaces that use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiergate.core.facts import Facts
from tiergate.server.endpoints.reading import Gatherer

if TYPE_CHECKING:
    from tiergate.admission.request import AdmissionRequest


class TierFacts(Gatherer):
    """Gathers the facts for ``/tiers``."""

    def facts(self, request: AdmissionRequest) -> Facts:
        """Return what the caches know."""
        return Facts(
            server=self._server(),
            release_namespace=self._release_namespace,
            members=self._state.namespaces_of(request.name),
        )
