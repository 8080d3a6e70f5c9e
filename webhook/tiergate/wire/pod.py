"""v1 Pod."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from tiergate.core.podspec import MAX_AMOUNTS, Container, ContainerStatus, Pod
from tiergate.core.resources import EMPTY, ResourceList, is_pod_level
from tiergate.core.text import VALUE_SHOWN, shortened
from tiergate.wire.malformed import Excess, Malformed
from tiergate.wire.types import ABSENT, Int64, Metadata, Name, Quantities, Resources, is_absent, resource_list

MAX_CONTAINERS: Final = 250
"""Containers and init containers of a pod, or statuses of them: real pods have a few dozen at most."""
FEW_CONTAINERS: Final = 2


class WireContainer(msgspec.Struct):
    """An entry of ``containers`` or ``initContainers``."""

    name: Name = ""
    resources: Resources | None = None
    restartPolicy: Name | None = None


class AffinityTerm(msgspec.Struct):
    """A pod affinity term: whether it looks into other namespaces."""

    namespaces: list[str] | None = None
    namespaceSelector: msgspec.Raw = ABSENT


class WeightedAffinityTerm(msgspec.Struct):
    """A preferred pod affinity term."""

    podAffinityTerm: AffinityTerm | None = None


class PodAffinity(msgspec.Struct):
    """``podAffinity`` or ``podAntiAffinity``."""

    requiredDuringSchedulingIgnoredDuringExecution: list[AffinityTerm] | None = None
    preferredDuringSchedulingIgnoredDuringExecution: list[WeightedAffinityTerm] | None = None


class Affinity(msgspec.Struct):
    """``spec.affinity``."""

    podAffinity: PodAffinity | None = None
    podAntiAffinity: PodAffinity | None = None


class PodSpec(msgspec.Struct):
    """``spec`` of a pod."""

    containers: list[WireContainer] | None = None
    initContainers: list[WireContainer] | None = None
    resources: Resources | None = None
    overhead: Quantities | None = None
    priorityClassName: Name | None = None
    activeDeadlineSeconds: Int64 | None = None
    affinity: Affinity | None = None


class WireContainerStatus(msgspec.Struct):
    """An entry of ``containerStatuses`` or ``initContainerStatuses``."""

    name: Name = ""
    resources: Resources | None = None
    allocatedResources: Quantities | None = None


_HaveResources = Sequence[WireContainer | WireContainerStatus]


class PodCondition(msgspec.Struct):
    """An entry of ``status.conditions``."""

    type: Name = ""
    reason: Name | None = None


class PodStatus(msgspec.Struct):
    """``status`` of a pod."""

    phase: Name | None = None
    qosClass: Name | None = None
    conditions: list[PodCondition] | None = None
    containerStatuses: list[WireContainerStatus] | None = None
    initContainerStatuses: list[WireContainerStatus] | None = None


class WirePod(msgspec.Struct):
    """A Pod, as far as we read it."""

    metadata: Metadata | None = None
    spec: PodSpec | None = None
    status: PodStatus | None = None


def to_pod(wire: WirePod, *, pointer: str = "") -> Pod:
    """Return the core value.

    Raises:
        QuantityError: A bad quantity.
        Malformed: A bad time, or more containers than are judged.

    ``pointer`` is where the object with the pod's metadata and spec stands, as in ``Pod``.
    """
    metadata, spec = wire.metadata or Metadata(), wire.spec or PodSpec()
    status = wire.status or PodStatus()
    app, init, annotations = spec.containers, spec.initContainers, metadata.annotations
    if init or (app and len(app) > FEW_CONTAINERS):  # hardly ever
        _count(app, init, f"{pointer}/spec/containers")
    resources, deleted = spec.resources, metadata.deletionTimestamp
    return Pod(  # by position: so many names cost 3 % of a decision
        metadata.name or metadata.generateName,
        _containers(app, pointer, "containers"),
        _containers(init, pointer, "initContainers"),
        _pod_level(resources.requests) if resources else EMPTY,
        _pod_level(resources.limits) if resources else EMPTY,
        resource_list(spec.overhead) if spec.overhead else EMPTY,
        spec.priorityClassName or "",
        spec.activeDeadlineSeconds,
        spec.affinity is not None and _crosses(spec.affinity),
        resources is not None,
        wire.metadata is not None,
        annotations is not None,
        annotations.defaults if annotations else None,
        phase=status.phase or "",
        qos_class=status.qosClass or "",
        resize_infeasible=status.conditions is not None and _infeasible(status.conditions),
        statuses=_statuses(status, pointer),
        deleted_at=_seconds(deleted, f"{pointer}/metadata/deletionTimestamp") if deleted is not None else None,
        grace_seconds=metadata.deletionGracePeriodSeconds,
        pointer=pointer,
    )


def _count(app: _HaveResources | None, init: _HaveResources | None, pointer: str) -> None:
    """Refuse more than can be judged at once, before anything is made of it."""
    count = (len(app) if app else 0) + (len(init) if init else 0)
    if count > MAX_CONTAINERS:
        raise Excess(pointer, f"{count} with the init containers, and at most {MAX_CONTAINERS} are judged")
    resources = [one.resources for one in (*(app or ()), *(init or ())) if one.resources is not None]
    amounts = sum(len(one.requests or ()) + len(one.limits or ()) for one in resources)
    if amounts > MAX_AMOUNTS:
        raise Excess(pointer, f"{amounts} requests and limits in all, and at most {MAX_AMOUNTS} are judged")


def _containers(
    wires: list[WireContainer] | None, pointer: str, field: Literal["containers", "initContainers"]
) -> tuple[Container, ...]:
    if not wires:
        return ()
    where, init = f"{pointer}/spec/{field}/", field == "initContainers"
    # a list first: quicker than a generator, and every review comes by here
    return tuple([_container(wire, f"{where}{index}", init) for index, wire in enumerate(wires)])


def _container(wire: WireContainer, pointer: str, init: bool) -> Container:  # noqa: FBT001  # quicker so
    resources = wire.resources
    restartable = init and wire.restartPolicy == "Always"
    if resources is None:
        return Container(wire.name, pointer, has_resources=False, init=init, restartable=restartable)
    requests, limits = resource_list(resources.requests), resource_list(resources.limits)
    completed = {**limits, **requests} if limits else requests  # D-3
    return Container(wire.name, pointer, completed, limits, frozenset(requests), True, init, restartable)  # noqa: FBT003  # as above


def _pod_level(quantities: dict[str, str] | None) -> ResourceList:
    return {name: quantity for name, quantity in resource_list(quantities).items() if is_pod_level(name)}


def _crosses(affinity: Affinity) -> bool:
    return any(_looks_outside(one) for one in (affinity.podAffinity, affinity.podAntiAffinity) if one)


def _looks_outside(affinity: PodAffinity) -> bool:
    terms = list(affinity.requiredDuringSchedulingIgnoredDuringExecution or ())
    preferred = affinity.preferredDuringSchedulingIgnoredDuringExecution or ()
    terms += [weighted.podAffinityTerm for weighted in preferred if weighted.podAffinityTerm]
    return any(term.namespaces or not is_absent(term.namespaceSelector) for term in terms)


def _infeasible(conditions: list[PodCondition]) -> bool:
    return any(one.type == "PodResizePending" and one.reason == "Infeasible" for one in conditions)


def _statuses(status: PodStatus, pointer: str) -> dict[str, ContainerStatus]:
    if not status.containerStatuses and not status.initContainerStatuses:  # as at every creation
        return {}
    _count(status.containerStatuses, status.initContainerStatuses, f"{pointer}/status/containerStatuses")
    reported = [*(status.containerStatuses or ()), *(status.initContainerStatuses or ())]
    return {one.name: _status(one) for one in reported if one.resources or one.allocatedResources}


def _status(wire: WireContainerStatus) -> ContainerStatus:
    resources = wire.resources
    return ContainerStatus(
        requests=_reported(resources.requests) if resources else None,
        limits=_reported(resources.limits) if resources else None,
        allocated=_reported(wire.allocatedResources),
    )


def _reported(quantities: dict[str, str] | None) -> ResourceList | None:
    return None if quantities is None else resource_list(quantities)


def _seconds(timestamp: str, pointer: str) -> float:
    """Return an RFC 3339 time as seconds since the epoch."""
    try:
        when = datetime.fromisoformat(timestamp)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise Malformed(pointer, f'"{shortened(timestamp, VALUE_SHOWN)}" is not an RFC 3339 time')
    return when.timestamp()
