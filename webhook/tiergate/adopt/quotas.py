"""ResourceQuotas of a namespace as the quotas of a Tier, and what stays with native quota."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tiergate.adopt.values import Remark
from tiergate.core.desired import DesiredQuota, quotas_of, scope_set
from tiergate.core.quantity import Quantity
from tiergate.core.quota import QuotaStatus
from tiergate.core.tally import unmeasured
from tiergate.core.tier import ScopeRequirement, Tier, TierQuota

LONGEST: Final = 63
"""Characters of a quota's name, and of a tier's."""
UNSCOPED: Final = "quota"
_OTHER: Final = re.compile(r"[^a-z0-9]+")


def adopted(quotas: Sequence[QuotaStatus]) -> tuple[tuple[TierQuota, ...], list[Remark]]:
    """Return one quota of the tier for each ResourceQuota, in the order of their names."""
    found: list[TierQuota] = []
    for one in quotas:
        if one.spec_hard:
            name = unused(as_name(one.name, UNSCOPED), {other.name for other in found})
            found.append(_quota(name, one))
    return tuple(found), list(_merged(quotas, found))


def _quota(name: str, one: QuotaStatus) -> TierQuota:
    scopes, wanted = scope_set(TierQuota(name, one.spec_hard, one.scopes, one.scope_selector))
    return TierQuota(name, one.spec_hard, scopes, tuple(ScopeRequirement(*each) for each in wanted))


def _merged(quotas: Sequence[QuotaStatus], found: Sequence[TierQuota]) -> Iterator[Remark]:
    """Yield the names that several quotas of the same scopes bound."""
    named = [one.name for one in quotas if one.spec_hard]
    seen: dict[tuple[object, str], list[tuple[str, Quantity]]] = {}
    for name, quota in zip(named, found, strict=True):
        for resource, bound in quota.hard.items():
            seen.setdefault((scope_set(quota), resource), []).append((name, bound))
    for (_, resource), each in seen.items():
        if len({bound for _, bound in each}) > 1:
            listed = ", ".join(f"{bound} (ResourceQuota {name})" for name, bound in each)
            said = f"quota {resource}: {min(bound for _, bound in each)}, of {listed}"
            yield Remark("merged", said, f"quota/{resource}")


def as_name(text: str, otherwise: str) -> str:
    """Return a text as a DNS label."""
    return _OTHER.sub("-", text.lower()).strip("-")[:LONGEST].strip("-") or otherwise


def unused(name: str, taken: Iterable[str]) -> str:
    """Return the name, with a number where it is taken."""
    seen, number, found = set(taken), 1, name
    while found in seen:
        number += 1
        found = f"{name[: LONGEST - len(str(number)) - 1].rstrip('-')}-{number}"
    return found


def by_scopes(tier: Tier) -> tuple[TierQuota, ...]:
    """Return the quotas merged by their scopes, with names that no object of a single namespace gives them."""
    found: list[TierQuota] = []
    for one in quotas_of(tier):
        name = unused(as_name("-".join(_words(one)), UNSCOPED), {other.name for other in found})
        found.append(TierQuota(name, one.hard, one.scopes, one.scope_selector))
    return tuple(found)


def _words(quota: DesiredQuota) -> Iterator[str]:
    yield from quota.scopes
    for one in quota.scope_selector:
        yield from (one.scope_name, *([] if one.operator in ("In", "Exists") else [one.operator]), *one.values)


def remarks_on(tier: Tier) -> Iterator[Remark]:
    """Yield what the webhook does not measure, and of how many objects the tier's quota will be."""
    names = unmeasured(tier)
    if names:
        yield Remark("native-alone", ", ".join(names))
    objects = quotas_of(tier)
    if len(objects) > 1:
        scopes = ", ".join(f"{one.name} ({' '.join(_words(one)) or 'no scopes'})" for one in objects)
        said = f"{len(objects)}, one for each set of scopes: {scopes}; native quota is not exact under parallel creates"
        yield Remark("several", said)
