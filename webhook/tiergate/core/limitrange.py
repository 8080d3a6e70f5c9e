"""LimitRange semantics: min, max and maxLimitRequestRatio.

Follows kubernetes ``plugin/pkg/admission/limitranger`` with the differences on purpose that
docs/differences.md lists. All comparisons are exact (not L-40's projections).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from tiergate.core.claim import STORAGE_POINTER, Claim
from tiergate.core.decision import Finding, RuleId
from tiergate.core.jsonpatch import escape
from tiergate.core.podspec import Container, Pod
from tiergate.core.quantity import MAX_BITS, NANO, ZERO, Quantity
from tiergate.core.resources import POD_LEVEL_COMPUTE, ResourceList, needs_limit
from tiergate.core.tier import LimitRangeItem
from tiergate.core.usage import limit_range_totals

_UNBOUNDED: Final = 2**MAX_BITS

Range = tuple[tuple[str, int, int], ...]
"""(resource, least, most) in nano-units."""


def container_range(low: ResourceList, high: ResourceList, positive: Iterable[str]) -> Range:
    """Return the amounts that no check of a container's values refuses, by the bounds of these checks."""
    names = {*low, *high, *positive}
    most = {name: high[name].nano if name in high else _UNBOUNDED for name in sorted(names)}
    return tuple([(name, max(low.get(name, ZERO).nano, 1), most[name]) for name in most])


def in_range(ranges: Range, pod: Pod) -> bool:
    """Say whether every container has these requests and limits, all in range, as in nearly every defaulted pod.

    Then `container_min`, `container_max` and `zero_limits` find nothing; else they may or may not.
    """
    if pod.pod_level:
        return False
    for container in pod.every_container():
        requests, limits = container.requests, container.limits
        for name, least, most in ranges:
            request, limit = requests.get(name), limits.get(name)
            if request is None and limit is None:
                if most < _UNBOUNDED:
                    return False
            elif request is None or limit is None or not least <= request.nano <= limit.nano <= most:
                return False
    return True


def container_min(bounds: ResourceList, pod: Pod, old: Pod | None) -> Iterator[Finding]:
    """Check ``min``: each value the container has must be at least that (L-21), else the pod-level value.

    A request that is the same as the limit is one mistake with it: where only the limit is written the API copies it.
    """
    once = not pod.pod_level  # where there is a pod-level request, too, each of both has to grow by itself
    for container in pod.every_container():
        requests, limits = container.requests, container.limits
        for name, bound in bounds.items():
            if old is not None and _unchanged(old, container, name):
                continue
            request, limit = requests.get(name), limits.get(name)
            if request is not None and request.nano < bound.nano and not (once and _same(request, limit)):
                found = _range("request-min", container, "requests", name, request, bound)
                yield msgspec.structs.replace(found, pod_level=pod.requests.get(name))
            if limit is not None and limit.nano < bound.nano:
                same = once and _same(request, limit)
                yield _range("limit-min", container, "limits", name, limit, bound, same_request=same)
    if pod.pod_level:
        yield from _pod_level_min(bounds, pod, old)


def _pod_level_min(bounds: ResourceList, pod: Pod, old: Pod | None) -> Iterator[Finding]:
    """Check the pod-level values that stand for those of the containers: where none has one."""
    containers = pod.every_container()
    for name, bound in bounds.items():
        request, limit = pod.requests.get(name), pod.limits.get(name)
        if old is not None and (request, limit) == (old.requests.get(name), old.limits.get(name)):
            continue
        if request is not None and request.nano < bound.nano and not any(name in one.requests for one in containers):
            yield _pod_level("request-min", pod, "requests", name, request, bound)
        if limit is not None and limit.nano < bound.nano and not any(name in one.limits for one in containers):
            yield _pod_level("limit-min", pod, "limits", name, limit, bound)


def container_max(bounds: ResourceList, pod: Pod, old: Pod | None) -> Iterator[Finding]:
    """Check ``max``: a limit must exist and be at most that, a request too (L-22).

    A container without its own limit is judged by the pod-level limit.
    """
    for container in pod.every_container():
        requests, limits = container.requests, container.limits
        if pod.limits:
            limits = {**pod.limits, **limits}
        for name, bound in bounds.items():
            request, limit = requests.get(name), limits.get(name)
            if old is not None and _unchanged(old, container, name) and limit == _limit_before(old, container, name):
                continue
            if limit is None and request is None and needs_limit(name):
                continue  # what cannot be used without a limit is not used at all
            if limit is None or limit.nano > bound.nano:
                yield _range("limit-max", container, "limits", name, limit, bound, same_request=_same(request, limit))
            if request is not None and request.nano > bound.nano and not _same(request, limit):
                yield _range("request-max", container, "requests", name, request, bound)


def zero_limits(bounds: Mapping[str, Quantity | None], pod: Pod, old: Pod | None) -> Iterator[Finding]:
    """Refuse a limit of 0 of a resource that the tier bounds in any way: at run time 0 means no limit.

    ``bounds`` names these, each with the most that a container may have, None where nothing says so. A pod-level limit
    counts where a container has none of its own.
    """
    for container in pod.every_container():
        limits = container.limits
        for name in bounds:
            limit = limits.get(name)
            if limit is not None and not limit.nano and not (old is not None and _unchanged(old, container, name)):
                yield _range("limit-zero", container, "limits", name, limit, bounds[name])
    if not pod.limits:
        return
    for name in sorted(POD_LEVEL_COMPUTE & pod.limits.keys() & bounds.keys()):
        if pod.limits[name].nano or (old is not None and old.limits.get(name) == pod.limits[name]):
            continue
        if not all(name in container.limits for container in pod.every_container()):
            yield _pod_level("pod-limit-zero", pod, "limits", name, pod.limits[name], bounds[name])


