"""Tier: the named policy of a namespace.

Limits are LimitRange items, quotas ResourceQuota specs (rules L-1, R-2). `tier_faults` says what a Tier may not say.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final

import msgspec

from tiergate.core.default_amounts import Amounts, added
from tiergate.core.mode import Mode, WorkloadPolicy
from tiergate.core.quantity import Quantity
from tiergate.core.resources import EMPTY, STANDARD, ResourceList

CONTAINER: Final = "Container"
POD: Final = "Pod"
CLAIM: Final = "PersistentVolumeClaim"

LABEL: Final = "tiergate.io/tier"
"""The label by which a namespace joins a tier."""

COMPUTE_QUOTA_NAMES: Final = frozenset(
    {"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"}
)


ZERO_IS_NO_LIMIT: Final = STANDARD
"""Resources for whose limit 0 means none at run time: the kubelet sets no bound for it."""
LIMIT_QUOTAS: Final = frozenset(f"limits.{name}" for name in STANDARD)


class LimitRangeItem(msgspec.Struct, frozen=True, dict=True):
    """One entry of ``spec.limits``, as written."""

    type: str
    default: ResourceList = EMPTY
    default_request: ResourceList = EMPTY
    min: ResourceList = EMPTY
    max: ResourceList = EMPTY
    max_limit_request_ratio: ResourceList = EMPTY

    @property
    def size(self) -> int:
        """How many names it holds, and one for itself."""
        bounds = (self.default, self.default_request, self.min, self.max, self.max_limit_request_ratio)
        return 1 + sum(map(len, bounds))

    @cached_property
    def added_to_bare(self) -> Amounts | None:
        """What it adds as defaults to a container without any value: worked out once, as most have none."""
        return self.added_to(EMPTY, EMPTY)

    def added_to(self, requests: ResourceList, limits: ResourceList) -> Amounts | None:
        """Return what it adds as defaults to a container of these requests and limits."""
        ratios = self.max_limit_request_ratio
        return added(requests, limits, default=self.default, requests=self.default_request, ratios=ratios)


class ScopeRequirement(msgspec.Struct, frozen=True):
    """One expression of a scopeSelector; a plain scope is the operator Exists."""

    scope_name: str
    operator: str = "Exists"
    values: tuple[str, ...] = ()


class TierQuota(msgspec.Struct, frozen=True):
    """A quota that every namespace of the tier gets."""

    name: str
    hard: ResourceList
    scopes: tuple[str, ...] = ()
    scope_selector: tuple[ScopeRequirement, ...] = ()


def is_protected(namespace: str, *, release_namespace: str) -> bool:
    """Say whether the namespace may never be governed: refusing its pods could lock the cluster out."""
    return namespace == release_namespace or namespace.startswith("kube-")


class Tier(msgspec.Struct, frozen=True, eq=False):
    """A tier as written, with its effective items by type.

    Two tiers are equal when all that was written is, spelling included: what is derived from a tier is cached by it,
    and messages show amounts in the format they were written in. The effective items follow from the rest.
    """

    name: str
    limits: tuple[LimitRangeItem, ...] = ()
    quotas: tuple[TierQuota, ...] = ()
    exempt_users: frozenset[str] = frozenset()
    exempt_groups: frozenset[str] = frozenset()
    mode: Mode = "Enforce"
    native_limit_range: bool = False
    workloads: WorkloadPolicy = "Warn"
    container: LimitRangeItem | None = None
    pod: LimitRangeItem | None = None
    claim: LimitRangeItem | None = None
    _written: tuple[object, ...] = ()
    _hash: int = 0

    def __post_init__(self) -> None:
        """Work out once what is compared and hashed: a tier is looked up in caches for every request."""
        written = _written(self)
        msgspec.structs.force_setattr(self, "_written", written)
        msgspec.structs.force_setattr(self, "_hash", hash(written))

    @property
    def is_native(self) -> bool:
        """Whether ResourceQuotas of ours count and refuse for it; else its usage is computed from its objects."""
        return self.mode == "Enforce"

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Tier) and self._hash == other._hash and self._written == other._written

    def __ne__(self, other: object) -> bool:
        return not self == other  # msgspec's base brings a `!=` of its own, which compares identity

    def __hash__(self) -> int:
        return self._hash


def _written(tier: Tier) -> tuple[object, ...]:
    """Return all that a tier says as values that can be hashed and compared."""
    items = tuple((one.type, *(_amounts(resources) for _, resources in amounts_by_field(one))) for one in tier.limits)
    quotas = tuple((one.name, _amounts(one.hard), one.scopes, one.scope_selector) for one in tier.quotas)
    exempt = tier.exempt_users, tier.exempt_groups
    return tier.name, items, quotas, exempt, tier.mode, tier.native_limit_range, tier.workloads


def _amounts(resources: ResourceList) -> tuple[tuple[str, int, str], ...]:
    return tuple((name, quantity.nano, quantity.format) for name, quantity in resources.items())


def with_effective_items(tier: Tier) -> Tier:
    """Return the tier with the items that are in force: for containers with derived defaults (L-1)."""
    by_type = {item.type: item for item in tier.limits}
    container = by_type.get(CONTAINER)
    return msgspec.structs.replace(
        tier,
        container=effective(container) if container else None,
        pod=by_type.get(POD),
        claim=by_type.get(CLAIM),
    )


def effective(item: LimitRangeItem) -> LimitRangeItem:
    """Return a Container item with the defaults the API server derives (L-1, in its order), sorted by name."""
    default = {**item.max, **item.default}
    default_request = {**item.min, **default, **item.default_request}
    return msgspec.structs.replace(
        item, default=dict(sorted(default.items())), default_request=dict(sorted(default_request.items()))
    )


def bounded_limits(tier: Tier) -> dict[str, Quantity | None]:
    """Return the resources whose limits the tier bounds in any way, each with the ``max`` of a container if it has one.

    Only resources for whose limit 0 means none at run time. A container's ratio is not among the ways: it refuses a
    limit of 0 itself.
    """
    container, pod = tier.container or LimitRangeItem(CONTAINER), tier.pod or LimitRangeItem(POD)
    named = {*container.max, *pod.max, *pod.max_limit_request_ratio}
    named.update(name for name, default in container.default.items() if default)
    named.update(name.removeprefix("limits.") for quota in tier.quotas for name in quota.hard if name in LIMIT_QUOTAS)
    return {name: container.max.get(name) for name in ZERO_IS_NO_LIMIT if name in named}


def derived_defaults(item: LimitRangeItem) -> Iterator[tuple[str, str, Quantity]]:
    """Yield (field, resource, amount) of each default that nobody wrote but that is in force (L-1)."""
    full = effective(item)
    for resource in sorted(full.default.keys() - item.default.keys()):
        yield "default", resource, full.default[resource]
    for resource in sorted(full.default_request.keys() - item.default_request.keys()):
        yield "defaultRequest", resource, full.default_request[resource]


def amounts_by_field(item: LimitRangeItem) -> tuple[tuple[str, ResourceList], ...]:
    """Return the amounts of an item by the name of their field."""
    return (
        ("default", item.default),
        ("defaultRequest", item.default_request),
        ("min", item.min),
        ("max", item.max),
        ("maxLimitRequestRatio", item.max_limit_request_ratio),
    )
