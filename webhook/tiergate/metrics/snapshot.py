"""The usage of the tiers at one time, as immutable values that other threads may read."""

from collections.abc import Iterable
from itertools import chain

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


class NamespaceUsage(msgspec.Struct, frozen=True):
    """The quotas of one governed namespace, ordered by quota and resource.

    ``pods`` is how many more pods with the defaults of the tier fit, None where that cannot be computed.
    """

    tier: str
    name: str
    rows: tuple[UsageRow, ...] = ()
    pods: int | None = None


class TierCondition(msgspec.Struct, frozen=True):
    """Whether one condition of a Tier holds, and why: Ready or Enforcing, with the controller's reason."""

    tier: str
    condition: str
    reason: str
    holds: bool


def rows_of(namespaces: Iterable[NamespaceUsage]) -> tuple[UsageRow, ...]:
    """Return the rows of all namespaces."""
    return tuple(chain.from_iterable(one.rows for one in namespaces))
