"""The one list of what is admitted: which object of which request goes to which endpoint, and how it is read.

Routes, the reading of reviews, the metric labels and the test of the chart's webhook configurations rest on it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal

import msgspec

from tiergate.core.quota import Measured
from tiergate.core.request import CLUSTER_WIDE, Endpoint, LabelChange, Subject, TierChange, WorkloadChange
from tiergate.core.workload import Workload
from tiergate.core.workload_kind import WORKLOAD_KINDS, KindOfWorkload, WorkloadKind
from tiergate.wire.claim import WireClaim, to_claim
from tiergate.wire.namespace import WireNamespace, to_namespace
from tiergate.wire.pod import WirePod, to_pod
from tiergate.wire.tier import TIER_GROUP, WireTier, to_tier
from tiergate.wire.workload import WireCronJob, WireScale, WireWorkload, to_cron_jobs, to_scale, to_workloads

Operation = Literal["CREATE", "UPDATE", "DELETE"]
FailurePolicy = Literal["Fail", "Ignore"]
"""What the API server does where it gets no verdict (ADR 3)."""


class Decoded(msgspec.Struct, frozen=True):
    """An object as core values: what is judged, and the stored pod or claim of an UPDATE.

    ``name`` is the object's own, "" where it has none (yet).
    """

    subject: Subject
    old: Measured | None = None
    name: str = ""


ToCore = Callable[[Any, Any], Decoded]
"""Takes ``object`` and ``oldObject`` as wire shapes, None where there is none; raises ValueError for a bad value."""


class Kind(msgspec.Struct, frozen=True):
    """One resource or subresource at one endpoint.

    ``resource`` is written as a rule names it, with the group of a custom resource: ``pods/resize``. ``kind`` is the
    object's, of a ``scale`` that of the workload. ``needs_old`` says that the stored object matters to an UPDATE; where
    it does not, one that cannot be read counts as none, so that whatever was stored can be repaired and deleted.
    """

    resource: str
    operations: tuple[Operation, ...]
    endpoint: Endpoint
    wire: type[msgspec.Struct]
    to_core: ToCore
    kind: str
    failure_policy: FailurePolicy = "Fail"
    needs_old: bool = True

    @property
    def noun(self) -> str:
        """What a sentence calls the object."""
        return self.kind.lower()

    @property
    def namespaced(self) -> bool:
        """Whether each object lives in a namespace."""
        return self.endpoint not in CLUSTER_WIDE

    @property
    def marker(self) -> bytes:
        """What follows ``"resource":"`` in a review, as the API server writes it."""
        subresource = self.resource.partition("/")[2]
        rest = f'}},"subResource":"{subresource}"' if subresource else ""
        return f'{self.plural}"{rest}'.encode()

    @property
    def plural(self) -> str:
        """The resource without subresource and group, as a review names it."""
        return self.resource.partition("/")[0].partition(".")[0]


def _pod(new: WirePod, old: WirePod | None) -> Decoded:
    pod = to_pod(new)
    return Decoded(pod, None if old is None else to_pod(old), pod.name)


def _claim(new: WireClaim, old: WireClaim | None) -> Decoded:
    claim = to_claim(new)
    return Decoded(claim, None if old is None else to_claim(old), claim.name)


def _label(new: WireNamespace, old: WireNamespace | None) -> Decoded:
    before, after = None if old is None else to_namespace(old).tier, to_namespace(new)
    return Decoded(LabelChange(before, after.tier), name=after.name)


def _tier(new: WireTier | None, old: WireTier | None) -> Decoded:
    shown = old if new is None else new
    name = shown.metadata.name if shown is not None and shown.metadata is not None else ""
    if new is None:
        return Decoded(TierChange(None), name=name)
    if old is not None and new.spec == old.spec:  # also one that this version cannot read
        return Decoded(TierChange(None, spec_unchanged=True), name=name)
    return Decoded(TierChange(to_tier(new)), name=name)


def _workload(kind: WorkloadKind, new: WireWorkload, old: WireWorkload | None) -> Decoded:
    return _change(*to_workloads(new, old, kind), new)


def _cron_job(new: WireCronJob, old: WireCronJob | None) -> Decoded:
    return _change(*to_cron_jobs(new, old), new)


