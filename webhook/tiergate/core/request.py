"""What a decision is asked: may this object be stored, and what is to be added to it?"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from tiergate.core.claim import Claim
from tiergate.core.decision import Fault
from tiergate.core.podspec import Pod
from tiergate.core.quota import Measured
from tiergate.core.tier import Tier
from tiergate.core.workload import Scale, Workload

Endpoint = Literal["mutate", "validate", "workloads", "namespaces", "tiers"]
"""What the API server calls: its path without the slash."""
CLUSTER_WIDE: Final[frozenset[Endpoint]] = frozenset({"namespaces", "tiers"})
"""Endpoints whose objects have no namespace: these are judged by their names, and no tier's mode lifts their rules."""


class LabelChange(msgspec.Struct, frozen=True):
    """A change of the tier label of a namespace; None is "no label"."""

    before: str | None
    after: str | None


class TierChange(msgspec.Struct, frozen=True):
    """A Tier to be written. None: it is deleted, or (``spec_unchanged``) an update that leaves its spec alone."""

    tier: Tier | None
    spec_unchanged: bool = False


class WorkloadChange(msgspec.Struct, frozen=True):
    """A workload to be written, and the stored one of an UPDATE; None: it has no template."""

    workload: Workload | None
    old: Workload | None = None


class Unreadable(msgspec.Struct, frozen=True):
    """An object with values that cannot be read; there is at least one fault."""

    faults: tuple[Fault, ...]


Subject: TypeAlias = Pod | Claim | WorkloadChange | Scale | LabelChange | TierChange | Unreadable


def workload_of(subject: Subject | None) -> Workload | None:
    """Return the workload that is written, None of anything else."""
    return subject.workload if isinstance(subject, WorkloadChange) else None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request for a decision.

    ``resource`` is the resource and subresource as a rule names them (``pods/resize``). ``namespace`` is that of the
    object, or the name of a Namespace itself. ``old`` is the stored pod or claim of an UPDATE.
    """

    endpoint: Endpoint
    resource: str
    namespace: str
    name: str
    user: str
    groups: tuple[str, ...] = ()
    subject: Subject
    old: Measured | None = None
