"""In which governed namespaces Kubernetes alone would not enforce the tier, and why: a handover excludes them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, TypeVar

from tiergate.cluster.errors import in_words
from tiergate.cluster.meta import read_meta
from tiergate.cluster.resource import LIMIT_RANGES, NAMESPACES, RESOURCE_QUOTAS
from tiergate.controller.observations import is_covered, observe
from tiergate.core.desired import UNSCOPED_NAME, native_quotas
from tiergate.core.text import shortened
from tiergate.core.tier import LABEL
from tiergate.wire.limitrange import read_limit_range
from tiergate.wire.quota import read_quota

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import msgspec

    from tiergate.cluster.api import Api
    from tiergate.cluster.resource import Resource
    from tiergate.cluster.state import ClusterState
    from tiergate.controller.observations import Observation, Observations
    from tiergate.core.native import LimitRange
    from tiergate.core.tier import Tier
    from tiergate.wire.namespace import Namespace

T = TypeVar("T")
GOVERNED: Final = {"labelSelector": LABEL}
UNCOVERED: Final = "its ResourceQuotas or its LimitRange are not as the tier says"


def uncovered(state: ClusterState, observations: Observations) -> dict[str, str]:
    """Return the governed namespaces that the caches show without what their tier needs natively, and why, sorted."""
    members = (state.namespace(name) for name in state.namespaces())
    missing = _uncovered(state, (one for one in members if one is not None), observations.of, state.limit_ranges)
    return {name: _fault(state, name) or reason for name, reason in missing.items()}


def _fault(state: ClusterState, namespace: str) -> str:
    for resource in (LIMIT_RANGES, RESOURCE_QUOTAS):
        if fault := state.fault(resource, namespace, UNSCOPED_NAME):
            return unreadable(resource, UNSCOPED_NAME, f"{fault.pointer}: {fault.reason}")
    return ""


async def uncovered_live(api: Api, state: ClusterState) -> dict[str, str]:
    """Return the same of what the API server stores now; the tiers in force are those of the caches.

    Only objects of the names that we give are read, one of each name in a namespace: what else a tenant creates, and
    how much of it, is of no matter. What cannot be read is a fault of its namespace.

    Raises:
        ApiError, Unreachable: It is not known.
    """
    faults: dict[str, str] = {}
    limit_ranges = await _stored(api, LIMIT_RANGES, {UNSCOPED_NAME}, read_limit_range.stored, faults)
    names = {one.name for tier in state.tiers_in_force() for one in native_quotas(tier)}
    quotas = await _stored(api, RESOURCE_QUOTAS, names, read_quota.stored, faults)
    members = [state.read_namespace(raw) async for raw in api.each(NAMESPACES, query=GOVERNED)]

    def of(namespace: str, tier: Tier) -> Observation:
        return observe(tier, tuple(quotas[namespace]), tuple(limit_ranges[namespace]), "written")

    missing = _uncovered(state, members, of, lambda name: tuple(limit_ranges[name]))
    return {name: faults.get(name, reason) for name, reason in missing.items()}


def unreadable(resource: Resource, name: str, reason: str) -> str:
    """Say that an object is at fault, for people."""
    return f'{resource.plural} "{name}" cannot be read: {shortened(reason)}'


async def _stored(
    api: Api, resource: Resource, names: Iterable[str], read: Callable[[msgspec.Raw], T], faults: dict[str, str]
) -> defaultdict[str, list[T]]:
    """Return the objects of these names by namespace; one that cannot be read is noted as a fault of its namespace."""
    found: defaultdict[str, list[T]] = defaultdict(list)
    for name in sorted(names):
        async for raw in api.each(resource, query={**GOVERNED, "fieldSelector": f"metadata.name={name}"}):
            namespace = read_meta(raw).namespace
            try:
                found[namespace].append(read(raw))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault of this object
                faults[namespace] = unreadable(resource, name, in_words(error))
    return found


def _uncovered(
    state: ClusterState,
    members: Iterable[Namespace],
    observation: Callable[[str, Tier], Observation],
    limit_ranges: Callable[[str], tuple[LimitRange, ...]],
) -> dict[str, str]:
    found = {}
    for one in members:
        if one.tier is None or one.deleting:
            continue
        tier = state.tier(one.tier)
        if tier is None:
            # Its pods are refused by the webhook alone, unless an earlier version of the tier left its bounds here.
            covered = any(each.managed and each.labelled == one.tier for each in limit_ranges(one.name))
            reason = f'there is no tier "{one.tier}" in force'
        else:
            covered = is_covered(observation(one.name, tier))
            reason = UNCOVERED
        if not covered:
            found[one.name] = reason
    return dict(sorted(found.items()))
