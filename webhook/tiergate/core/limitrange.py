"""LimitRange semantics: defaults, min, max and maxLimitRequestRatio.

Follows kubernetes ``plugin/pkg/admission/limitranger`` with the differences on purpose that
docs/differences.md lists. All comparisons are exact (not L-40's projections).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from tiergate.core.claim import STORAGE_POINTER, Claim
from tiergate.core.decision import Finding, RuleId
from tiergate.core.jsonpatch import JSONPatchOp, add, escape
from tiergate.core.podspec import FEW_ANNOTATIONS, Container, Pod
from tiergate.core.quantity import NANO, Quantity
from tiergate.core.resources import HUGEPAGES, POD_LEVEL_COMPUTE, ResourceList, is_extended
from tiergate.core.tier import LimitRangeItem, Tier
from tiergate.core.usage import aggregate, limit_range_totals, spec_requests

ANNOTATION = "tiergate.io/defaults"
ANNOTATION_PREFIX = "tiergate set: "
SHORT_TEXT = 4096
"""Characters of our annotation that fit beside few others, however many bytes they take."""
MAX_ANNOTATIONS = 256 * 2**10
"""Bytes of all annotations of an object, names and values: the API server takes no more."""


class Additions(msgspec.Struct, frozen=True):
    """What defaulting adds to one container: names it had no value for."""

    container: Container
    requests: Mapping[str, Quantity]
    limits: Mapping[str, Quantity]


def with_defaults(pod: Pod, tier: Tier) -> tuple[Pod, tuple[Additions, ...]]:
    """Return the pod with the tier's defaults, and what was added to which container (L-10).

    Pod-level resources suppress defaults on their side, and a resource whose default requests would not fit
    the pod-level value gets none at all: the API would refuse the pod (D-8), which was valid without us. Neither do
    hugepages that some container would stay without.
    """
    if tier.container is None:
        return pod, ()
    defaulted, additions = _completed(pod, tier.container, frozenset())
    without: frozenset[str] = frozenset()
    # What is left out may leave others uneven: hugepages need cpu or memory beside them.
    while pod.pod_level and (more := (_crowded(defaulted) | _uneven(defaulted)) - without):
        without |= more
        defaulted, additions = _completed(pod, tier.container, without)
    return defaulted, additions


def _completed(pod: Pod, item: LimitRangeItem, without: frozenset[str]) -> tuple[Pod, tuple[Additions, ...]]:
    additions: list[Additions] = []
    containers = tuple(_defaulted(pod, container, item, without, additions) for container in pod.containers)
    init_containers = tuple(_defaulted(pod, container, item, without, additions) for container in pod.init_containers)
    if not additions:
        return pod, ()
    return msgspec.structs.replace(pod, containers=containers, init_containers=init_containers), tuple(additions)


def _crowded(pod: Pod) -> frozenset[str]:
    """Return the resources whose container requests together exceed the pod-level request, or else limit."""
    bounds = {**pod.limits, **pod.requests}
    return frozenset(
        name for name, asked in aggregate(pod, spec_requests).items() if name in bounds and asked > bounds[name]
    )


def _uneven(pod: Pod) -> frozenset[str]:
    """Return the hugepages that only some containers limit.

    The server adds them up at the pod level (D-5), and the sum is then the limit of the containers without one.
    """
    limited = [container.limits.keys() for container in pod.every_container()]
    return frozenset(
        name
        for name in set[str]().union(*limited)
        if name.startswith(HUGEPAGES) and not all(name in names for names in limited)
    )


def _defaulted(
    pod: Pod, container: Container, item: LimitRangeItem, without: frozenset[str], additions: list[Additions]
) -> Container:
    limits = {
        name: _lifted(limit, container.requests.get(name))
        for name, limit in item.default.items()
        if name not in container.limits and name not in pod.limits and name not in without
    }
    requests = {
        name: request
        for name, request in item.default_request.items()
        if name not in container.requests and name not in without and _takes_request(pod, name, limits)
    }
    limits, requests = _valid_alone(container, limits, requests)
    if not limits and not requests:
        return container
    additions.append(Additions(container, requests, limits))
    # The API server completes requests from limits after our patch (D-3); a new limit never comes without a request.
    return msgspec.structs.replace(
        container,
        requests={**container.requests, **requests},
        limits={**container.limits, **limits},
    )


def _takes_request(pod: Pod, name: str, limits: Mapping[str, Quantity]) -> bool:
    """Say whether a container without a request gets the default one.

    Beside a pod-level request only together with a default limit, which would otherwise become the request
    after our patch (A-33, D-3).
    """
    return name in limits or name not in pod.requests


def _valid_alone(
    container: Container, limits: dict[str, Quantity], requests: dict[str, Quantity]
) -> tuple[dict[str, Quantity], dict[str, Quantity]]:
    """Leave out the defaults that the API would refuse in this container, where LimitRanger breaks the pod.

    Hugepages and extended resources may not be requested without a limit (D-13; a ``min`` alone derives such
    a default), and hugepages need cpu or memory beside them (D-14).
    """
    whole = [name for name in {**limits, **requests} if _needs_limit(name)]
    if not whole:
        return limits, requests
    computes = not POD_LEVEL_COMPUTE.isdisjoint({*container.requests, *limits, *requests})
    refused = {
        name
        for name in whole
        if (name not in limits and name not in container.limits) or (name.startswith(HUGEPAGES) and not computes)
    }
    return _omitting(limits, refused), _omitting(requests, refused)


def _needs_limit(name: str) -> bool:
    """Say whether the API takes requests of the resource only with an equal limit: no overcommitment (D-13)."""
    return name.startswith(HUGEPAGES) or is_extended(name)


def _omitting(resources: dict[str, Quantity], names: set[str]) -> dict[str, Quantity]:
    return {name: quantity for name, quantity in resources.items() if name not in names}


def _lifted(limit: Quantity, request: Quantity | None) -> Quantity:
    """Return the default limit, raised to a larger request: LimitRanger would break the pod (L-11)."""
    return limit if request is None or request <= limit else request


def patch(pod: Pod, additions: tuple[Additions, ...]) -> tuple[JSONPatchOp, ...]:
    """Return the smallest operations that write the additions and the annotation that names them.

    The annotation is left out where the API server would refuse the pod for it.
    """
    operations = [operation for one in additions for operation in _container_patch(one)]
    if not operations:
        return ()
    text = described(additions, after=pod.defaults_annotation)
    large = len(text) > SHORT_TEXT or pod.annotation_bytes > FEW_ANNOTATIONS  # as almost never: counting takes time
    if large and _annotations_with(pod, text) > MAX_ANNOTATIONS:
        return tuple(operations)
    if pod.has_annotations:
        return (*operations, add(f"{pod.pointer}/metadata/annotations", ANNOTATION, text))
    if pod.has_metadata:
        return (*operations, JSONPatchOp("add", f"{pod.pointer}/metadata/annotations", {ANNOTATION: text}))
    return (*operations, JSONPatchOp("add", f"{pod.pointer}/metadata", {"annotations": {ANNOTATION: text}}))


def _annotations_with(pod: Pod, text: str) -> int:
    """Return the bytes of all annotations with ours, in place of an earlier one."""
    before = "" if pod.defaults_annotation is None else f"{ANNOTATION}{pod.defaults_annotation}"
    return pod.annotation_bytes - len(before.encode()) + len(f"{ANNOTATION}{text}".encode())


def _container_patch(addition: Additions) -> Iterator[JSONPatchOp]:
    container = addition.container
    added = {"limits": _texts(addition.limits), "requests": _texts(addition.requests)}
    written = {"limits": container.limits.keys(), "requests": container.written_requests}
    parent = f"{container.pointer}/resources"
    if not container.has_resources:
        yield JSONPatchOp("add", parent, {field: values for field, values in added.items() if values})
        return
    for field, values in added.items():
        if not written[field]:
            if values:
                yield add(parent, field, values)
        else:
            for name, text in values.items():
                yield add(f"{parent}/{field}", name, text)


def _texts(resources: Mapping[str, Quantity]) -> dict[str, str]:
    return {name: str(quantity) for name, quantity in sorted(resources.items())}


def described(additions: tuple[Additions, ...], *, after: str | None = None) -> str:
    """Name what was set; an earlier pass's text stays in front (a sidecar may come later)."""
    parts = []
    for one in additions:
        kind = "init container" if one.container.init else "container"
        for word, resources in (("request", one.requests), ("limit", one.limits)):
            if resources:
                parts.append(f"{', '.join(sorted(resources))} {word} for {kind} {one.container.name}")
    text = "; ".join(parts)
    if after is not None and after.startswith(ANNOTATION_PREFIX):
        return f"{after}; {text}"
    return ANNOTATION_PREFIX + text


