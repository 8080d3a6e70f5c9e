"""What a decision rests on besides the request: one frozen value that the caller gathers."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from tiergate.core.decision import FactName
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import Tier
from tiergate.core.workload import Workload
from tiergate.core.workload_case import UNKNOWN, Around


class MissingTier(msgspec.Struct, frozen=True):
    """The label of the namespace names a tier that does not exist."""

    name: str


class InvalidTier(msgspec.Struct, frozen=True):
    """The tier that the label names was never valid, so that no version of it can be in force."""

    name: str
    reason: str


TierState: TypeAlias = Tier | MissingTier | InvalidTier | None
"""The tier in force; None where the namespace is not known to have a tier label."""


class Server(msgspec.Struct, frozen=True):
    """The API server: ``minor`` of its release 1.x, and the time in seconds since the epoch.

    Some rules differ between releases, and a pod stuck in its deletion stops counting at a point in time (R-21).
    """

    minor: int
    now: float


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the cluster for one request. Nothing has a default: each field decides something.

    Attributes:
        server: Release and time.
        release_namespace: Our own namespace, which may never be governed.
        tier: The tier of the object's namespace, or the one that a label change names.
        quotas: Every ResourceQuota of the namespace, by name.
        usage: For a tier in mode Warn or Audit its quotas as they would be, used as the namespace's objects add up;
            None while that is not known.
        permitted: The tiers that the user may assign, of those that a label change touches.
        members: The namespaces whose label names the tier, sorted.
        trusted: Whether the caches are in touch with the API server, so that a verdict may rest on them.
        fresh: What was read from the API server for this request.
        unread: What was asked for and could not be read.
        waited: Whether the time to wait for a ResourceQuota is over.
        around: What a verdict on a workload rests on besides.
        scaled: The workload whose ``scale`` changes, as stored.
    """

    server: Server
    release_namespace: str
    tier: TierState
    quotas: tuple[QuotaStatus, ...]
    usage: tuple[QuotaStatus, ...] | None
    permitted: frozenset[str]
    members: tuple[str, ...]
    trusted: bool
    fresh: frozenset[FactName]
    unread: frozenset[FactName]
    waited: bool
    around: Around
    scaled: Workload | None

    def asked(self, fact: FactName) -> bool:
        """Say whether a fact was asked for: it is fresh, or could not be read."""
        return fact in self.fresh or fact in self.unread


def facts_of_label(
    server: Server,
    *,
    release_namespace: str,
    tier: TierState,
    permitted: frozenset[str],
    fresh: frozenset[FactName],
) -> Facts:
    """Return all that a decision on a change of the tier label rests on."""
    return Facts(
        server=server,
        release_namespace=release_namespace,
        tier=tier,
        quotas=(),
        usage=None,
        permitted=permitted,
        members=(),
        trusted=True,
        fresh=fresh,
        unread=frozenset(),
        waited=False,
        around=UNKNOWN,
        scaled=None,
    )


def facts_of_tier(server: Server, *, members: tuple[str, ...]) -> Facts:
    """Return all that a decision on a Tier that is written or deleted rests on."""
    of_label = facts_of_label(server, release_namespace="", tier=None, permitted=frozenset(), fresh=frozenset())
    return msgspec.structs.replace(of_label, members=members)


def quotas_by_usage(facts: Facts) -> tuple[QuotaStatus, ...]:
    """Return the quotas that count for a tier without ResourceQuotas of ours: other people's, and its computed usage.

    Ours that are still there are on their way out.
    """
    return tuple([quota for quota in facts.quotas if not quota.managed]) + (facts.usage or ())
