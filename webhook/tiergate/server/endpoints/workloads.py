"""Facts for workloads and their ``scale``: those of pods and claims, and what their pods become and where they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod
from tiergate.core.tier import Tier
from tiergate.server.endpoints.objects import ObjectFacts
from tiergate.wire.kinds import SCALED

if TYPE_CHECKING:
    from tiergate.admission.request import AdmissionRequest
    from tiergate.core.decision import FactName
    from tiergate.core.facts import Facts, TierState
    from tiergate.core.quota import QuotaStatus
    from tiergate.core.workload_case import Around
    from tiergate.server.endpoints.reading import Deadline

NODES_WAIT: Final = 1.0
"""Seconds that the first DaemonSet waits until the nodes are known."""


class WorkloadFacts(ObjectFacts):
    """Gathers the facts for ``/workloads``."""

    def _around(self, request: AdmissionRequest) -> Around:
        return self._state.workloads.around(request.namespace)

    def _usage(self, request: AdmissionRequest, tier: TierState) -> tuple[QuotaStatus, ...] | None:
        if not isinstance(tier, Tier) or tier.is_native or tier.workloads == "Ignore":
            return None
        pods, claims = (self._state.usage(request.namespace, tier, kind) for kind in (Pod, Claim))
        return None if pods is None or claims is None else pods + claims

    async def fresh(self, request: AdmissionRequest, facts: Facts, needed: FactName, deadline: Deadline) -> Facts:
        """Return the facts with the one needed read live."""
        workloads, namespace, fresh = self._state.workloads, request.namespace, facts.fresh | {needed}
        match needed:
            case "nodes":
                await workloads.know_nodes(timeout=deadline.left_to_wait(NODES_WAIT))
                return msgspec.structs.replace(facts, around=workloads.around(namespace), fresh=fresh)
            case "workload":
                kind, left, peer = SCALED[request.resource], deadline.left(), deadline.peer
                scaled = await workloads.workload_now(kind, namespace, request.name, peer=peer, timeout=left)
                return msgspec.structs.replace(facts, scaled=scaled, fresh=fresh)
            case _:
                return await super().fresh(request, facts, needed, deadline)
