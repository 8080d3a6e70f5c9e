"""In which order the native objects go, so that there is no moment without a bound.

ResourceQuotas that stay beside the tier's own make native quota inexact under parallel creates (R-58), and a LimitRange
goes on setting defaults before any webhook. Both may go once the tier refuses and its own quotas are in force.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from tiergate.adopt.values import NativeBounds
from tiergate.adopt.writing import quota_spec
from tiergate.core.desired import quotas_of
from tiergate.core.quantity import NANO
from tiergate.core.quota import QuotaStatus
from tiergate.core.text import printable
from tiergate.core.tier import Tier, TierQuota

COPY: Final = "before-tiers"
"""Ends the name of a copy of a ResourceQuota whose name the tier needs."""
_COUNTS: Final = ("resourcequotas", "count/resourcequotas")


class Removal(msgspec.Struct, frozen=True):
    """Commands for a namespace ``$n``, to be run before and after its tier refuses, and what they cannot do."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    notes: tuple[str, ...]


def removal(native: NativeBounds, tier: Tier) -> Removal:
    """Return how the native objects of a namespace go."""
    needed = {one.name for one in quotas_of(tier)}
    foreign = [one for one in native.quotas if not one.managed]
    clashing = [one for one in foreign if one.name in needed]
    quotas = [f"{one.name}-{COPY}" if one in clashing else one.name for one in foreign]
    ranges = [one.name for one in native.ranges if not one.managed]
    after = [
        f"kubectl delete {kind} -n $n {shlex.join(map(printable, names))}"
        for kind, names in (("resourcequota", quotas), ("limitrange", ranges))
        if names
    ]
    return Removal(tuple(_copies(clashing)), tuple(after), tuple(_notes(native, tier)))


def _copies(clashing: list[QuotaStatus]) -> Iterator[str]:
    """Yield how a ResourceQuota gives its name free: a tier never takes somebody else's object over.

    It goes only once its copy counts: the copy may be refused, as by a quota of ResourceQuotas.
    """
    for one in clashing:
        body = shlex.quote(msgspec.json.encode(_copy(one)).decode())
        yield f"printf %s {body} | kubectl create -n $n -f - &&"
        yield f"kubectl wait resourcequota {one.name}-{COPY} -n $n --for=jsonpath='{{.status.used}}' --timeout=60s &&"
        yield f"kubectl delete resourcequota -n $n {one.name}"


def _copy(quota: QuotaStatus) -> dict[str, Any]:
    copied = TierQuota("", quota.spec_hard, quota.scopes, quota.scope_selector)
    metadata = {"name": f"{quota.name}-{COPY}"}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": quota_spec(copied)}


def _notes(native: NativeBounds, tier: Tier) -> Iterator[str]:
    for (kind, name), keeper in sorted(native.keepers.items()):
        yield f"{kind} {name} is managed by {keeper}, which may create it again: remove it there"
    ours = {one.name for one in native.quotas if one.managed}
    number = len(native.quotas) + len([one for one in quotas_of(tier) if one.name not in ours])
    for quota in native.quotas:
        for name in _COUNTS if not quota.managed and not quota.scopes and not quota.scope_selector else ():
            hard = quota.spec_hard.get(name)
            if hard is not None and hard.nano < number * NANO:
                said = f"ResourceQuota {quota.name} allows {hard} {name}, and beside the tier's own there are {number}"
                yield f"{said}: raise it before step 1, or neither copies nor the tier's can be created"