def container_min(pod: Pod, old: Pod | None, bounds: ResourceList) -> Iterator[Finding]:
    """Check ``min``: each value the container has must be at least that (L-21)."""
    for container in pod.every_container():
        for name, bound in bounds.items():
            if old is not None and _unchanged(old, container, name):
                continue
            request, limit = container.requests.get(name), container.limits.get(name)
            if request is not None and request.nano < bound.nano:
                yield _range("request-min", container, "requests", name, request, bound)
            if limit is not None and limit.nano < bound.nano:
                yield _range("limit-min", container, "limits", name, limit, bound)


def container_max(pod: Pod, old: Pod | None, bounds: ResourceList) -> Iterator[Finding]:
    """Check ``max``: a limit must exist and be at most that, a request too (L-22).

    A container without its own limit is judged by the pod-level limit.
    """
    for container in pod.every_container():
        for name, bound in bounds.items():
            limit = container.limits.get(name, pod.limits.get(name))
            if _unchanged(old, container, name) and limit == _limit_before(old, container, name):
                continue
            request = container.requests.get(name)
            if limit is None and request is None and _needs_limit(name):
                continue  # what cannot be used without a limit is not used at all
            if limit is None or limit.nano > bound.nano:
                yield _range("limit-max", container, "limits", name, limit, bound)
            if request is not None and request.nano > bound.nano:
                yield _range("request-max", container, "requests", name, request, bound)


