"""Facts for pods and claims: their namespace's tier and ResourceQuotas, and usage where there is no native quota."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.core.claim import Claim
from tiergate.core.facts import Facts
from tiergate.core.podspec import Pod
from tiergate.core.tier import Tier
from tiergate.core.workload_case import UNKNOWN
from tiergate.server.endpoints.reading import Gatherer, tier_in_force

if TYPE_CHECKING:
    from tiergate.admission.request import AdmissionRequest
    from tiergate.core.decision import FactName
    from tiergate.core.facts import TierState
    from tiergate.core.quota import QuotaStatus
    from tiergate.core.workload_case import Around
    from tiergate.server.endpoints.reading import Deadline

PENDING_WAIT: Final = 2.0
"""Seconds a pod waits for a quota of its tier to come into force in a young namespace."""


class ObjectFacts(Gatherer):
    """Gathers the facts for ``/mutate`` and ``/validate``."""

    def facts(self, request: AdmissionRequest) -> Facts:
        """Return what the caches know."""
        known = self._state.namespace(request.namespace)
        tier = self._state.tier(known.tier) if known is not None and known.tier else None
        return self._under(tier, request, frozenset())

    def _under(self, tier: TierState, request: AdmissionRequest, fresh: frozenset[FactName]) -> Facts:
        """Return what the caches know of the namespace, under its tier."""
        state = self._state
        trusted = not state.stale()
        return Facts(
            server=self._server(),
            release_namespace=self._release_namespace,
            tier=tier,
            quotas=state.quotas(request.namespace),
            usage=self._usage(request, tier) if trusted or "tier" in fresh else None,
            permitted=frozenset(),
            members=(),
            trusted=trusted,
            fresh=fresh,
            unread=frozenset(),
            waited=False,
            around=self._around(request),
            scaled=None,
        )

    def _around(self, request: AdmissionRequest) -> Around:  # noqa: ARG002
        """Return what is around a workload; a pod and a claim come with what they need."""
        return UNKNOWN

    def _usage(self, request: AdmissionRequest, tier: TierState) -> tuple[QuotaStatus, ...] | None:
        """Return the usage that native quota does not count, for a tier in mode Warn or Audit."""
        if not isinstance(tier, Tier) or tier.is_native or request.endpoint == "mutate":
            return None
        subject = request.subject
        if not isinstance(subject, (Pod, Claim)):
            return None
        return self._state.usage(request.namespace, tier, type(subject))

    async def fresh(self, request: AdmissionRequest, facts: Facts, needed: FactName, deadline: Deadline) -> Facts:
        """Return the facts with the one needed read live, or after a ResourceQuota changed."""
        namespace, fresh = request.namespace, facts.fresh | {needed}
        match needed:
            case "quota-change":
                return await self._after_change(namespace, facts, deadline)
            case "tier":
                tier = await self._tier(namespace, deadline)  # the rest anew: what the caches held may be outdated
                return self._under(tier, request, fresh)
            case "quotas":
                quotas = await self._state.quotas_now(namespace, peer=deadline.peer, timeout=deadline.left())
                return msgspec.structs.replace(facts, quotas=quotas, fresh=fresh)
            case _:
                return await super().fresh(request, facts, needed, deadline)

    async def _tier(self, namespace: str, deadline: Deadline) -> TierState:
        """Return the tier of a namespace; what the caches know is read live only where they may be behind."""
        state = self._state
        stale = state.stale()
        known = None if stale else state.namespace(namespace)
        if known is None or known.tier is None:
            known = await state.namespace_now(namespace, peer=deadline.peer, timeout=deadline.left())
        if known is None or known.tier is None:
            return None
        tier = None if stale else state.tier(known.tier)
        return tier or await tier_in_force(state, known.tier, deadline)

    async def _after_change(self, namespace: str, facts: Facts, deadline: Deadline) -> Facts:
        """Wait for a change of any ResourceQuota, until PENDING_WAIT after the review came; less if it has no time."""
        left = deadline.left_to_wait(PENDING_WAIT)
        if left > 0 and self._state.quotas(namespace) is facts.quotas:  # else it has changed already
            await self._state.quotas_changed(left)
        waited = deadline.left_to_wait(PENDING_WAIT) <= 0
        return msgspec.structs.replace(facts, quotas=self._state.quotas(namespace), waited=waited)
