"""Whom a tier exempts."""

from __future__ import annotations

from tiergate.core.tier import Tier


def exemption(tier: Tier, *, user: str, groups: tuple[str, ...]) -> str:
    """Return which user or group the tier exempts, or "" (as Pod Security Admission's exemptions)."""
    if not tier.exempt_users and not tier.exempt_groups:  # nearly every tier: no look at each group
        return ""
    if user in tier.exempt_users:
        return f"user {user}"
    return next((f"group {group}" for group in groups if group in tier.exempt_groups), "")