def container_ratio(bounds: ResourceList, pod: Pod, old: Pod | None) -> Iterator[Finding]:
    """Check ``maxLimitRequestRatio``: both sides must exist, be positive and keep it (L-23)."""
    for container in pod.every_container():
        for name, ratio in bounds.items():
            if old is not None and _unchanged(old, container, name):
                continue
            request, limit = container.requests.get(name), container.limits.get(name)
            if _exceeds_ratio(request, limit, ratio):
                found = _range("limit-request-ratio", container, "requests", name, request, ratio)
                yield msgspec.structs.replace(found, limit=limit)


def pod_min(bounds: ResourceList, pod: Pod, old: Pod | None) -> Iterator[Finding]:
    """Check ``min`` of the Pod item against the totals; a request must exist (L-21, L-30)."""
    requests, limits = limit_range_totals(pod)
    for name, bound in bounds.items():
        if _same_totals(old, pod, name):
            continue
        request, limit = requests.get(name), limits.get(name)
        if request is None or (request.nano < bound.nano and not _same(request, limit)):
            yield _total("pod-request-min", pod, "requests", name, request, bound)
        if limit is not None and limit.nano < bound.nano:
            yield _total("pod-limit-min", pod, "limits", name, limit, bound, same_request=_same(request, limit))


def pod_max(bounds: ResourceList, pod: Pod, old: Pod | None) -> Iterator[Finding]:
    """Check ``max`` of the Pod item against the totals; a limit must exist (L-22, L-30)."""
    requests, limits = limit_range_totals(pod)
    for name, bound in bounds.items():
        if _same_totals(old, pod, name):
            continue
        request, limit = requests.get(name), limits.get(name)
        if limit is None or limit.nano > bound.nano:
            yield _total("pod-limit-max", pod, "limits", name, limit, bound, same_request=_same(request, limit))
        if request is not None and request.nano > bound.nano and not _same(request, limit):
            yield _total("pod-request-max", pod, "requests", name, request, bound)


def pod_ratio(bounds: ResourceList, pod: Pod, old: Pod | None) -> Iterator[Finding]:
    """Check ``maxLimitRequestRatio`` of the Pod item against the totals (L-23, L-30)."""
    requests, limits = limit_range_totals(pod)
    for name, ratio in bounds.items():
        request, limit = requests.get(name), limits.get(name)
        if not _same_totals(old, pod, name) and _exceeds_ratio(request, limit, ratio):
            found = _total("pod-limit-request-ratio", pod, "requests", name, request, ratio)
            yield msgspec.structs.replace(found, limit=limit)


def claim_range(item: LimitRangeItem, claim: Claim, old: Claim | None) -> Iterator[Finding]:
    """Check a claim's storage request, where it is new, by ``min`` and ``max``; it must exist for both (L-24)."""
    if old is not None and old.storage == claim.storage:
        return
    request, pointer = claim.storage, f"{claim.pointer}{STORAGE_POINTER}"
    low, high = item.min.get("storage"), item.max.get("storage")
    if low is not None and (request is None or request < low):
        yield Finding("claim-min", pointer, resource="requests.storage", actual=request, bound=low)
    if high is not None and (request is None or request > high):
        yield Finding("claim-max", pointer, resource="requests.storage", actual=request, bound=high)


def _same(request: Quantity | None, limit: Quantity | None) -> bool:
    """Say whether the request is the limit: asked only of values out of range, as every pod is compared with bounds."""
    return request is not None and request == limit


def _exceeds_ratio(request: Quantity | None, limit: Quantity | None, ratio: Quantity) -> bool:
    if not request or not limit:
        return True
    return limit.nano * NANO > request.nano * ratio.nano


def _unchanged(old: Pod, container: Container, name: str) -> bool:
    """Say whether a resize leaves this resource of the container alone: then it is not judged again."""
    before = old.by_name.get(container.name)
    return (
        before is not None
        and before.requests.get(name) == container.requests.get(name)
        and before.limits.get(name) == container.limits.get(name)
    )


def _limit_before(old: Pod, container: Container, name: str) -> Quantity | None:
    """Return the limit that judged the container before a resize: its own, else the pod-level one."""
    before = old.by_name.get(container.name)
    return before.limits.get(name, old.limits.get(name)) if before else None


def _same_totals(old: Pod | None, pod: Pod, name: str) -> bool:
    if old is None:
        return False
    before, after = limit_range_totals(old), limit_range_totals(pod)
    return all(one.get(name) == other.get(name) for one, other in zip(before, after, strict=True))


def _range(
    rule: RuleId,
    container: Container,
    side: str,
    name: str,
    actual: Quantity | None,
    bound: Quantity | None,
    *,
    same_request: bool = False,
) -> Finding:
    return Finding(
        rule,
        f"{container.pointer}/resources/{side}/{escape(name)}",
        container=container.name,
        init=container.init,
        resource=f"{side}.{name}",
        actual=actual,
        bound=bound,
        same_request=same_request,
    )


def _pod_level(rule: RuleId, pod: Pod, side: str, name: str, actual: Quantity, bound: Quantity | None) -> Finding:
    pointer = f"{pod.pointer}/spec/resources/{side}/{escape(name)}"
    return Finding(rule, pointer, resource=f"{side}.{name}", actual=actual, bound=bound)


def _total(
    rule: RuleId,
    pod: Pod,
    side: str,
    name: str,
    actual: Quantity | None,
    bound: Quantity,
    *,
    same_request: bool = False,
) -> Finding:
    where = f"{pod.pointer}/spec"
    return Finding(rule, where, resource=f"{side}.{name}", actual=actual, bound=bound, same_request=same_request)
