"""Usage and conditions of the tiers at one time, as immutable values that other threads may read."""

import msgspec

from tiergate.core.quantity import Quantity


class UsageRow(msgspec.Struct, frozen=True):
    """One resource of one ResourceQuota: ``used`` of ``hard``; ``of_tier`` says that the quota is the tier's own."""

    tier: str
    namespace: str
    quota: str
    resource: str
    used: Quantity
    hard: Quantity
    of_tier: bool = True


class TierCondition(msgspec.Struct, frozen=True):
    """Whether one condition of a Tier holds, and why: Ready or Enforcing, with the controller's reason."""

    tier: str
    condition: str
    reason: str
    holds: bool
