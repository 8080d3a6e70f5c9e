"""The tiers in a values file of the chart, read and judged as they will be in force."""

from __future__ import annotations

from typing import Any

import msgspec

from tiergate.core.decision import Fault
from tiergate.core.jsonpatch import escape
from tiergate.core.tier import Tier
from tiergate.manifests.tiers import written_tier


def tier_of_values(name: str, tier: Any) -> tuple[Tier | None, tuple[Fault, ...]]:  # noqa: ANN401  # any value of JSON
    """Return a tier as ``written_tier`` does, with pointers into what the values have under its name.

    The chart makes the object of nothing but ``spec``: another field would be lost, and is a fault.
    """
    if not isinstance(tier, dict):
        return None, (Fault("", "not an object with a spec"),)
    lost = tuple(Fault(f"/{escape(key)}", "no such field") for key in tier if key != "spec")
    found, faults = written_tier(msgspec.json.encode({"metadata": {"name": name}, "spec": tier.get("spec")}))
    return found, (*lost, *faults)
