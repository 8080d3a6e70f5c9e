"""The Tier, in the one version that there is."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from tiergate.core.decision import Fault
from tiergate.core.mode import MODES, WORKLOAD_POLICIES, Mode, WorkloadPolicy
from tiergate.core.text import VALUE_SHOWN, shortened
from tiergate.core.tier import LimitRangeItem, Tier, TierQuota, with_effective_items
from tiergate.core.tier_faults import faults
from tiergate.wire.decode import Reader
from tiergate.wire.malformed import Excess, Malformed, raise_all
from tiergate.wire.quota import scope_names, scope_requirements
from tiergate.wire.types import Metadata, Name, Quantities, ScopeSelector, resource_list

TIER_GROUP: Final = "tiergate.io"
TIER_VERSION: Final = "v1alpha1"
TIER_API_VERSION: Final = f"{TIER_GROUP}/{TIER_VERSION}"
"""The ``apiVersion`` of a Tier."""
MAX_ENTRIES: Final = 200
"""Entries of a list in a Tier."""
MAX_HARD: Final = 2000
"""Names in all quotas of a Tier."""
Word = TypeVar("Word", bound=str)


class WireItem(msgspec.Struct, omit_defaults=True):
    """An entry of ``spec.limits``, of a Tier as of a LimitRange."""

    type: Name = ""
    default: Quantities | None = None
    defaultRequest: Quantities | None = None
    min: Quantities | None = None
    max: Quantities | None = None
    maxLimitRequestRatio: Quantities | None = None


class WireTierQuota(msgspec.Struct):
    """An entry of ``spec.quotas``."""

    name: Name = ""
    per: Name = "Namespace"
    hard: Quantities | None = None
    scopes: list[Name] | None = None
    scopeSelector: ScopeSelector | None = None


class WireExemptions(msgspec.Struct):
    """``spec.exemptions``."""

    users: list[Name] | None = None
    groups: list[Name] | None = None


class TierSpec(msgspec.Struct):
    """``spec`` of a Tier."""

    enforcement: Name = "Enforce"
    limits: list[WireItem] | None = None
    quotas: list[WireTierQuota] | None = None
    exemptions: WireExemptions | None = None
    nativeLimitRange: bool | None = None
    workloads: Name | None = None


class WireTier(msgspec.Struct):
    """A Tier, as far as we read it."""

    metadata: Metadata | None = None
    spec: TierSpec | None = None


def to_tier(wire: WireTier) -> Tier:
    """Return the core value; raise Malformed for what this version does not enforce."""
    metadata, spec = wire.metadata or Metadata(), wire.spec or TierSpec()
    _count(spec)
    mode, policy = _words(spec)
    exemptions = spec.exemptions or WireExemptions()
    return with_effective_items(
        Tier(
            name=metadata.name,
            limits=tuple(limit_range_item(one) for one in spec.limits or ()),
            quotas=tuple(_quota(one, f"/spec/quotas/{index}") for index, one in enumerate(spec.quotas or ())),
            exempt_users=frozenset(exemptions.users or ()),
            exempt_groups=frozenset(exemptions.groups or ()),
            mode=mode,
            native_limit_range=spec.nativeLimitRange is True,
            workloads=policy,
        )
    )


def _count(spec: TierSpec) -> None:
    """Refuse more than can be judged at once, before anything is made of it."""
    exemptions = spec.exemptions or WireExemptions()
    counted = {
        "limits": spec.limits,
        "quotas": spec.quotas,
        "exemptions/users": exemptions.users,
        "exemptions/groups": exemptions.groups,
    }
    for field, entries in counted.items():
        if entries and len(entries) > MAX_ENTRIES:
            raise Excess(f"/spec/{field}", f"{len(entries)} entries, and at most {MAX_ENTRIES} are supported")
    if (names := sum(len(quota.hard or ()) for quota in spec.quotas or ())) > MAX_HARD:
        raise Excess("/spec/quotas", f"{names} names in all, and at most {MAX_HARD} are supported")


def _words(spec: TierSpec) -> tuple[Mode, WorkloadPolicy]:
    """Return mode and policy; refuse words that nothing enforces, for accepting one would be a silent allow."""
    found: list[Fault] = []
    mode = _word(MODES, spec.enforcement, "/spec/enforcement", found)
    policy = _word(WORKLOAD_POLICIES, spec.workloads or "Warn", "/spec/workloads", found)
    for index, quota in enumerate(spec.quotas or ()):
        if quota.per != "Namespace":
            reason = f'"{shortened(quota.per, VALUE_SHOWN)}" is not supported, only "Namespace" is'
            found.append(Fault(f"/spec/quotas/{index}/per", reason))
    raise_all(found)
    assert mode is not None  # noqa: S101  # raised above
    assert policy is not None  # noqa: S101  # raised above
    return mode, policy


def _word(words: tuple[Word, ...], written: str, pointer: str, found: list[Fault]) -> Word | None:
    """Return the word that is written; note a fault and return None for any other."""
    word = next((one for one in words if one == written), None)
    if word is None:
        shown = ", ".join(f'"{one}"' for one in words)
        found.append(Fault(pointer, f'"{shortened(written, VALUE_SHOWN)}" is not supported, only {shown} are'))
    return word


def limit_range_item(wire: WireItem) -> LimitRangeItem:
    """Return the core value; raise QuantityError for a bad quantity."""
    return LimitRangeItem(
        type=wire.type,
        default=resource_list(wire.default),
        default_request=resource_list(wire.defaultRequest),
        min=resource_list(wire.min),
        max=resource_list(wire.max),
        max_limit_request_ratio=resource_list(wire.maxLimitRequestRatio),
    )


def _quota(wire: WireTierQuota, pointer: str) -> TierQuota:
    return TierQuota(
        name=wire.name,
        hard=resource_list(wire.hard),
        scopes=scope_names(wire.scopes, pointer),
        scope_selector=scope_requirements(wire.scopeSelector, pointer),
    )


read_tier = Reader(WireTier, to_tier)


def tier_and_faults(raw: bytes) -> tuple[Tier | None, tuple[Fault, ...]]:
    """Return the tier, None where it cannot be read, and all that keeps it from being in force."""
    try:
        tier = read_tier(raw)
    except Malformed as error:
        return None, error.every()
    return tier, faults(tier)
