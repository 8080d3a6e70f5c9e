"""Effective requests and limits of one pod: KEP-753 aggregation, pod level, overhead, resize.

Source: kubernetes component-helpers ``resource/helpers.go`` (PodRequests, PodLimits) and
``pkg/quota/v1/evaluator/core/pods.go``; rules L-30 to L-32 and R-20 to R-34.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Final

from tiergate.core.memo import Memo, is_short
from tiergate.core.podspec import Container, ContainerStatus, Pod
from tiergate.core.quantity import NANO, Quantity
from tiergate.core.release import EMPTY_POD_LEVEL_IGNORED, MAX_OF_SUMS
from tiergate.core.resources import (
    DEVICE_CLASS,
    EMPTY,
    HUGEPAGES,
    POD_LEVEL_COMPUTE,
    STANDARD,
    ResourceList,
    add_into,
    is_extended,
    is_pod_level,
    raise_to,
)

ONE: Final = Quantity(NANO)
Pick = Callable[[Container], ResourceList]


def aggregate(pod: Pod, pick: Pick) -> dict[str, Quantity]:
    """Return what the containers need at once (L-30): the larger of the running sum and any init step."""
    running = dict(pick(pod.containers[0])) if pod.containers else {}
    for container in pod.containers[1:]:
        add_into(running, pick(container))
    if not pod.init_containers:
        return running
    sidecars: dict[str, Quantity] = {}
    steps: dict[str, Quantity] = {}
    for container in pod.init_containers:
        resources = pick(container)
        if container.restartable:
            add_into(running, resources)
            add_into(sidecars, resources)
        else:
            step = dict(resources)  # the left one gives a sum its format
            add_into(step, sidecars)
            raise_to(steps, step)
    raise_to(running, steps)
    return running


spec_requests: Final[Pick] = attrgetter("requests")
"""A container's requests, as written or completed from its limits."""
spec_limits: Final[Pick] = attrgetter("limits")


def limit_range_totals(pod: Pod) -> tuple[dict[str, Quantity], dict[str, Quantity]]:
    """Return (requests, limits) that a LimitRange item of type Pod judges: no overhead, spec only (L-32)."""
    requests, limits = aggregate(pod, spec_requests), aggregate(pod, spec_limits)
    requests.update({name: q for name, q in pod.requests.items() if name in POD_LEVEL_COMPUTE})
    limits.update({name: q for name, q in pod.limits.items() if name in POD_LEVEL_COMPUTE})
    return requests, limits


def pod_requests(pod: Pod, *, minor: int) -> dict[str, Quantity]:
    """Return what quota of release 1.``minor`` counts as the pod's requests (R-31 to R-33)."""
    if minor >= MAX_OF_SUMS:
        result = _with_status(pod, spec_requests, _allocated, _actuated_requests)
    else:
        result = aggregate(pod, lambda container: _largest_requests(pod, container))
    if pod.requests:
        result.update({name: q for name, q in pod.requests.items() if is_pod_level(name)})
    if pod.overhead:
        add_into(result, pod.overhead)
    return result


def pod_limits(pod: Pod, *, minor: int) -> dict[str, Quantity]:
    """Return what quota counts as the pod's limits: overhead only where a limit is set (R-31)."""
    if minor >= MAX_OF_SUMS:
        result = _with_status(pod, spec_limits, _actuated_limits)
    else:
        result = aggregate(pod, lambda container: _largest_limits(pod, container))
    if pod.limits:
        result.update({name: q for name, q in pod.limits.items() if is_pod_level(name)})
    if pod.overhead:
        add_into(result, {name: q for name, q in pod.overhead.items() if result.get(name)})
    return result


def _with_status(pod: Pod, spec: Pick, *reported: Callable[[Pod, Container], ResourceList]) -> dict[str, Quantity]:
    """Return the per-resource maximum of the aggregates from spec and from each reported view (R-33)."""
    if not pod.statuses and not pod.resize_infeasible:
        return aggregate(pod, spec)
    result = {} if pod.resize_infeasible else aggregate(pod, spec)
    for view in reported:
        raise_to(result, aggregate(pod, lambda container, view=view: view(pod, container)))  # type: ignore[misc]  # a default binds the loop's value
    return result


def _fallback(pod: Pod, resources: ResourceList) -> ResourceList:
    """Return the spec's list where nothing is reported, unless the kubelet will never apply it."""
    return {} if pod.resize_infeasible else resources


