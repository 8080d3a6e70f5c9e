"""The modes of a tier."""

from __future__ import annotations

from typing import Final, Literal

Mode = Literal["Enforce", "Warn", "Audit"]
"""What happens to what breaks a tier: it is refused, the client is warned, or the audit log says so."""
MODES: Final[tuple[Mode, ...]] = ("Enforce", "Warn", "Audit")
