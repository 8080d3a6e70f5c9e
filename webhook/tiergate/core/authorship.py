"""Who wrote the values that a finding is about: the author of the object, or the tier."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache, partial
from typing import Final

import msgspec

from tiergate.core import default_amounts, defaults
from tiergate.core.claim import Claim
from tiergate.core.decision import Finding, RuleId
from tiergate.core.podspec import Container, Pod
from tiergate.core.quantity import ZERO, Quantity
from tiergate.core.resources import EMPTY, ResourceList, unit
from tiergate.core.tier import LimitRangeItem, Tier
from tiergate.core.usage import aggregate

_OF_REQUEST: Final[dict[RuleId, RuleId]] = {"limit-min": "request-min", "limit-max": "request-max"}

Names = Collection[tuple[str, str]]
"""Containers, and names of their values as quotas have them."""


def with_author(
    findings: tuple[Finding, ...], subject: Pod | Claim, old: Pod | Claim | None, tier: Tier
) -> tuple[Finding, ...]:
    """Mark the findings about a value that the tier set, and those about a limit that needs a lower request as well.

    What an update changes somebody wrote.
    """
    if not findings or not isinstance(subject, Pod):
        return findings
    note = subject.defaults_annotation if old is None else None
    named = frozenset[tuple[str, str]]() if note is None else defaults.named_in(note)
    ours = frozenset(
        [(name, resource) for name, resource in named if _is_default(subject, name, resource, named, tier)]
    )
    requested = cache(partial(written_request, subject, ours=ours))  # there can be many quotas
    return tuple([_with_author(one, subject, ours, tier, requested) for one in findings])


def _is_default(pod: Pod, container: str, resource: str, named: Names, tier: Tier) -> bool:
    """Say whether a value is what the tier sets; a pod that was copied and edited has the annotation of the former.

    A default limit fits the request: the written one, or the tier's where the annotation names that, too.
    """
    side, _, name = resource.partition(".")
    item, one = tier.container, pod.by_name.get(container)
    if item is None or one is None:
        return False
    default, request, is_limit = _default(item, side, name), one.requests.get(name), side == "limits"
    value = one.limits.get(name) if is_limit else request
    if default is None or value is None:
        return False
    if is_limit and request is not None:
        mine = f"requests.{name}"
        if (container, mine) in named and not _is_default(pod, container, mine, named, tier):
            request = item.default_request.get(name, request)
        default = default_amounts.fitted(name, default, request, item.max_limit_request_ratio.get(name))
    if pod.pod_level and not is_limit and value <= default:  # what the pod-level request leaves
        return True
    return 0 <= value.nano - default.nano < unit(name)  # the API server rounds up


def _default(item: LimitRangeItem, side: str, name: str) -> Quantity | None:
    return (item.default if side == "limits" else item.default_request).get(name)


def _with_author(finding: Finding, pod: Pod, ours: Names, tier: Tier, requested: Callable[[str], Quantity]) -> Finding:
    if finding.rule == "quota-exceeded" and finding.fits is not None:
        same = requested(finding.resource) > finding.fits
        finding = msgspec.structs.replace(finding, same_request=same)
    return _by_tier(finding, pod, ours, tier) if (finding.container, finding.resource) in ours else finding


def _by_tier(finding: Finding, pod: Pod, ours: Names, tier: Tier) -> Finding:
    """Return the finding with the tier as the author, or about the request that a default limit was raised to."""
    request = finding.resource.replace("limits.", "requests.", 1)
    related = _OF_REQUEST.get(finding.rule)
    if related is None or not finding.same_request or (finding.container, request) in ours:
        return msgspec.structs.replace(finding, by_tier=True, default=_adapted(finding, pod, tier))
    return msgspec.structs.replace(
        finding,
        rule=related,
        pointer=finding.pointer.replace("/limits/", "/requests/"),
        resource=request,
        same_request=False,
    )


def _adapted(finding: Finding, pod: Pod, tier: Tier) -> Quantity | None:
    """Return the tier's default where the container has another value: a limit raised to the request, or less."""
    side, _, name = finding.resource.partition(".")
    item, container = tier.container, pod.by_name.get(finding.container)
    if item is None or container is None:
        return None
    default, value = (
        _default(item, side, name),
        (container.limits if side == "limits" else container.requests).get(name),
    )
    return None if value == default else default


def written_request(pod: Pod, resource: str, ours: Names = ()) -> Quantity:
    """Return what a pod's author requests of a resource that he limits, beside the names that the tier set.

    A request that nobody wrote follows the limit. ``resource`` is as quotas name it; 0 where it is no limit.
    """
    side, _, name = resource.partition(".")
    if side != "limits":
        return ZERO

    def written(container: Container) -> ResourceList:
        request = container.requests.get(name)
        mine = name in container.written_requests and (container.name, f"requests.{name}") not in ours
        return {name: request} if mine and request is not None else EMPTY

    return pod.requests.get(name) or aggregate(pod, written).get(name, ZERO)
