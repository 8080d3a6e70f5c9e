"""How far each namespace is with its tier's objects: compared once for each change, however often it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tiergate.controller.namespace_objects import (
    LIMITS,
    QUOTAS,
    Action,
    Comparison,
    Delete,
    compare,
    desired_limit_ranges,
)
from tiergate.core.desired import native_quotas

if TYPE_CHECKING:
    from tiergate.cluster.state import ClusterState
    from tiergate.core.handover import LimitRanges
    from tiergate.core.native import LimitRange
    from tiergate.core.quota import QuotaStatus
    from tiergate.core.tier import Tier


class Observation(msgspec.Struct, frozen=True):
    """A namespace's objects, and what they are against those that the tier (None: no tier) wants there."""

    tier: Tier | None
    existing_quotas: tuple[QuotaStatus, ...] = ()
    existing_limits: tuple[LimitRange, ...] = ()
    quotas: Comparison = Comparison()
    limits: Comparison = Comparison()
    handover: LimitRanges = "removed"

    @property
    def actions(self) -> tuple[Action, ...]:
        """The writes that are due, in order; each carries the resourceVersion that it was decided on."""
        return (*self.quotas.actions, *self.limits.actions)


def observe(
    tier: Tier | None,
    quotas: tuple[QuotaStatus, ...],
    limit_ranges: tuple[LimitRange, ...],
    handover: LimitRanges = "removed",
) -> Observation:
    """Compare the objects of a namespace with those of its tier.

    Args:
        tier: The tier in force, None for none.
        quotas: The ResourceQuotas of the namespace.
        limit_ranges: Its LimitRanges.
        handover: What becomes of LimitRanges that only a handover wants.
    """
    wanted_quotas = () if tier is None else native_quotas(tier)
    wanted_limits = () if tier is None else desired_limit_ranges(tier, handed_over=handover == "written")
    name = "" if tier is None else tier.name
    limits = compare(LIMITS, wanted_limits, limit_ranges, tier=name)
    if handover == "kept":
        actions = tuple(one for one in limits.actions if not isinstance(one, Delete))
        limits = msgspec.structs.replace(limits, actions=actions)
    return Observation(tier, quotas, limit_ranges, compare(QUOTAS, wanted_quotas, quotas, tier=name), limits, handover)


def is_covered(observation: Observation) -> bool:
    """Say whether Kubernetes' own engines would hold the namespace to all of its tier's limits and quotas."""
    of_both = (observation.quotas, observation.limits)
    return not any(one.waiting or one.foreign for one in of_both)


class Observations:
    """The latest observation of each namespace.

    ``handover`` is what becomes of LimitRanges that only a handover wants. It begins with ``kept``: nothing goes before
    it is known that nothing is handed over.
    """

    def __init__(self, state: ClusterState) -> None:
        """Take what is observed."""
        self._state = state
        self._latest: dict[str, Observation] = {}
        self.handover: LimitRanges = "kept"

    def of(self, namespace: str, tier: Tier | None) -> Observation:
        """Return how far the namespace is with a tier: the same value until one of its objects or the tier changes."""
        quotas, limit_ranges = self._state.quotas(namespace), self._state.limit_ranges(namespace)
        found = self._latest.get(namespace)
        if (
            found is None
            or found.existing_quotas is not quotas
            or found.existing_limits is not limit_ranges
            or found.tier != tier
            or found.handover != self.handover
        ):
            found = self._latest[namespace] = observe(tier, quotas, limit_ranges, self.handover)
        return found

    def forget(self, namespace: str) -> None:
        """Drop a namespace that is gone."""
        self._latest.pop(namespace, None)