def container_zero(pod: Pod, old: Pod | None, bounds: ResourceList) -> Iterator[Finding]:
    """Refuse a cpu or memory limit of 0 under a ``max``: at run time 0 means no limit."""
    bounded = [name for name in ("cpu", "memory") if name in bounds]
    for container in pod.every_container():
        for name in bounded:
            limit = container.limits.get(name)
            if limit is not None and not limit.nano and not _unchanged(old, container, name):
                yield _range("limit-zero", container, "limits", name, limit, bounds[name])


def container_ratio(pod: Pod, old: Pod | None, bounds: ResourceList) -> Iterator[Finding]:
    """Check ``maxLimitRequestRatio``: both sides must exist, be positive and keep it (L-23)."""
    for container in pod.every_container():
        for name, ratio in bounds.items():
            if old is not None and _unchanged(old, container, name):
                continue
            request, limit = container.requests.get(name), container.limits.get(name)
            if _exceeds_ratio(request, limit, ratio):
                found = _range("limit-request-ratio", container, "requests", name, request, ratio)
                yield msgspec.structs.replace(found, limit=limit)


def pod_min(pod: Pod, old: Pod | None, bounds: ResourceList) -> Iterator[Finding]:
    """Check ``min`` of the Pod item against the totals; a request must exist (L-21, L-30)."""
    requests, limits = limit_range_totals(pod)
    for name, bound in bounds.items():
        if _same_totals(old, pod, name):
            continue
        request, limit = requests.get(name), limits.get(name)
        if request is None or request.nano < bound.nano:
            yield _total("pod-request-min", pod, "requests", name, request, bound)
        if limit is not None and limit.nano < bound.nano:
            yield _total("pod-limit-min", pod, "limits", name, limit, bound)


