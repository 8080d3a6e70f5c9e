"""v1 PersistentVolumeClaim."""

from __future__ import annotations

import msgspec

from tiergate.core.claim import Claim
from tiergate.wire.types import Metadata, Name, Quantities, resource_list


class ClaimResources(msgspec.Struct):
    """``spec.resources``; the limits of a claim mean nothing (L-24), so both decoders pass over them."""

    requests: Quantities | None = None


class ClaimSpec(msgspec.Struct):
    """``spec`` of a claim."""

    resources: ClaimResources | None = None
    storageClassName: Name | None = None
    volumeAttributesClassName: Name | None = None


class ModifyVolumeStatus(msgspec.Struct):
    """``status.modifyVolumeStatus``."""

    targetVolumeAttributesClassName: Name | None = None


class ClaimStatus(msgspec.Struct):
    """``status`` of a claim."""

    allocatedResources: Quantities | None = None
    currentVolumeAttributesClassName: Name | None = None
    modifyVolumeStatus: ModifyVolumeStatus | None = None


class WireClaim(msgspec.Struct):
    """A PersistentVolumeClaim, as far as we read it."""

    metadata: Metadata | None = None
    spec: ClaimSpec | None = None
    status: ClaimStatus | None = None


def to_claim(wire: WireClaim, *, pointer: str = "") -> Claim:
    """Return the core value; raise QuantityError for a bad quantity.

    ``pointer`` is where the object with the claim's metadata and spec stands, as in ``Claim``.
    """
    metadata, spec = wire.metadata or Metadata(), wire.spec or ClaimSpec()
    status = wire.status or ClaimStatus()
    requests = resource_list(spec.resources.requests if spec.resources else None)
    annotations = metadata.annotations
    named = annotations.storage_class if annotations else None
    modify = status.modifyVolumeStatus or ModifyVolumeStatus()
    classes = (
        spec.volumeAttributesClassName,
        status.currentVolumeAttributesClassName,
        modify.targetVolumeAttributesClassName,
    )
    return Claim(
        name=metadata.name or metadata.generateName,
        storage=requests.get("storage"),
        allocated=resource_list(status.allocatedResources).get("storage"),
        storage_class=(spec.storageClassName or "") if named is None else named,  # present wins, even empty
        attributes_classes=frozenset(one for one in classes if one),
        pointer=pointer,
    )
