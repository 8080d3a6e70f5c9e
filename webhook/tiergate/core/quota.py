"""Namespace quotas: what a request would add to each pertinent ResourceQuota (R-9, R-23, R-24, R-50).

Source: kubernetes apiserver ``plugin/resourcequota/controller.go`` (CheckRequest), with every problem
reported instead of the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

import msgspec

from tiergate.core.claim import STORAGE_CLASS, Claim, claim_charge
from tiergate.core.desired import DesiredQuota, desired_quotas
from tiergate.core.podspec import Pod
from tiergate.core.quantity import MILLI_IN_NANO, ZERO, Quantity
from tiergate.core.resources import DEVICE_CLASS, EMPTY, HUGEPAGES, ResourceList, is_extended
from tiergate.core.scopes import in_scope
from tiergate.core.text import shortened
from tiergate.core.tier import COMPUTE_QUOTA_NAMES, ScopeRequirement, Tier
from tiergate.core.usage import pod_charge

_POD_NAMES: Final = COMPUTE_QUOTA_NAMES | {
    "pods",
    "count/pods",
    "ephemeral-storage",
    "requests.ephemeral-storage",
    "limits.ephemeral-storage",
}
_CLAIM_NAMES: Final = frozenset({"persistentvolumeclaims", "count/persistentvolumeclaims", "requests.storage"})
_CLAIM_SUFFIXES: Final = (f"{STORAGE_CLASS}persistentvolumeclaims", f"{STORAGE_CLASS}requests.storage")
_TIER_SHOWN: Final = 40
Demanded = tuple[frozenset[str], frozenset[str]]
"""Requests and limits that every container must have, by resource."""


class QuotaStatus(msgspec.Struct, frozen=True, dict=True):
    """A ResourceQuota as enforced: ``hard`` and ``used`` are its status (R-1), scopes its spec.

    ``managed`` says that it is the tier's own: its label managed-by names us, or it is what such an object would count.
    ``labelled`` is the tier that its label names, "" where another manager's label claims the object; ``spec_hard`` is
    what was asked of it. ``annotated`` is what one of ours says of the tier's quotas that it is made of.
    """

    name: str
    namespace: str = ""
    resource_version: str = ""
    hard: ResourceList = EMPTY
    used: ResourceList = EMPTY
    scopes: tuple[str, ...] = ()
    scope_selector: tuple[ScopeRequirement, ...] = ()
    managed: bool = False
    spec_hard: ResourceList = EMPTY
    labelled: str = ""
    annotated: str = ""

    @property
    def size(self) -> int:
        """How many names, scopes and values it holds."""
        selected = sum(1 + len(one.values) for one in self.scope_selector)
        return len(self.hard) + len(self.used) + len(self.spec_hard) + len(self.scopes) + selected

    @cached_property
    def measured(self) -> dict[type, tuple[str, ...]]:
        """The names that each kind of object is measured by, as far as they were asked for."""
        return {}

    @cached_property
    def left(self) -> dict[type, tuple[tuple[str, int], ...]]:
        """(name, nano-units left) of the names that each kind of object is measured by, as `measured`."""
        return {}

    @cached_property
    def counted(self) -> frozenset[str]:
        """The names that are in force: bounded, and with a known usage."""
        return frozenset(self.hard.keys() & self.used.keys())

    @cached_property
    def demanded(self) -> tuple[tuple[str, str, str], ...]:
        """(quota name, side, resource) of each name that every container must have a value for, sorted."""
        parts = ((name, *name.rpartition(".")[::2]) for name in sorted(COMPUTE_QUOTA_NAMES & self.hard.keys()))
        return tuple([(name, side or "requests", resource) for name, side, resource in parts])

    @cached_property
    def demanded_of(self) -> Demanded:
        """What every container must have."""
        limits = frozenset(resource for _, side, resource in self.demanded if side == "limits")
        return frozenset(resource for _, side, resource in self.demanded if side != "limits"), limits


def as_created(
    desired: DesiredQuota, namespace: str, *, hard: ResourceList | None = None, used: ResourceList = EMPTY
) -> QuotaStatus:
    """Return a tier's ResourceQuota as it will be in a namespace; ``hard`` are those of its bounds that matter."""
    hard = desired.hard if hard is None else hard
    scopes, selector = desired.scopes, desired.scope_selector
    return QuotaStatus(desired.name, namespace, "", hard, used, scopes, selector, managed=True, spec_hard=hard)


Measured = Pod | Claim


def charge(subject: Measured, *, now: float | None, minor: int) -> dict[str, Quantity]:
    """Return the usage of a pod or claim by quota name, at a time and by a release as ``pod_charge`` takes them."""
    return pod_charge(subject, now=now, minor=minor) if isinstance(subject, Pod) else claim_charge(subject)


