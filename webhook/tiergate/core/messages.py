"""Findings as the sentences kubectl prints: what, where, asked, allowed, and the smallest way out.

A message never contains another namespace's object names.
"""

from __future__ import annotations

from typing import Final

from tiergate.core.decision import Finding
from tiergate.core.quantity import ZERO, Quantity
from tiergate.core.text import shortened

_CHANGEABLE: Final = frozenset({"requests", "limits", "cpu", "memory", "ephemeral-storage"})
"""What a quota name starts with when the object's author can ask for less of it."""
MAX_FAULT: Final = 1000
"""Characters of what is wrong with a tier that is written."""
MAX_NAMED: Final = 10
"""How many namespaces a sentence lists by name."""


def _where(finding: Finding) -> str:
    if finding.rule in ("claim-min", "claim-max"):
        return "claim"
    if not finding.container:
        return "pod"
    return f'{"init container" if finding.init else "container"} "{shortened(finding.container)}"'


def too_small(finding: Finding, _namespace: str) -> str:
    """Say that a value is below the tier's min; the containers' requests together must fit the pod-level one."""
    room = f", and the pod-level {finding.resource}, {finding.pod_level}, so that it fits" if finding.pod_level else ""
    return _bounded(finding, "asks for at least", "more") + room


def too_large(finding: Finding, _namespace: str) -> str:
    """Say that a value is above the tier's max, or missing under one."""
    return _bounded(finding, "allows at most", "less")


def _bounded(finding: Finding, allows: str, direction: str) -> str:
    name, bound = finding.resource, finding.bound
    actual = "not set" if finding.actual is None else finding.actual
    return f"{_where(finding)}: {name} is {actual}, the tier {allows} {bound}; set {name} to {bound} or {direction}"


def zero_limit(finding: Finding, _namespace: str) -> str:
    """Say that a limit of 0 is no limit."""
    name, bound = finding.resource, finding.bound
    start = f"{_where(finding)}: {name} is 0, which means no limit"
    if bound is None:
        return f"{start}, and the tier bounds it; set {name} above 0"
    return f"{start}, the tier allows at most {bound}; set {name} above 0 and to {bound} or less, or leave it out"


def zero_pod_limit(finding: Finding, _namespace: str) -> str:
    """Say that a pod-level limit of 0 is no limit, and stands for those that containers do not have."""
    name = finding.resource
    return (
        f"{_where(finding)}: the pod-level {name} is 0, which means no limit, and the tier bounds it; "
        f"set the pod-level {name} above 0"
    )


def ratio(finding: Finding, _namespace: str) -> str:
    """Say that limit and request are too far apart, or that one of them is missing."""
    name = finding.resource
    limit_name = name.replace("requests.", "limits.", 1)
    if not finding.actual or not finding.limit:
        missing = name if not finding.actual else limit_name
        return (
            f"{_where(finding)}: {missing} is not set or 0, the tier allows {limit_name} / {name} "
            f"at most {finding.bound}; set {missing}"
        )
    least = _request_for(finding.limit, finding.bound or ZERO)
    return (
        f"{_where(finding)}: {limit_name} / {name} is {finding.limit} / {finding.actual}, "
        f"the tier allows at most {finding.bound}; raise {name} to {least} or lower {limit_name}"
    )


