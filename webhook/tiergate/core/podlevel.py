"""Pod-level resources (``spec.resources``) as the API server completes them (D-5 to D-7a).

Source: kubernetes ``pkg/apis/core/v1/defaults.go`` (up to 1.36) and ``pkg/api/pod/util.go`` (1.37).
"""

from __future__ import annotations

import msgspec

from tiergate.core.podspec import Pod
from tiergate.core.quantity import Quantity
from tiergate.core.release import POD_LEVEL_COMPLETED_LATE
from tiergate.core.resources import HUGEPAGES, POD_LEVEL_COMPUTE, ResourceList
from tiergate.core.usage import aggregate, spec_limits, spec_requests


def completed(pod: Pod, *, minor: int) -> Pod:
    """Return the pod as a server of release 1.``minor`` completes its pod-level resources.

    When it does so differs as well (D-5a): up to 1.36 on every decoding, so before the defaults of a LimitRange or a
    tier; from 1.37 on once, after the whole mutating pass.
    """
    if not pod.pod_level:
        return pod
    late = minor >= POD_LEVEL_COMPLETED_LATE
    asked, allowed = aggregate(pod, spec_requests), aggregate(pod, spec_limits)
    limits = _with_hugepages(pod, allowed)
    requests = dict(pod.requests)
    if late or limits:  # D-6, D-6a
        requests = {**{name: q for name, q in asked.items() if name in POD_LEVEL_COMPUTE}, **requests}
    requests = {**limits, **requests}  # D-7
    if late:
        limits = _with_shared_limits(pod, limits, requests, allowed)
    return msgspec.structs.replace(pod, requests=requests, limits=limits)


def _with_hugepages(pod: Pod, allowed: ResourceList) -> dict[str, Quantity]:
    """Return the limits with those of the containers' hugepages that the pod level does not name (D-5)."""
    unnamed = {
        name: limit for name, limit in allowed.items() if name.startswith(HUGEPAGES) and name not in pod.requests
    }
    return {**unnamed, **pod.limits}


def _with_shared_limits(
    pod: Pod, limits: dict[str, Quantity], requests: ResourceList, allowed: ResourceList
) -> dict[str, Quantity]:
    """Return the limits with one for each request whose resource every container limits (D-7a)."""
    shared = {
        name: max(allowed[name], request)
        for name, request in requests.items()
        if name in allowed and all(name in container.limits for container in pod.every_container())
    }
    return {**shared, **limits}