def _change(new: Workload | None, old: Workload | None, wire: WireWorkload | WireCronJob) -> Decoded:
    metadata = wire.metadata
    return Decoded(WorkloadChange(new, old), name="" if metadata is None else metadata.name or metadata.generateName)


def _scale(new: WireScale, old: WireScale | None) -> Decoded:
    return Decoded(to_scale(new, old), name="" if new.metadata is None else new.metadata.name)


SCALED: Final[dict[str, WorkloadKind]] = {f"{one.resource}/scale": one.kind for one in WORKLOAD_KINDS if one.scalable}
"""The kind whose pods each ``scale`` sets the number of."""


def _with_template(one: KindOfWorkload) -> Kind:
    """Return the row of a workload: a CronJob's template stands deeper than that of the others."""
    wire, to_core = (WireCronJob, _cron_job) if one.kind == "CronJob" else (WireWorkload, partial(_workload, one.kind))
    return Kind(one.resource, ("CREATE", "UPDATE"), "workloads", wire, to_core, one.kind, "Ignore")


KINDS: Final[tuple[Kind, ...]] = (
    Kind("pods", ("CREATE",), "mutate", WirePod, _pod, "Pod"),
    Kind("pods", ("CREATE",), "validate", WirePod, _pod, "Pod"),
    Kind("pods/resize", ("UPDATE",), "validate", WirePod, _pod, "Pod"),
    Kind("persistentvolumeclaims", ("CREATE", "UPDATE"), "validate", WireClaim, _claim, "PersistentVolumeClaim"),
    *map(_with_template, WORKLOAD_KINDS),
    *(
        Kind(resource, ("UPDATE",), "workloads", WireScale, _scale, kind, failure_policy="Ignore")
        for resource, kind in SCALED.items()
    ),
    *(
        Kind(resource, ("CREATE", "UPDATE"), "namespaces", WireNamespace, _label, "Namespace")
        for resource in ("namespaces", "namespaces/status", "namespaces/finalize")
    ),
    Kind(
        f"tiers.{TIER_GROUP}",
        ("CREATE", "UPDATE", "DELETE"),
        "tiers",
        WireTier,
        _tier,
        "Tier",
        failure_policy="Ignore",
        needs_old=False,
    ),
)

ENDPOINTS: Final[dict[str, Endpoint]] = {f"/{kind.endpoint}": kind.endpoint for kind in KINDS}
"""Every endpoint by its path."""
NOUNS: Final = {kind.resource: kind.noun for kind in KINDS}
"""What a sentence calls an object, by every resource that is admitted."""

_BY_REQUEST: Final[dict[tuple[str, str, str], Kind]] = {
    (kind.endpoint, kind.resource, operation): kind for kind in KINDS for operation in kind.operations
}
_FIRST: Final[dict[str, Kind]] = {kind.endpoint: kind for kind in reversed(KINDS)}
_OTHERS: Final[dict[str, tuple[tuple[bytes, Kind], ...]]] = {
    endpoint: tuple(
        (kind.marker, kind) for kind in KINDS if kind.endpoint == endpoint and kind.wire is not _FIRST[endpoint].wire
    )
    for endpoint in _FIRST
}
"""For each endpoint the kinds of another shape than its first, by the resource that a review names."""
_RESOURCE: Final = b'"resource":"'
_HEAD: Final = 1024
"""Bytes of a review before its objects: the API server writes the resource among the first, without blanks."""


def find(endpoint: Endpoint, resource: str, operation: str) -> Kind | None:
    """Return the kind of a request, None where the endpoint does not judge it."""
    return _BY_REQUEST.get((endpoint, resource, operation))


def likely(endpoint: Endpoint, body: bytes) -> Kind:
    """Return the kind that a review seems to be of, so that its object is decoded once, by the right shape.

    A guess: what the review itself says decides, and a wrong guess costs a slower decoding.
    """
    others = _OTHERS[endpoint]
    at = body.find(_RESOURCE, 0, _HEAD) if others else -1  # the first one: no name can hold a quote
    if at >= 0:
        for plural, kind in others:
            if body.startswith(plural, at + len(_RESOURCE)):
                return kind
    return _FIRST[endpoint]
