"""ResourceQuotas of a governed namespace: what differs from what should be.

Kubernetes' own quota controller and admission plugin do the counting; here only the objects are kept right.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec

from tiergate.controller.writes import Delete, Write
from tiergate.core.desired import DesiredQuota
from tiergate.core.quantity import MILLI_IN_NANO
from tiergate.core.quota import QuotaStatus
from tiergate.core.resources import ResourceList
from tiergate.core.tier import ScopeRequirement
from tiergate.wire.quota import write_quota

COLLECTION: Final = "resourcequotas"


class Create(msgspec.Struct, frozen=True):
    """The quota does not exist."""

    desired: DesiredQuota

    def write(self, *, namespace: str, tier: str) -> Write:
        """Return the request; for an object that does not exist there is no version to carry."""
        return Write("POST", COLLECTION, write_quota(self.desired, namespace=namespace, tier=tier))


class Replace(msgspec.Struct, frozen=True):
    """The quota is ours and says something else."""

    desired: DesiredQuota
    resource_version: str

    def write(self, *, namespace: str, tier: str) -> Write:
        """Return the request."""
        body = write_quota(self.desired, namespace=namespace, tier=tier, resource_version=self.resource_version)
        return Write("PUT", f"{COLLECTION}/{self.desired.name}", body)


Action: TypeAlias = Create | Replace | Delete


class Comparison(msgspec.Struct, frozen=True):
    """What a namespace has against what it should have.

    Attributes:
        actions: The writes that bring it closer, in order. When some must wait for others to be in force, another
            comparison yields them later.
        waiting: Names of quotas that should be in force and are not, foreign ones left out.
        foreign: Names that we need and that somebody else's objects have.
        leftover: Names of quotas of ours that are not wanted (any more).
    """

    actions: tuple[Action, ...]
    waiting: tuple[str, ...]
    foreign: tuple[str, ...]
    leftover: tuple[str, ...] = ()


def compare(desired: Iterable[DesiredQuota], existing: Iterable[QuotaStatus], *, tier: str) -> Comparison:
    """Compare the quotas a namespace should have with those it has.

    Objects without our labels are never touched; one that has lost one of the two and has a name that we need is
    repaired. One of ours that is not wanted any more is removed only when all that
    are wanted are in force, so that a change of scopes leaves no moment without a bound.
    """
    wanted = {one.name: _as_stored(one) for one in desired}
    present = {one.name: one for one in existing}
    foreign = tuple(name for name in wanted if name in present and not _is_ours(present[name]))
    ours = {name: one for name, one in wanted.items() if name not in foreign}
    actions = [action for one in ours.values() if (action := _correct(one, present.get(one.name), tier)) is not None]
    waiting = tuple(name for name, one in ours.items() if name not in present or not _in_force(one, present[name]))
    leftover = [one for one in present.values() if one.managed and one.name not in wanted]
    if not waiting and not foreign:
        actions += [Delete(COLLECTION, one.name, one.resource_version) for one in leftover]
    names = tuple(one.name for one in leftover)
    return Comparison(actions=tuple(actions), waiting=waiting, foreign=foreign, leftover=names)


def _as_stored(desired: DesiredQuota) -> DesiredQuota:
    """Round as the API server does when it stores a ResourceList (D-1); else we would replace the object for ever."""
    hard = {name: quantity.rounded_up(MILLI_IN_NANO) for name, quantity in desired.hard.items()}
    return msgspec.structs.replace(desired, hard=hard)


def _is_ours(quota: QuotaStatus) -> bool:
    return quota.managed or quota.labelled != ""


def _correct(desired: DesiredQuota, existing: QuotaStatus | None, tier: str) -> Action | None:
    if existing is None:
        return Create(desired)
    if _scopes(desired) != _scopes(existing):
        return Delete(COLLECTION, existing.name, existing.resource_version)
    labels_whole = existing.managed and existing.labelled == tier
    if not labels_whole or not _equal(desired.hard, existing.spec_hard):
        return Replace(desired, existing.resource_version)
    return None


def _in_force(desired: DesiredQuota, existing: QuotaStatus) -> bool:
    """Say whether the quota controller has taken the bounds up: admission reads the status, never the spec."""
    return _equal(desired.hard, existing.hard) and _scopes(desired) == _scopes(existing)


def _equal(one: ResourceList, other: ResourceList) -> bool:
    return dict(one) == dict(other)


def _scopes(quota: DesiredQuota | QuotaStatus) -> tuple[frozenset[str], frozenset[ScopeRequirement]]:
    selector = (msgspec.structs.replace(one, values=tuple(sorted(one.values))) for one in quota.scope_selector)
    return frozenset(quota.scopes), frozenset(selector)
