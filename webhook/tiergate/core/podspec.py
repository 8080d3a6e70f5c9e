"""Values of a pod: every container with its JSON pointer, and what a decision reads around them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import msgspec

from tiergate.core.resources import EMPTY, ResourceList

MAX_AMOUNTS: Final = 2000
"""Requests and limits of all containers of a pod that is judged."""
FEW_ANNOTATIONS: Final = 64 * 2**10
"""Bytes; a pod in a small review has no more."""


class Container(msgspec.Struct, frozen=True):
    """One app or init container, with requests already completed from limits (D-3).

    ``written_requests`` are the names of requests that the object itself holds, ``has_resources`` whether it has a
    ``resources`` object: a patch must know both.
    """

    name: str
    pointer: str
    requests: ResourceList = EMPTY
    limits: ResourceList = EMPTY
    written_requests: frozenset[str] = frozenset()
    has_resources: bool = True
    init: bool = False
    restartable: bool = False


class ContainerStatus(msgspec.Struct, frozen=True):
    """What the kubelet reports of one container, as far as quota reads it (R-32, R-33)."""

    requests: ResourceList | None = None
    limits: ResourceList | None = None
    allocated: ResourceList | None = None


class Pod(msgspec.Struct, frozen=True, dict=True):
    """A pod as admission sees it.

    ``pointer`` is the JSON pointer of the object that has the pod's ``metadata`` and ``spec``: "" in a Pod,
    ``/spec/template`` in a Deployment. The pointers of its containers start there.
    ``requests`` and ``limits`` are the pod-level ones (``spec.resources``), ``pod_level`` whether they name
    anything supported, ``has_resources`` whether ``spec.resources`` is there at all. ``annotation_bytes`` is how large
    the names and values of all annotations are together, at most. ``deleted_at`` and
    ``grace_seconds`` are seconds since the epoch and seconds.
    """

    name: str = ""
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    requests: ResourceList = EMPTY
    limits: ResourceList = EMPTY
    overhead: ResourceList = EMPTY
    priority_class: str = ""
    active_deadline_seconds: int | None = None
    cross_namespace_affinity: bool = False
    has_resources: bool = False
    has_metadata: bool = True
    has_annotations: bool = False
    defaults_annotation: str | None = None
    annotation_bytes: int = FEW_ANNOTATIONS
    phase: str = ""
    qos_class: str = ""
    resize_infeasible: bool = False
    statuses: Mapping[str, ContainerStatus] = {}
    deleted_at: float | None = None
    grace_seconds: int | None = None
    pointer: str = ""

    def every_container(self) -> tuple[Container, ...]:
        """Return app containers, then init containers: the order in which LimitRanger visits them (L-10)."""
        return self.containers + self.init_containers

    @cached_property
    def by_name(self) -> Mapping[str, Container]:
        """The containers by name; of equal names the first counts."""
        return {one.name: one for one in reversed(self.every_container())}

    @cached_property
    def qos_classes(self) -> dict[int, str]:
        """The QoS class by the release that computes it, as far as it was asked for."""
        return {}

    @property
    def pod_level(self) -> bool:
        """Whether the pod has a pod-level request or limit."""
        return bool(self.requests or self.limits)
