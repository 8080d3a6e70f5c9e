"""v1 ResourceQuota."""

from __future__ import annotations

from typing import Final

import msgspec

from tiergate.core.desired import DesiredQuota
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import ScopeRequirement
from tiergate.wire.decode import Reader
from tiergate.wire.malformed import Excess
from tiergate.wire.ownership import is_managed, labelled, own_labels, read_identity
from tiergate.wire.types import (
    Identity,
    Name,
    Quantities,
    ScopedSelector,
    ScopeSelector,
    Text,
    quantity_texts,
    resource_list,
)

MAX_SCOPES: Final = 1000
"""Scopes of a quota, and expressions of its selector with their values: each is compared with each pod."""


ANNOTATION: Final = "tiergate.io/quota"
"""The names of the tier's quotas that a ResourceQuota with scopes is made of: its own name does not tell."""


class QuotaAnnotations(msgspec.Struct):
    """The annotation that we write."""

    quota: Text | None = msgspec.field(default=None, name=ANNOTATION)


class QuotaMetadata(Identity):
    """``metadata`` of a ResourceQuota, as far as we read it."""

    annotations: QuotaAnnotations | None = None


class QuotaSpec(msgspec.Struct, omit_defaults=True):
    """``spec`` of a ResourceQuota."""

    hard: Quantities | None = None
    scopes: list[Name] | None = None
    scopeSelector: ScopeSelector | None = None


class WireQuotaStatus(msgspec.Struct):
    """``status`` of a ResourceQuota."""

    hard: Quantities | None = None
    used: Quantities | None = None


class WireQuota(msgspec.Struct):
    """A ResourceQuota, as far as we read it."""

    metadata: QuotaMetadata | None = None
    spec: QuotaSpec | None = None
    status: WireQuotaStatus | None = None


def to_quota(wire: WireQuota) -> QuotaStatus:
    """Return the core value; raise QuantityError for a bad quantity, Excess for more scopes than are judged."""
    metadata, spec = wire.metadata or QuotaMetadata(), wire.spec or QuotaSpec()
    status = wire.status or WireQuotaStatus()
    return QuotaStatus(
        name=metadata.name,
        namespace=metadata.namespace,
        resource_version=metadata.resourceVersion,
        hard=resource_list(status.hard),
        used=resource_list(status.used),
        scopes=tuple(dict.fromkeys(scope_names(spec.scopes, "/spec"))),  # one may stand there a thousand times
        scope_selector=scope_requirements(spec.scopeSelector, "/spec"),
        managed=is_managed(metadata),
        spec_hard=resource_list(spec.hard),
        labelled=labelled(metadata),
        annotated=_annotated(metadata),
    )


def _annotated(metadata: QuotaMetadata) -> str:
    """Return what one of ours says; of others nothing is kept, however much somebody writes there."""
    annotations = metadata.annotations
    return (annotations.quota or "") if annotations is not None and is_managed(metadata) else ""


def scope_names(scopes: list[str] | None, pointer: str) -> tuple[str, ...]:
    """Return ``scopes`` of what stands at the pointer; raise Excess."""
    _count(len(scopes or ()), f"{pointer}/scopes")
    return tuple(scopes or ())


def _count(entries: int, pointer: str) -> None:
    if entries > MAX_SCOPES:
        raise Excess(pointer, f"{entries} entries, and at most {MAX_SCOPES} are judged")


def scope_requirements(selector: ScopeSelector | None, pointer: str) -> tuple[ScopeRequirement, ...]:
    """Return the expressions of ``scopeSelector`` of what stands at the pointer as core values; raise Excess."""
    expressions = (selector.matchExpressions if selector else None) or ()
    _count(sum(1 + len(one.values or ()) for one in expressions), f"{pointer}/scopeSelector/matchExpressions")
    return tuple(ScopeRequirement(one.scopeName, one.operator, tuple(one.values or ())) for one in expressions)


read_quota = Reader(WireQuota, to_quota)


def unreadable_quota(raw: bytes) -> QuotaStatus:
    """Return what stands in for a ResourceQuota that cannot be read: one whose bounds nobody knows.

    So one of ours is not in force, refuses what it measures and is repaired; of others Kubernetes' own engine judges.
    """
    one = read_identity(raw)
    return to_quota(WireQuota(QuotaMetadata(one.name, one.namespace, one.resourceVersion, one.labels)))


def write_quota(desired: DesiredQuota, *, namespace: str, tier: str) -> bytes:
    """Return the ResourceQuota as a JSON body."""
    metadata = {
        "name": desired.name,
        "namespace": namespace,
        "labels": own_labels(tier),
        **({"annotations": {ANNOTATION: desired.annotated}} if desired.annotated else {}),
    }
    expressions = [
        ScopedSelector(one.scope_name, one.operator, list(one.values) or None) for one in desired.scope_selector
    ]
    spec = QuotaSpec(
        hard=quantity_texts(desired.hard),
        scopes=list(desired.scopes) or None,
        scopeSelector=ScopeSelector(expressions) if expressions else None,
    )
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": spec}
    return msgspec.json.encode(body)
