"""Warnings about a Tier that is written, as the sentences kubectl prints."""

from __future__ import annotations

from tiergate.core.decision import Finding
from tiergate.core.messages import Said
from tiergate.core.resources import is_extended
from tiergate.core.text import shortened


def derived_default(finding: Finding, _namespace: str) -> Said:
    """Warn of a default that follows from another field (L-1)."""
    derived = f"tier {finding.tier}: {finding.resource} is not written and becomes {finding.bound}"
    if is_extended(finding.resource.partition(".")[2]):
        return Said(f"{derived} in each container that sets none", "write 0 if these should get none")
    return Said(derived)


def max_without_min(finding: Finding, _namespace: str) -> Said:
    """Warn of a range with one end."""
    return Said(f"tier {finding.tier}: {finding.item} has a max for {finding.resource} and no min")


def default_pod_refused(finding: Finding, _namespace: str) -> Said:
    """Warn of a range that pods without resources break."""
    what = f"tier {finding.tier}: a pod whose containers set nothing is refused: {finding.detail}"
    return Said(what, "add or change a default of Container")


def unbounded_devices(finding: Finding, _namespace: str) -> Said:
    """Warn of devices that a claim can ask for and no quota of the tier counts (R-47)."""
    return Said(
        f"tier {finding.tier}: ResourceClaims can ask for devices that {finding.resource} does not count",
        "add <class>.deviceclass.resource.k8s.io/devices for each DeviceClass",
    )


def broad_exemption(finding: Finding, _namespace: str) -> Said:
    """Warn of an exemption that takes in more than people mean."""
    return Said(f"tier {finding.tier}: exempting {shortened(finding.user)} is rarely meant: {finding.detail}")


def unmeasured(finding: Finding, _namespace: str) -> Said:
    """Warn of quota names that are not measured from pods or claims."""
    return Said(f"tier {finding.tier}: in mode {finding.detail} nothing is reported on {finding.resource}")


def requests_above_limits(finding: Finding, _namespace: str) -> Said:
    """Warn of a bound that no pod can reach, as no request is above its limit."""
    limit = f"limits.{finding.resource.removeprefix('requests.')}"
    return Said(f'tier {finding.tier}: quota "{finding.quota}" bounds {finding.resource} above {limit}')
