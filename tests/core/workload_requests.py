"""Requests for workloads, and what is known where they are decided."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.builders import a_quota, a_tier, a_tier_quota, an_item, the_facts
from tests.core.workloads import KNOWN, a_workload
from tiergate.core.decision import Fault
from tiergate.core.facts import Facts, TierState
from tiergate.core.mode import Mode, WorkloadPolicy
from tiergate.core.placement import Placement
from tiergate.core.request import Request, Subject, Unreadable, WorkloadChange
from tiergate.core.tier import Tier

HARD = {"limits.cpu": "4"}
FREE, FULL = a_quota(HARD), a_quota(HARD, HARD)


def a_governing(mode: Mode = "Enforce", workloads: WorkloadPolicy = "Enforce", **fields: Any) -> Tier:  # noqa: ANN401  # of a_tier
    """Return a tier with a quota of 4 cores."""
    tier = a_tier(an_item(high={"cpu": "2"}), quotas=[a_tier_quota(HARD)], mode=mode, **fields)
    return msgspec.structs.replace(tier, workloads=workloads)


def asked(subject: Subject, resource: str = "deployments.apps", **fields: Any) -> Request:  # noqa: ANN401  # of Request
    """Return a request about a workload."""
    whole: dict[str, Any] = {"namespace": "dev", "name": "web", "user": "alice", **fields}
    return Request(endpoint="workloads", resource=resource, subject=subject, **whole)


TIER = a_governing()
FIVE = WorkloadChange(a_workload(replicas=5))
DAEMONS = WorkloadChange(a_workload(kind="DaemonSet", replicas=0, placement=Placement()))
FAULTY = Unreadable((Fault("/spec/replicas", "expected an int"),))


def known(tier: TierState = TIER, *quotas: Any, **fields: Any) -> Facts:  # noqa: ANN401  # of Facts
    """Return facts with all that a verdict rests on."""
    return the_facts(tier, tuple(quotas) or (FREE,), **{"around": KNOWN, **fields})
