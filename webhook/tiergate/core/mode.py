"""The modes of a tier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Mode = Literal["Enforce", "Warn", "Audit"]
"""What happens to what breaks a tier: it is refused, the client is warned, or the audit log says so."""
MODES: Final[tuple[Mode, ...]] = ("Enforce", "Warn", "Audit")
Effect = Literal["deny", "warn", "audit"]
"""What a finding does: the request is refused, the client is warned, or the audit log says so."""
EFFECTS: Final[Mapping[Mode, Effect]] = {"Enforce": "deny", "Warn": "warn", "Audit": "audit"}
"""What becomes of a violation in each mode."""

WorkloadPolicy = Literal["Enforce", "Warn", "Ignore"]
"""What happens to a workload whose pods do not fit now: it is refused, the client is warned, or nobody looks."""
WORKLOAD_POLICIES: Final[tuple[WorkloadPolicy, ...]] = ("Enforce", "Warn", "Ignore")
