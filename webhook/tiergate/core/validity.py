"""API validation of a pod's resources: what the server refuses with 422 before a validating webhook is asked (D-16).

Needed to predict the pod a template will become, and to prove that defaults never make a valid pod invalid.
Source: kubernetes ``pkg/apis/core/validation/validation.go``; rules D-8, D-11 to D-14.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tiergate.core.decision import Fault
from tiergate.core.jsonpatch import escape
from tiergate.core.podspec import Container, Pod
from tiergate.core.projection import is_countable
from tiergate.core.quantity import Quantity, QuantityError
from tiergate.core.resources import HUGEPAGES, POD_LEVEL_COMPUTE, ResourceList, is_extended, needs_limit
from tiergate.core.usage import aggregate, spec_limits, spec_requests


def invalid(pod: Pod) -> tuple[Fault, ...]:
    """Return why the API server would refuse the pod for its resources, as far as they can be judged from these values.

    The pod is one whose pod-level resources are completed. Not judged: names that no container may have (D-10), and
    pod-level resources of Windows pods.
    """
    faults: list[Fault] = []
    for container in pod.every_container():
        faults += _resource_faults(f"{container.pointer}/resources", container.requests, container.limits)
    if pod.pod_level:
        faults += _resource_faults(f"{pod.pointer}/spec/resources", pod.requests, pod.limits)
        faults += _pod_level_faults(pod)
    return tuple(faults)


def invalid_template(template: Pod) -> tuple[Fault, ...]:
    """Return why the API server would refuse the template: it judges that as written, only pods are completed (D-3)."""
    containers, init_containers = map(_as_written, (template.containers, template.init_containers))
    return invalid(msgspec.structs.replace(template, containers=containers, init_containers=init_containers))


def _as_written(containers: tuple[Container, ...]) -> tuple[Container, ...]:
    return tuple([msgspec.structs.replace(one, requests=_written(one)) for one in containers])


def _written(container: Container) -> ResourceList:
    return {name: amount for name, amount in container.requests.items() if name in container.written_requests}


def _resource_faults(pointer: str, requests: ResourceList, limits: ResourceList) -> Iterator[Fault]:
    """Check the resources of a container or of the pod level."""
    yield from _side_faults(pointer, requests, limits)
    for name in sorted(requests.keys() - limits.keys()):
        if needs_limit(name):  # D-13
            yield Fault(f"{pointer}/limits", "Limit must be set for non overcommitable resources")
    named = requests.keys() | limits.keys()
    if POD_LEVEL_COMPUTE.isdisjoint(named) and any(name.startswith(HUGEPAGES) for name in named):  # D-14
        yield Fault(pointer, "HugePages require cpu or memory")


def _side_faults(pointer: str, requests: ResourceList, limits: ResourceList) -> Iterator[Fault]:
    """Check each amount, and requests against limits (D-11, D-12, D-13)."""
    known: dict[str, list[str]] = {}
    for name, amount in sorted(limits.items()):
        known[name] = amount_faults(name, amount)
        for reason in known[name]:
            yield Fault(f"{pointer}/limits/{escape(name)}", reason)
    for name, amount in sorted(requests.items()):
        limit = limits.get(name)
        is_known = limit is not None and limit.nano == amount.nano and limit.format == amount.format  # as nearly always
        for reason in known[name] if is_known else amount_faults(name, amount):
            yield Fault(f"{pointer}/requests/{escape(name)}", reason)
    for name in sorted(requests.keys() & limits.keys()):
        request, limit = requests[name], limits[name]
        if request.nano == limit.nano:  # as nearly always
            continue
        if needs_limit(name):
            yield Fault(f"{pointer}/requests/{escape(name)}", f"must be equal to {name} limit of {limit}")
        elif request > limit:
            yield Fault(f"{pointer}/requests/{escape(name)}", f"must be less than or equal to {name} limit of {limit}")


def amount_faults(name: str, amount: Quantity) -> list[str]:
    """Return why one amount of a resource is refused by itself (D-11, D-14)."""
    reasons: list[str] = []
    if amount.nano < 0:
        reasons.append("must be greater than or equal to 0")
    if "/" in name and is_extended(name) and not is_countable(amount):
        reasons.append("must be an integer")
    if name.startswith(HUGEPAGES) and (page := _page_size(name)) and amount.nano % page.nano:  # D-14
        reasons.append(f"{amount} is not positive integer multiple of {name}")
    return reasons


def _page_size(name: str) -> Quantity | None:
    try:
        return Quantity.parse(name.removeprefix(HUGEPAGES))
    except QuantityError:
        return None


def _pod_level_faults(pod: Pod) -> Iterator[Fault]:
    """Check containers against the pod level (D-8): sums of requests, each limit, sums of hugepages limits."""
    asked, allowed = aggregate(pod, spec_requests), aggregate(pod, spec_limits)
    for name in sorted(asked.keys() & pod.requests.keys()):
        if asked[name] > pod.requests[name]:
            reason = f"must be greater than or equal to aggregate container requests of {asked[name]}"
            yield Fault(f"{pod.pointer}/spec/resources/requests/{escape(name)}", reason)
    for name in sorted(allowed.keys() & pod.limits.keys()):
        if name.startswith(HUGEPAGES) and allowed[name] > pod.limits[name]:
            reason = f"must be greater than or equal to aggregate container limits of {allowed[name]}"
            yield Fault(f"{pod.pointer}/spec/resources/limits/{escape(name)}", reason)
    for container in pod.containers:
        for name in sorted(container.limits.keys() & pod.limits.keys()):
            if container.limits[name] > pod.limits[name]:
                reason = f"must be less than or equal to pod limits of {pod.limits[name]}"
                yield Fault(f"{container.pointer}/resources/limits/{escape(name)}", reason)
