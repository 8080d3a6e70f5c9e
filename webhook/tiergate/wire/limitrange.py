"""v1 LimitRange."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tiergate.core.native import LimitRange
from tiergate.core.tier import LimitRangeItem
from tiergate.wire.decode import Reader
from tiergate.wire.ownership import is_managed, labelled, own_labels, read_identity
from tiergate.wire.tier import WireItem, limit_range_item
from tiergate.wire.types import Identity, quantity_texts


class LimitRangeSpec(msgspec.Struct):
    """``spec`` of a LimitRange."""

    limits: list[WireItem] | None = None


class WireLimitRange(msgspec.Struct):
    """A LimitRange, as far as we read it."""

    metadata: Identity | None = None
    spec: LimitRangeSpec | None = None


def to_limit_range(wire: WireLimitRange) -> LimitRange:
    """Return the core value; raise QuantityError for a bad quantity."""
    metadata, spec = wire.metadata or Identity(), wire.spec or LimitRangeSpec()
    return LimitRange(
        name=metadata.name,
        items=tuple(limit_range_item(one) for one in spec.limits or ()),
        resource_version=metadata.resourceVersion,
        managed=is_managed(metadata),
        labelled=labelled(metadata),
    )


read_limit_range = Reader(WireLimitRange, to_limit_range)


def unreadable_limit_range(raw: bytes) -> LimitRange:
    """Return what stands in for a LimitRange that cannot be read: one that says nothing."""
    return to_limit_range(WireLimitRange(read_identity(raw)))


def write_limit_range(name: str, items: Iterable[LimitRangeItem], *, namespace: str, tier: str) -> bytes:
    """Return the LimitRange as a JSON body."""
    metadata = {"name": name, "namespace": namespace, "labels": own_labels(tier)}
    spec = LimitRangeSpec([_wire(item) for item in items])
    return msgspec.json.encode({"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": spec})


def _wire(item: LimitRangeItem) -> WireItem:
    return WireItem(
        type=item.type,
        default=quantity_texts(item.default) or None,
        defaultRequest=quantity_texts(item.default_request) or None,
        min=quantity_texts(item.min) or None,
        max=quantity_texts(item.max) or None,
        maxLimitRequestRatio=quantity_texts(item.max_limit_request_ratio) or None,
    )
