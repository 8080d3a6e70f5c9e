"""A Tier as the ResourceQuota objects that every one of its namespaces should hold."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Final

import msgspec

from tiergate.core.quantity import Quantity
from tiergate.core.resources import ResourceList
from tiergate.core.tier import ScopeRequirement, Tier, TierQuota

UNSCOPED_NAME: Final = "tier"


class DesiredQuota(msgspec.Struct, frozen=True, dict=True):
    """One ResourceQuota to be: ``sources`` says which quota of the tier each bound comes from."""

    name: str
    hard: ResourceList
    scopes: tuple[str, ...] = ()
    scope_selector: tuple[ScopeRequirement, ...] = ()
    sources: dict[str, str] = {}

    @property
    def annotated(self) -> str:
        """What tells people which quotas of the tier it is made of; "" for the unscoped one, whose name says enough."""
        return "" if self.name == UNSCOPED_NAME else ", ".join(dict.fromkeys(self.sources.values()))

    @cached_property
    def measured(self) -> dict[type, tuple[str, ...]]:
        """The names that each kind of object is measured by, as far as they were asked for."""
        return {}


ScopeSet = tuple[tuple[str, ...], tuple[tuple[str, str, tuple[str, ...]], ...]]


@lru_cache(maxsize=1024)
def desired_quotas(tier: Tier) -> tuple[DesiredQuota, ...]:
    """Return `quotas_of` a tier that is in force; whoever only asks about a tier must not fill this memory."""
    return quotas_of(tier)


def quotas_of(tier: Tier) -> tuple[DesiredQuota, ...]:
    """Return one quota for each scope set, the unscoped one first; the smaller bound wins.

    One object for each scope set, because several are no hard bound under parallel creates (R-58); named
    after the set, because ``spec.scopes`` is immutable (R-4).
    """
    groups: dict[ScopeSet, list[TierQuota]] = {}
    for quota in tier.quotas:
        groups.setdefault(scope_set(quota), []).append(quota)
    return tuple(_merged(scopes, groups[scopes]) for scopes in sorted(groups))


def native_quotas(tier: Tier) -> tuple[DesiredQuota, ...]:
    """Return the ResourceQuotas that each namespace of the tier should hold: none in Warn and Audit, as they refuse."""
    return desired_quotas(tier) if tier.is_native else ()


def scope_set(quota: TierQuota) -> ScopeSet:
    """Return the scopes of a quota, however they are spelled: quotas of one set become one ResourceQuota."""
    wanted = {(one.scope_name, one.operator, tuple(sorted(one.values))) for one in quota.scope_selector}
    return tuple(sorted(set(quota.scopes))), tuple(sorted(wanted))


def _merged(key: ScopeSet, quotas: list[TierQuota]) -> DesiredQuota:
    hard: dict[str, Quantity] = {}
    sources: dict[str, str] = {}
    for quota in quotas:
        for name, bound in quota.hard.items():
            if name not in hard or bound < hard[name]:
                hard[name] = bound
                sources[name] = quota.name
    scopes, wanted = key
    return DesiredQuota(
        name=_object_name(key),
        hard=hard,
        scopes=scopes,
        scope_selector=tuple(ScopeRequirement(*one) for one in wanted),
        sources=sources,
    )


def _object_name(scope_set: ScopeSet) -> str:
    if scope_set == ((), ()):
        return UNSCOPED_NAME
    import hashlib  # noqa: PLC0415 - loads OpenSSL, and few tiers have scopes

    digest = hashlib.sha256(repr(scope_set).encode()).hexdigest()
    return f"{UNSCOPED_NAME}-{digest[:10]}"