def _request_for(limit: Quantity, ratio: Quantity) -> Quantity:
    """Return the smallest request, in milli, that keeps the ratio under the limit."""
    nano = -(-limit.nano * 10**9 // ratio.nano)
    return Quantity(nano, limit.format).rounded_up(10**6)


def required(finding: Finding, _namespace: str) -> str:
    """Say that a container lacks a value that a quota counts."""
    return (
        f'quota "{finding.quota}": {_where(finding)} has no {finding.resource}, '
        f"which the quota counts; set {finding.resource}"
    )


def exceeded(finding: Finding, namespace: str) -> str:
    """Say by how much a quota would be exceeded."""
    asked, used, hard = finding.actual or ZERO, finding.used or ZERO, finding.bound or ZERO
    over = used + asked - hard
    ways = [_fix(finding), f"free {over} in {namespace}" if over <= used else ""]
    most = f"the whole quota is {hard}" if hard else "the quota allows none"
    return (
        f'quota "{finding.quota}": {finding.resource} asks {asked}, used {used} of {hard}, over by {over}; '
        f"{', or '.join(filter(None, ways)) or most}"
    )


def _fix(finding: Finding) -> str:
    name, fits = finding.resource, finding.fits or ZERO
    if fits <= ZERO:
        return ""
    if name.endswith("requests.storage"):
        return f"set requests.storage to {fits} or less"
    if name.partition(".")[0] not in _CHANGEABLE:
        return ""
    if finding.container:
        return f"set {name} to {fits} or less"
    return f"lower {name} of all its containers together to {fits} or less"


def pending(finding: Finding, namespace: str) -> str:
    """Say that a quota is not in force yet."""
    return f'quota "{finding.quota}" is being set up in {namespace}; try again in a moment'


def no_tier(finding: Finding, namespace: str) -> str:
    """Say that the label names no tier."""
    return (
        f'the label tiergate.io/tier of namespace "{namespace}" names "{shortened(finding.tier)}", '
        "and there is no such tier; create it or correct the label"
    )


def bad_tier(finding: Finding, _namespace: str) -> str:
    """Say what is wrong with a tier: with the one that governs a pod, or with the object that is written."""
    if finding.tier:
        return f"tier {shortened(f'{finding.tier}: {finding.detail}')}; correct the tier"
    return shortened(f"{finding.pointer}: {finding.detail}", MAX_FAULT)


def malformed(finding: Finding, _namespace: str) -> str:
    """Say which value cannot be read."""
    return f"{shortened(finding.pointer) or 'object'}: {shortened(finding.detail)}"


def tier_in_use(finding: Finding, _namespace: str) -> str:
    """Say which namespaces keep a tier from being deleted."""
    names = finding.namespaces
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return (
        f"in use by {', '.join(names[:MAX_NAMED])}{more}; "
        "move these namespaces to another tier or remove their label tiergate.io/tier first"
    )


def not_permitted(finding: Finding, namespace: str) -> str:
    """Say which permission a change of the label requires."""
    tier = shortened(finding.tier)
    return (
        f'user "{shortened(finding.user)}" may not put namespace "{namespace}" into or out of tier "{tier}"; '
        f'this requires the verb "assign" on tiers.tiergate.io/{tier} (ClusterRole tiergate-tier-assigner)'
    )


def protected(_finding: Finding, namespace: str) -> str:
    """Say why a namespace cannot be governed."""
    return f'namespace "{namespace}" may not join a tier: refusing its pods could lock the cluster out'


def label_names_no_tier(finding: Finding, namespace: str) -> str:
    """Warn that the tier does not exist yet."""
    return f'tier "{shortened(finding.tier)}" does not exist yet; until it does, pods in {namespace} are refused'


def label_names_bad_tier(finding: Finding, namespace: str) -> str:
    """Warn that the tier cannot be in force."""
    tier, why = shortened(finding.tier), shortened(finding.detail)
    return f'tier "{tier}" cannot be in force, pods in {namespace} are refused: {why}'


def label_not_checked(finding: Finding, namespace: str) -> str:
    """Warn that it is not known whether the tier exists."""
    return f'tier "{shortened(finding.tier)}" could not be read; if it does not exist, pods in {namespace} are refused'


def derived_default(finding: Finding, _namespace: str) -> str:
    """Warn of a default that follows from another field (L-1)."""
    return f"tier {finding.tier}: {finding.resource} is not written and becomes {finding.bound}"


def max_without_min(finding: Finding, _namespace: str) -> str:
    """Warn of a range with one end."""
    return f"tier {finding.tier}: {finding.item} has a max for {finding.resource} and no min"


def unbounded_devices(finding: Finding, _namespace: str) -> str:
    """Warn of devices that a claim can ask for and no quota of the tier counts (R-47)."""
    return (
        f"tier {finding.tier}: ResourceClaims can ask for devices that {finding.resource} does not count; "
        "add <class>.deviceclass.resource.k8s.io/devices for each DeviceClass"
    )


def broad_exemption(finding: Finding, _namespace: str) -> str:
    """Warn of an exemption that takes in more than people mean."""
    return f"tier {finding.tier}: exempting {shortened(finding.user)} is rarely meant: {finding.detail}"


def unmeasured(finding: Finding, _namespace: str) -> str:
    """Warn of quota names that are not measured from pods or claims."""
    return f"tier {finding.tier}: in mode {finding.mode} nothing is reported on {finding.resource}"
