"""Scopes of a ResourceQuota: which objects each matches (R-24, R-43, D-17)."""

from __future__ import annotations

from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod
from tiergate.core.tier import ScopeRequirement
from tiergate.core.usage import qos_class


def shape_of(subject: Pod | Claim, *, minor: int) -> Pod | Claim:
    """Return the object without all that no scope asks for, with the QoS class of release 1.``minor``."""
    if isinstance(subject, Claim):
        return Claim(attributes_classes=subject.attributes_classes)
    deadline = subject.active_deadline_seconds
    return Pod(
        # Scopes ask for the sign alone; the number differs from pod to pod.
        active_deadline_seconds=None if deadline is None else max(-1, min(deadline, 0)),
        qos_class=qos_class(subject, minor=minor),
        priority_class=subject.priority_class,
        cross_namespace_affinity=subject.cross_namespace_affinity,
    )


def in_scope(subject: Pod | Claim, wanted: ScopeRequirement, minor: int) -> bool:
    """Say whether one scope matches the object, on a server of release 1.``minor``."""
    if isinstance(subject, Claim):
        return wanted.scope_name == "VolumeAttributesClass" and _claim_class_matches(subject, wanted)
    match wanted.scope_name:
        case "Terminating":
            return _terminating(subject)
        case "NotTerminating":
            return not _terminating(subject)
        case "BestEffort":
            return qos_class(subject, minor=minor) == "BestEffort"
        case "NotBestEffort":
            return qos_class(subject, minor=minor) != "BestEffort"
        case "PriorityClass":
            return _class_matches(subject.priority_class, wanted)
        case "CrossNamespacePodAffinity":
            return subject.cross_namespace_affinity
        case _:
            return False


def _terminating(pod: Pod) -> bool:
    return pod.active_deadline_seconds is not None and pod.active_deadline_seconds >= 0


def _class_matches(name: str, wanted: ScopeRequirement) -> bool:
    match wanted.operator:
        case "Exists":
            return bool(name)
        case "DoesNotExist":
            return not name
        case "In":
            return name in wanted.values
        case "NotIn":
            return name not in wanted.values
        case _:
            return False


def _claim_class_matches(claim: Claim, wanted: ScopeRequirement) -> bool:
    if wanted.operator == "Exists":
        return bool(claim.attributes_classes)
    return any(_class_matches(name, wanted) for name in claim.attributes_classes or {""})
