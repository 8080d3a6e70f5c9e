"""The objects that a namespace holds for its tier, ResourceQuotas and a LimitRange, against those it should hold.

One comparison serves both kinds. Kubernetes' own controllers and admission plugins do the counting and the refusing;
here only the objects are kept right.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar

import msgspec

from tiergate.cluster.resource import LIMIT_RANGES, RESOURCE_QUOTAS, Resource
from tiergate.cluster.swap import CompareAndSwap
from tiergate.core.desired import UNSCOPED_NAME, DesiredQuota
from tiergate.core.native import LimitRange
from tiergate.core.native_limits import native_limits
from tiergate.core.quantity import MILLI_IN_NANO
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import CONTAINER, LimitRangeItem, ScopeRequirement, effective
from tiergate.wire.limitrange import write_limit_range
from tiergate.wire.quota import write_quota

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tiergate.cluster.api import Api
    from tiergate.core.resources import ResourceList
    from tiergate.core.tier import Tier

LIMIT_RANGE_NAME: Final = UNSCOPED_NAME
"""LimitRanges and ResourceQuotas of ours have the same name."""


class DesiredLimitRange(msgspec.Struct, frozen=True):
    """The LimitRange that a namespace should hold."""

    items: tuple[LimitRangeItem, ...]
    name: str = LIMIT_RANGE_NAME


class _Stored(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def resource_version(self) -> str: ...
    @property
    def managed(self) -> bool: ...
    @property
    def labelled(self) -> str: ...


D = TypeVar("D", DesiredQuota, DesiredLimitRange)
S = TypeVar("S", bound=_Stored)


class ObjectKind(ABC, Generic[D, S]):
    """What differs between the two kinds: D is how an object should be, S how one is stored."""

    resource: Resource

    @abstractmethod
    def body(self, desired: D, *, namespace: str, tier: str) -> bytes:
        """Return the object as JSON."""

    @abstractmethod
    def as_stored(self, desired: D) -> D:
        """Return what the API server makes of it when it is stored; else we would replace the object for ever."""

    @abstractmethod
    def is_equal(self, desired: D, stored: S) -> bool:
        """Say whether the spec is as desired."""

    def is_in_force(self, desired: D, stored: S) -> bool:
        """Say whether admission already goes by it."""
        return self.is_equal(desired, stored)

    def is_replaceable(self, desired: D, stored: S) -> bool:  # noqa: ARG002 - a rule of some kinds
        """Say whether the one may be changed into the other: some fields are immutable."""
        return True


class QuotaKind(ObjectKind[DesiredQuota, QuotaStatus]):
    """ResourceQuotas."""

    resource = RESOURCE_QUOTAS

    def body(self, desired: DesiredQuota, *, namespace: str, tier: str) -> bytes:
        """Return the ResourceQuota."""
        return write_quota(desired, namespace=namespace, tier=tier)

    def as_stored(self, desired: DesiredQuota) -> DesiredQuota:
        """Round as the API server does when it stores a ResourceList (D-1)."""
        hard = {name: quantity.rounded_up(MILLI_IN_NANO) for name, quantity in desired.hard.items()}
        return msgspec.structs.replace(desired, hard=hard)

    def is_equal(self, desired: DesiredQuota, stored: QuotaStatus) -> bool:
        """Compare the bounds by value, and what people are told: one of an older release is written once more."""
        return _equal(desired.hard, stored.spec_hard) and desired.annotated == stored.annotated

    def is_in_force(self, desired: DesiredQuota, stored: QuotaStatus) -> bool:
        """Say whether the quota controller has taken the bounds up: admission reads the status, never the spec."""
        return _equal(desired.hard, stored.hard) and self.is_replaceable(desired, stored)

    def is_replaceable(self, desired: DesiredQuota, stored: QuotaStatus) -> bool:
        """Scopes are immutable (R-4)."""
        return _scopes(desired) == _scopes(stored)


class LimitRangeKind(ObjectKind[DesiredLimitRange, LimitRange]):
    """LimitRanges (`nativeLimitRange: true`)."""

    resource = LIMIT_RANGES

    def body(self, desired: DesiredLimitRange, *, namespace: str, tier: str) -> bytes:
        """Return the LimitRange."""
        return write_limit_range(desired.name, desired.items, namespace=namespace, tier=tier)

    def as_stored(self, desired: DesiredLimitRange) -> DesiredLimitRange:
        """Return it as it is: derived defaults (L-1) are compared, and nobody has to write them."""
        return desired

    def is_equal(self, desired: DesiredLimitRange, stored: LimitRange) -> bool:
        """Compare the items with derived defaults, in whatever order."""
        return _complete(desired.items) == _complete(stored.items)


QUOTAS: Final = QuotaKind()
LIMITS: Final = LimitRangeKind()


class Create(msgspec.Struct, frozen=True):
    """The object does not exist."""

    kind: ObjectKind[Any, Any]
    desired: DesiredQuota | DesiredLimitRange

    async def send(self, api: Api, *, namespace: str, tier: str) -> None:
        """Create it; raise Conflict if it exists after all, ApiError and Unreachable as `CompareAndSwap.write`."""
        body = self.kind.body(self.desired, namespace=namespace, tier=tier)
        await CompareAndSwap(api, self.kind.resource, self.desired.name, namespace).write(body, version=None)


class Replace(msgspec.Struct, frozen=True):
    """The object is ours and says something else."""

    kind: ObjectKind[Any, Any]
    desired: DesiredQuota | DesiredLimitRange
    resource_version: str

    async def send(self, api: Api, *, namespace: str, tier: str) -> None:
        """Replace this version of it; raise Conflict for any other, else as `CompareAndSwap.write`."""
        body = self.kind.body(self.desired, namespace=namespace, tier=tier)
        stored = CompareAndSwap(api, self.kind.resource, self.desired.name, namespace)
        await stored.write(body, version=self.resource_version)


class Delete(msgspec.Struct, frozen=True):
    """The object is ours and should not exist (any more, or not as it is)."""

    resource: Resource
    name: str
    resource_version: str

    async def send(self, api: Api, *, namespace: str, tier: str) -> None:  # noqa: ARG002 - every action is asked the same
        """Delete this version of it; raise Conflict for any other, else as `CompareAndSwap.delete`."""
        await CompareAndSwap(api, self.resource, self.name, namespace).delete(version=self.resource_version)


Action: TypeAlias = Create | Replace | Delete


class Comparison(msgspec.Struct, frozen=True):
    """What a namespace has of one kind against what it should have.

    Attributes:
        actions: The writes that bring it closer, in order. When some must wait for others to be in force, another
            comparison yields them later.
        waiting: Names of objects that should be in force and are not, foreign ones left out.
        foreign: Names that we need and that foreign objects have.
        leftover: Names of objects of ours that are not wanted (any more); while they are there they refuse.
    """

    actions: tuple[Action, ...] = ()
    waiting: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    leftover: tuple[str, ...] = ()


def compare(kind: ObjectKind[D, S], desired: Iterable[D], existing: Iterable[S], *, tier: str) -> Comparison:
    """Compare the objects of a kind that a namespace should have with those it has.

    Objects without our labels are never touched; one that has lost one of the two and has a name that we need is
    repaired. One of ours that is not wanted any more is removed only when all that are wanted are in force, so that a
    change of scopes leaves no moment without a bound.
    """
    wanted = {one.name: kind.as_stored(one) for one in desired}
    present = {one.name: one for one in existing}
    foreign = tuple(name for name in wanted if name in present and not _is_ours(present[name]))
    ours = {name: one for name, one in wanted.items() if name not in foreign}
    found = (_correct(kind, one, present.get(name), tier) for name, one in ours.items())
    actions = [action for action in found if action is not None]
    waiting = tuple(
        name for name, one in ours.items() if name not in present or not kind.is_in_force(one, present[name])
    )
    leftover = [one for one in present.values() if one.managed and one.name not in wanted]
    if not waiting and not foreign:
        actions += [Delete(kind.resource, one.name, one.resource_version) for one in leftover]
    names = tuple(one.name for one in leftover)
    return Comparison(tuple(actions), waiting, foreign, names)


def desired_limit_ranges(tier: Tier, *, handed_over: bool = False) -> tuple[DesiredLimitRange, ...]:
    """Return the LimitRange that each namespace of the tier should hold, if any."""
    items = native_limits(tier, handed_over=handed_over)
    return (DesiredLimitRange(items),) if items else ()


def _is_ours(stored: _Stored) -> bool:
    """Say whether an object may be repaired: one of our labels is enough, as the other may have been removed."""
    return stored.managed or stored.labelled != ""


def _correct(kind: ObjectKind[D, S], desired: D, existing: S | None, tier: str) -> Action | None:
    if existing is None:
        return Create(kind, desired)
    if not kind.is_replaceable(desired, existing):
        return Delete(kind.resource, existing.name, existing.resource_version)
    labels_whole = existing.managed and existing.labelled == tier
    if not labels_whole or not kind.is_equal(desired, existing):
        return Replace(kind, desired, existing.resource_version)
    return None


def _equal(one: ResourceList, other: ResourceList) -> bool:
    return dict(one) == dict(other)


def _scopes(quota: DesiredQuota | QuotaStatus) -> tuple[frozenset[str], frozenset[ScopeRequirement]]:
    selector = (msgspec.structs.replace(one, values=tuple(sorted(one.values))) for one in quota.scope_selector)
    return frozenset(quota.scopes), frozenset(selector)


def _complete(items: Iterable[LimitRangeItem]) -> list[LimitRangeItem]:
    """Return items as the API server stores them: with derived defaults (L-1), which nobody has to write."""
    complete = (effective(item) if item.type == CONTAINER else item for item in items)
    return sorted(complete, key=lambda item: item.type)
