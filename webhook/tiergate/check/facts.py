"""The facts of a decision that is given offline, and what no decision is given on.

All that is known is what the input says.
"""

from __future__ import annotations

from typing import Final, get_args

from tiergate.check.surroundings import NamespaceSurroundings
from tiergate.core.decision import FactName
from tiergate.core.facts import Facts, Server, TierState
from tiergate.core.request import Subject, WorkloadChange, workload_of
from tiergate.core.tier import Tier
from tiergate.core.workload import Scale, Workload

_EVERYTHING: Final[frozenset[FactName]] = frozenset(get_args(FactName))
"""Nothing can be read anew, so that no decision asks for it."""

_NO_NAMESPACE: Final = "\ud800"
"""Stands for the namespace of the release, which is not known: half a character, which no text holds that is read."""


def offline(  # noqa: PLR0913, RUF100  # what differs between those who ask
    known: NamespaceSurroundings,
    tier: TierState,
    *,
    minor: int,
    permitted: frozenset[str] = frozenset(),
    members: tuple[str, ...] = (),
    scaled: Workload | None = None,
) -> Facts:
    """Return the facts about a request on a server of release 1.``minor``.

    Args:
        known: What is known of the namespace.
        tier: Its tier, or the one that a label names.
        minor: The release.
        permitted: Tiers that whoever asks may assign.
        members: The namespaces of a Tier that is written.
        scaled: The workload that is scaled.
    """
    enforced = not isinstance(tier, Tier) or tier.is_native
    ours = tuple(one for one in known.quotas if one.managed)
    return Facts(
        server=Server(minor, now=0.0),
        release_namespace=_NO_NAMESPACE,
        tier=tier,
        quotas=known.quotas if enforced else tuple(one for one in known.quotas if not one.managed),
        usage=ours,
        permitted=permitted,
        members=members,
        trusted=True,
        fresh=_EVERYTHING,
        unread=frozenset(),
        waited=True,
        around=known.around,
        scaled=scaled,
    )


def left_alone(subject: Subject, tier: Tier) -> str:
    """Return why the pods of a workload are not judged, "" where they are: each is judged when it is created."""
    if owned := of_another(subject):
        return owned
    if tier.workloads == "Ignore" and isinstance(subject, WorkloadChange | Scale):
        return "its tier leaves workloads alone (workloads: Ignore): its pods are not judged"
    return ""


def of_another(subject: Subject) -> str:
    """Return that somebody else makes the pods of a workload, "" where its own controller does."""
    workload = workload_of(subject)
    if workload is None or not workload.owned:
        return ""
    return "its ownerReferences or managedBy say that another object or controller has its pods: they are not judged"
