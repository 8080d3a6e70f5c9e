"""The usage of the tiers at one time, as an immutable value that other threads may read."""

from datetime import datetime

import msgspec

from tiergate.core.quantity import Quantity


class UsageRow(msgspec.Struct, frozen=True):
    """One resource of one ResourceQuota: ``used`` of ``hard``."""

    tier: str
    namespace: str
    quota: str
    resource: str
    used: Quantity
    hard: Quantity


class TierCondition(msgspec.Struct, frozen=True):
    """Whether one condition of a Tier holds, and why: Ready or Enforcing, with the controller's reason."""

    tier: str
    condition: str
    reason: str
    holds: bool


class UsageSnapshot(msgspec.Struct, frozen=True):
    """All governed namespaces' quotas, ordered by tier, namespace, quota and resource."""

    taken: datetime
    rows: tuple[UsageRow, ...] = ()
