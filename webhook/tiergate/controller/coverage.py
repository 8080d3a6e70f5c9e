"""Which governed namespaces Kubernetes alone would not hold to their tier: none, before anything is handed over."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tiergate.cluster.resource import LIMIT_RANGES, NAMESPACES, RESOURCE_QUOTAS
from tiergate.controller.observations import is_covered, observe
from tiergate.core.tier import LABEL
from tiergate.wire.limitrange import read_limit_range
from tiergate.wire.quota import read_quota

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tiergate.cluster.api import Api
    from tiergate.cluster.state import ClusterState
    from tiergate.controller.observations import Observation, Observations
    from tiergate.core.native import LimitRange
    from tiergate.core.quota import QuotaStatus
    from tiergate.core.tier import Tier
    from tiergate.wire.namespace import Namespace

LIST_TIMEOUT: Final = 30.0


def uncovered(state: ClusterState, observations: Observations) -> list[str]:
    """Return the governed namespaces that the caches show without what their tier needs natively, sorted."""
    members = (state.namespace(name) for name in state.namespaces())
    return _uncovered(state, (one for one in members if one is not None), observations.of, state.limit_ranges)


async def uncovered_live(api: Api, state: ClusterState) -> list[str]:
    """Return the same of what the API server stores now; the tiers in force are those of the caches.

    Raises:
        ApiError, Unreachable: It is not known.
        ValueError: An object cannot be read.
    """
    quotas: defaultdict[str, list[QuotaStatus]] = defaultdict(list)
    limit_ranges: defaultdict[str, list[LimitRange]] = defaultdict(list)
    query = {"labelSelector": LABEL}
    for raw in await api.list(LIMIT_RANGES, query=query, timeout=LIST_TIMEOUT):
        limit_range = read_limit_range(raw)
        limit_ranges[limit_range.namespace].append(limit_range)
    for raw in await api.list(RESOURCE_QUOTAS, query=query, timeout=LIST_TIMEOUT):
        quota = read_quota(raw)
        quotas[quota.namespace].append(quota)
    members = [state.read_namespace(raw) for raw in await api.list(NAMESPACES, query=query, timeout=LIST_TIMEOUT)]

    def of(namespace: str, tier: Tier) -> Observation:
        return observe(tier, tuple(quotas[namespace]), tuple(limit_ranges[namespace]), "written")

    return _uncovered(state, members, of, lambda name: tuple(limit_ranges[name]))


def _uncovered(
    state: ClusterState,
    members: Iterable[Namespace],
    observation: Callable[[str, Tier], Observation],
    limit_ranges: Callable[[str], tuple[LimitRange, ...]],
) -> list[str]:
    found = []
    for one in members:
        if one.tier is None or one.deleting:
            continue
        tier = state.tier(one.tier)
        if tier is None:
            # Its pods are refused by the webhook alone, unless an earlier version of the tier left its bounds here.
            covered = any(each.managed and each.labelled == one.tier for each in limit_ranges(one.name))
        else:
            covered = is_covered(observation(one.name, tier))
        if not covered:
            found.append(one.name)
    return sorted(found)
