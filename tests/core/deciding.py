"""Tiers, quotas and changes that the tests of the decision share."""

from __future__ import annotations

from tests.builders import (
    a_tier,
    a_tier_quota,
)
from tiergate.core.request import LabelChange

TIER = a_tier(quotas=[a_tier_quota({"limits.cpu": "4"})])
ASKED = frozenset({"permissions"})


def label(before: str | None, after: str | None) -> LabelChange:
    return LabelChange(before, after)


MAY = frozenset({"dev"})
STRANGE = a_tier(groups=["system:authenticated"], name="agent-7f9c")
