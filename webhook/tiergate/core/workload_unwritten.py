"""Which values of a workload's pods nobody wrote, so that messages call them defaults of the tier or a LimitRange."""

from __future__ import annotations

import msgspec

from tiergate.core.decision import Finding
from tiergate.core.lowering import side_and_name
from tiergate.core.native import Refusal
from tiergate.core.podspec import Container, Pod
from tiergate.core.resources import ResourceList
from tiergate.core.tier import Tier
from tiergate.core.workload_case import WorkloadCase
from tiergate.core.workload_findings import Author, Unwritten


def unwritten(pod: Pod, case: WorkloadCase, resource: str, *, at: str = "") -> Unwritten | None:
    """Return who set the values that a quota name counts of a pod of the template; None where its author did.

    ``at`` is the pointer of one container, "" for all of them together, beside which an overhead counts.
    """
    side, name = side_and_name(resource)
    if name in _values(pod, side):
        return None
    template = case.workload.template
    ranged = case.template_after_limit_ranges.every_container()
    every = zip(template.every_container(), ranged, pod.every_container(), strict=True)
    found = {
        _author(name, side, steps, case.tier)
        for steps in every
        if at in ("", steps[-1].pointer) and name in _values(steps[-1], side)
    }
    defaults = sorted(one for one in found if one is not None)
    if not defaults:
        return None
    return Unwritten(defaults[-1], whole=None not in found and (bool(at) or not pod.overhead.get(name)))


def _author(name: str, side: str, steps: tuple[Container, Container, Container], tier: Tier) -> Author | None:
    """Return who set a value of a container, from what it has in the template, after LimitRanges and in the end."""
    written, ranged, final = (_values(one, side) for one in steps)
    if name in written:
        return None
    if name in ranged:
        return "LimitRange"
    item, value = tier.container, final[name]
    default = None if item is None else (item.default if side == "limits" else item.default_request).get(name)
    if default is None or value < default:
        return "tier"  # which lowered its default, as for maxLimitRequestRatio
    return "default" if value == default else None  # else raised to the request that was written


def _values(of: Container | Pod, side: str) -> ResourceList:
    return of.limits if side == "limits" else of.requests


def by_limit_range(finding: Finding, case: WorkloadCase) -> Finding:
    """Return the finding marked where a LimitRange of the namespace set the value."""
    side, _, name = finding.resource.partition(".")
    template = case.workload.template
    one = case.template_after_limit_ranges.by_name.get(finding.container)
    if one is None or name not in _values(one, side) or name in _values(template.by_name[one.name], side):
        return finding
    return msgspec.structs.replace(finding, by_limit_range=True)


def of_refusal(refusal: Refusal, pod: Pod, case: WorkloadCase) -> Unwritten | None:
    """Return who set the value that a LimitRange refuses."""
    if refusal.missing or refusal.rule == "native-ratio" or refusal.kind == "PersistentVolumeClaim":
        return None
    at = refusal.pointer.removesuffix("/resources") if refusal.kind == "Container" else ""
    return unwritten(pod, case, f"{refusal.side}s.{refusal.resource}", at=at)