def _allocated(pod: Pod, container: Container) -> ResourceList:
    status = pod.statuses.get(container.name)
    if status is None or status.allocated is None:
        return _fallback(pod, container.requests)
    return status.allocated


def _actuated_requests(pod: Pod, container: Container) -> ResourceList:
    status = pod.statuses.get(container.name)
    if status is None or status.requests is None:
        return _allocated(pod, container)
    return status.requests


def _actuated_limits(pod: Pod, container: Container) -> ResourceList:
    status = pod.statuses.get(container.name)
    if status is None or status.limits is None:
        return _fallback(pod, container.limits)
    return status.limits


def _largest_requests(pod: Pod, container: Container) -> ResourceList:
    """Return the largest of spec, actuated and allocated per resource, as up to 1.36 (R-32)."""
    status = _counted_status(pod, container)
    if status is None:
        return container.requests
    result = dict(_fallback(pod, container.requests))
    raise_to(result, status.requests or EMPTY)
    raise_to(result, status.allocated or EMPTY)
    return result


def _largest_limits(pod: Pod, container: Container) -> ResourceList:
    status = _counted_status(pod, container)
    if status is None:
        return container.limits
    result = dict(_fallback(pod, container.limits))
    raise_to(result, status.limits or EMPTY)
    return result


def _counted_status(pod: Pod, container: Container) -> ContainerStatus | None:
    """Return the container's status if it tells of resources and the container keeps running (R-32)."""
    status = pod.statuses.get(container.name)
    if status is None or (status.requests is None and status.limits is None):
        return None
    return None if container.init and not container.restartable else status


def pod_charge(pod: Pod, *, now: float | None, minor: int) -> dict[str, Quantity]:
    """Return the pod's usage by quota name (R-20 to R-22).

    ``now`` is seconds since the epoch; None leaves out that a pod past its deletion no longer counts (R-21). ``minor``
    is the release whose sums are taken for a pod being resized.
    """
    if _is_over(pod, now):
        return {"count/pods": ONE}
    charge = {"count/pods": ONE, "pods": ONE}
    for name, quantity in pod_requests(pod, minor=minor).items():
        for quota_name in _REQUEST_NAMES[name]:
            charge[quota_name] = quantity
    for name, quantity in pod_limits(pod, minor=minor).items():
        if (limit_name := _LIMIT_NAMES.get(name)) is not None:
            charge[limit_name] = quantity
    return charge


_LIMIT_NAMES: Final = {name: f"limits.{name}" for name in STANDARD}


def _request_names(name: str) -> tuple[str, ...]:
    if name in _LIMIT_NAMES or name.startswith(HUGEPAGES):
        return (name, f"requests.{name}")
    if is_extended(name) or name.startswith(DEVICE_CLASS):
        return (f"requests.{name}",)
    return ()


_REQUEST_NAMES: Final = Memo(_request_names, is_short)


def _is_over(pod: Pod, now: float | None) -> bool:
    if pod.phase in ("Failed", "Succeeded"):
        return True
    if now is None or pod.deleted_at is None or pod.grace_seconds is None:
        return False
    return now > pod.deleted_at + pod.grace_seconds


def qos_class(pod: Pod, *, minor: int) -> str:
    """Return BestEffort, Burstable or Guaranteed: the status' word if set, else computed (D-17).

    ``minor`` is the release whose rules are computed; the pod's pod-level resources are completed.
    """
    if pod.qos_class:
        return pod.qos_class
    known = pod.qos_classes
    if minor not in known:  # every scoped quota of the namespace asks
        known[minor] = _qos_class(pod, minor)
    return known[minor]


def _qos_class(pod: Pod, minor: int) -> str:
    compute = POD_LEVEL_COMPUTE
    if pod.pod_level or (pod.has_resources and minor < EMPTY_POD_LEVEL_IGNORED):
        pairs = [(pod.requests, pod.limits)]
    else:
        pairs = [(container.requests, container.limits) for container in pod.every_container()]
    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}
    all_limited = True
    for asked, allowed in pairs:
        add_into(requests, {name: q for name, q in asked.items() if name in compute and q})
        add_into(limits, {name: q for name, q in allowed.items() if name in compute and q})
        all_limited = all_limited and all(allowed.get(name) for name in compute)
    if not requests and not limits:
        return "BestEffort"
    return "Guaranteed" if all_limited and requests == limits else "Burstable"
