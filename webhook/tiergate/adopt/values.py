"""What adopting a cluster rests on and ends in, as data."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from tiergate.core.native import LimitRange
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import Tier

Topic = Literal["merged", "ambiguous", "moved", "left-out", "native-alone", "several"]
"""What a remark is about.

``merged`` bounds of several objects, ``ambiguous`` defaults of several objects, ``moved`` defaults with which nothing
is admitted, ``left-out`` what a Tier may not say, ``native-alone`` names that only ResourceQuotas measure, ``several``
a tier with more than one ResourceQuota.
"""
TOPICS: Final[dict[Topic, str]] = {
    "merged": "several objects bound the same, the tightest bound is the tier's",
    "ambiguous": "several LimitRanges differ in a default, and which one a container gets is not defined",
    "moved": "defaults with which no container is admitted today",
    "left-out": "a Tier may not say this, it is left out",
    "native-alone": "names that stay with native quota alone; modes Warn and Audit do not report them",
    "several": "ResourceQuotas that the tier will have in each namespace",
}


class Remark(msgspec.Struct, frozen=True):
    """One thing that differs between the native objects and the Tier.

    ``place`` names what it is about: ``Container/max/cpu``, or ``quota/NAME/requests.cpu``. ``laxer`` says that the
    Tier may admit what the native objects refuse.
    """

    topic: Topic
    text: str
    place: str = ""
    laxer: bool = False


class NativeBounds(msgspec.Struct, frozen=True):
    """A namespace and the native objects that bound it, by name.

    Attributes:
        namespace: Its name.
        labels: Its labels.
        ranges: Its LimitRanges.
        quotas: Its ResourceQuotas.
        keepers: What manages an object, by kind and name: it would create the object again.
    """

    namespace: str
    labels: dict[str, str] = {}
    ranges: tuple[LimitRange, ...] = ()
    quotas: tuple[QuotaStatus, ...] = ()
    keepers: dict[tuple[str, str], str] = {}


class Skipped(msgspec.Struct, frozen=True):
    """A namespace that is left alone, and why."""

    namespace: str
    reason: str
    remarks: tuple[Remark, ...] = ()


class Member(msgspec.Struct, frozen=True):
    """A namespace of a new tier, with what differs for it."""

    native: NativeBounds
    remarks: tuple[Remark, ...]

    @property
    def namespace(self) -> str:
        """Its name."""
        return self.native.namespace


class NewTier(msgspec.Struct, frozen=True):
    """A Tier to be written, or one that ``exists`` and bounds the same, and its new namespaces, sorted."""

    tier: Tier
    members: tuple[Member, ...]
    exists: bool = False

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The names of its namespaces."""
        return tuple(one.namespace for one in self.members)


class AdoptionPlan(msgspec.Struct, frozen=True):
    """The tiers by name, and the namespaces that are left alone."""

    tiers: tuple[NewTier, ...] = ()
    skipped: tuple[Skipped, ...] = ()