def measures(kind: type[Measured], name: str) -> bool:
    """Say whether usage of this kind of object can have the quota name."""
    if kind is Claim:
        return name in _CLAIM_NAMES or name.endswith(_CLAIM_SUFFIXES)
    if name in _POD_NAMES or name.startswith((HUGEPAGES, f"requests.{HUGEPAGES}")):
        return True
    rest = name.removeprefix("requests.")
    return rest != name and (is_extended(rest) or rest.startswith(DEVICE_CLASS))


def measured_by(kind: type[Measured], quota: QuotaStatus | DesiredQuota) -> tuple[str, ...]:
    """Return the names of the quota that a kind of object is measured by, sorted."""
    names = quota.measured.get(kind)
    if names is None:
        names = quota.measured[kind] = tuple(sorted(name for name in quota.hard if measures(kind, name)))
    return names


def matches(subject: Measured, quota: QuotaStatus | DesiredQuota, *, minor: int) -> bool:
    """Say whether all scopes of the quota match the object, on a server of release 1.``minor`` (R-24, R-43, D-17)."""
    if not quota.scopes and not quota.scope_selector:  # as almost always, and this is asked often
        return True
    return all(in_scope(subject, ScopeRequirement(scope), minor) for scope in quota.scopes) and all(
        in_scope(subject, wanted, minor) for wanted in quota.scope_selector
    )


def pertinent(subject: Measured, quota: QuotaStatus | DesiredQuota, *, minor: int) -> tuple[str, ...]:
    """Return the names by which the quota measures this request, sorted; () where it does not (R-9)."""
    return measured_by(type(subject), quota) if matches(subject, quota, minor=minor) else ()


def left_of(subject: Measured, quota: QuotaStatus, *, minor: int) -> tuple[tuple[str, int], ...]:
    """Return what is left of each bound by which the quota measures the object, as `pertinent`."""
    if not matches(subject, quota, minor=minor):
        return ()
    left = quota.left.get(type(subject))
    if left is None:
        hard, used = quota.hard, quota.used
        names = measured_by(type(subject), quota)
        left = quota.left[type(subject)] = tuple(
            [(name, hard[name].nano - used.get(name, ZERO).nano) for name in names]
        )
    return left


def scopes_of(quota: QuotaStatus | DesiredQuota) -> tuple[ScopeRequirement, ...]:
    """Return all that an object has to match to be counted, () for a quota that counts every object."""
    return (*map(ScopeRequirement, quota.scopes), *quota.scope_selector)


def within_tier(quotas: tuple[QuotaStatus, ...], tier: Tier) -> tuple[QuotaStatus, ...]:
    """Return the quotas, ours with the tier's bounds where these are smaller; the same tuple where none is.

    An object of ours is as old as the last leader: a namespace may have moved to a smaller tier since.
    """
    desired = desired_quotas(tier)
    for quota in quotas:  # a loop, as every pod comes by here
        if quota.managed and _smaller(quota, desired):
            return with_bounds(quotas, [_smaller(one, desired) if one.managed else EMPTY for one in quotas])
    return quotas


def with_bounds(quotas: tuple[QuotaStatus, ...], bounds: Sequence[ResourceList]) -> tuple[QuotaStatus, ...]:
    """Return the quotas, each with these bounds in place of its own; the same tuple where there are none."""
    if not any(bounds):
        return quotas
    both = zip(quotas, bounds, strict=True)
    return tuple([msgspec.structs.replace(quota, hard={**quota.hard, **one}) for quota, one in both])


def _smaller(quota: QuotaStatus, of_tier: tuple[DesiredQuota, ...]) -> ResourceList:
    """Return the tier's bounds that are below those of its object, which follows the tier while a controller leads.

    The API server rounds the object's up to milli (D-1).
    """
    hard = quota.hard
    for desired in of_tier:
        if desired.name == quota.name:
            if desired.hard == hard:  # as nearly always
                break
            ours = desired.hard.items()
            return {name: one for name, one in ours if name in hard and hard[name].nano - one.nano >= MILLI_IN_NANO}
    return EMPTY


def quota_label(quota: QuotaStatus, name: str, tier: Tier, among: Iterable[QuotaStatus]) -> str:
    """Return the tier's own name for a bound of an object we manage, else the object's name.

    Where both have one name, as after a tier was made of a namespace's ResourceQuotas, it says whose quota it is.
    """
    if not quota.managed:
        return f"{quota.name} (ResourceQuota)" if any(one.name == quota.name for one in tier.quotas) else quota.name
    for desired in desired_quotas(tier):
        if desired.name == quota.name and name in desired.sources:
            label = desired.sources[name]
            twice = any(one.name == label and not one.managed for one in among)
            return f"{label} (tier {shortened(tier.name, _TIER_SHOWN)})" if twice else label
    return quota.name