def pod_max(pod: Pod, old: Pod | None, bounds: ResourceList) -> Iterator[Finding]:
    """Check ``max`` of the Pod item against the totals; a limit must exist (L-22, L-30)."""
    requests, limits = limit_range_totals(pod)
    for name, bound in bounds.items():
        if _same_totals(old, pod, name):
            continue
        request, limit = requests.get(name), limits.get(name)
        if limit is None or limit.nano > bound.nano:
            yield _total("pod-limit-max", pod, "limits", name, limit, bound)
        if request is not None and request.nano > bound.nano:
            yield _total("pod-request-max", pod, "requests", name, request, bound)


def pod_ratio(pod: Pod, old: Pod | None, bounds: ResourceList) -> Iterator[Finding]:
    """Check ``maxLimitRequestRatio`` of the Pod item against the totals (L-23, L-30)."""
    requests, limits = limit_range_totals(pod)
    for name, ratio in bounds.items():
        request, limit = requests.get(name), limits.get(name)
        if not _same_totals(old, pod, name) and _exceeds_ratio(request, limit, ratio):
            found = _total("pod-limit-request-ratio", pod, "requests", name, request, ratio)
            yield msgspec.structs.replace(found, limit=limit)


def claim_range(claim: Claim, item: LimitRangeItem) -> Iterator[Finding]:
    """Check a claim's storage request by ``min`` and ``max``; it must exist for both (L-24)."""
    request, pointer = claim.storage, f"{claim.pointer}{STORAGE_POINTER}"
    low, high = item.min.get("storage"), item.max.get("storage")
    if low is not None and (request is None or request < low):
        yield Finding("claim-min", pointer, resource="requests.storage", actual=request, bound=low)
    if high is not None and (request is None or request > high):
        yield Finding("claim-max", pointer, resource="requests.storage", actual=request, bound=high)


def _exceeds_ratio(request: Quantity | None, limit: Quantity | None, ratio: Quantity) -> bool:
    if not request or not limit:
        return True
    return limit.nano * NANO > request.nano * ratio.nano


def _unchanged(old: Pod | None, container: Container, name: str) -> bool:
    """Say whether a resize leaves this resource of the container alone: then it is not judged again."""
    if old is None:
        return False
    before = old.by_name.get(container.name)
    return (
        before is not None
        and before.requests.get(name) == container.requests.get(name)
        and before.limits.get(name) == container.limits.get(name)
    )


def _limit_before(old: Pod | None, container: Container, name: str) -> Quantity | None:
    """Return the limit that judged the container before a resize: its own, else the pod-level one."""
    before = old.by_name.get(container.name) if old else None
    return before.limits.get(name, old.limits.get(name)) if before and old else None


def _same_totals(old: Pod | None, pod: Pod, name: str) -> bool:
    if old is None:
        return False
    before, after = limit_range_totals(old), limit_range_totals(pod)
    return all(one.get(name) == other.get(name) for one, other in zip(before, after, strict=True))


def _range(
    rule: RuleId, container: Container, side: str, name: str, actual: Quantity | None, bound: Quantity
) -> Finding:
    return Finding(
        rule,
        f"{container.pointer}/resources/{side}/{escape(name)}",
        container=container.name,
        init=container.init,
        resource=f"{side}.{name}",
        actual=actual,
        bound=bound,
    )


def _total(rule: RuleId, pod: Pod, side: str, name: str, actual: Quantity | None, bound: Quantity) -> Finding:
    return Finding(rule, f"{pod.pointer}/spec", resource=f"{side}.{name}", actual=actual, bound=bound)
