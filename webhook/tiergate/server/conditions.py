"""The conditions of every tier, as the controller wrote them: what alerts about enforcement rest on.

The webhook's replicas are scraped and the controller is not. Nothing is decided on this cache, so it is neither waited
for nor trusted; tiers are few, and it costs one more watch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from tiergate.cluster.paths import TIERS
from tiergate.cluster.watch import Cache
from tiergate.metrics.snapshot import TierCondition

if TYPE_CHECKING:
    from tiergate.cluster.client import Client


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""
    reason: str = ""


class _Status(msgspec.Struct):
    conditions: list[_Condition] | None = None


class _Meta(msgspec.Struct):
    name: str = ""


class _Tier(msgspec.Struct):
    metadata: _Meta
    status: _Status | None = None


_read = msgspec.json.Decoder(_Tier).decode


def read_conditions(raw: bytes) -> tuple[TierCondition, ...]:
    """Decode the conditions of a Tier; () for one without, or with a status of another shape."""
    try:
        tier = _read(raw)
    except msgspec.ValidationError:
        return ()
    found = (tier.status.conditions if tier.status else None) or ()
    return tuple(TierCondition(tier.metadata.name, one.type, one.reason, holds=one.status == "True") for one in found)


class Conditions:
    """Follows the conditions of all tiers."""

    def __init__(self, client: Client) -> None:
        """Describe the cache; ``run`` fills it."""
        self._cache = Cache(client, TIERS, decode=read_conditions)
        self.run = self._cache.run

    def rows(self) -> tuple[TierCondition, ...]:
        """Return every condition that is known, by tier."""
        return tuple(self._rows())

    def _rows(self) -> Iterator[TierCondition]:
        for _, conditions in sorted(self._cache.items.items()):
            yield from conditions
