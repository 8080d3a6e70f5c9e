"""Native objects for tests: as a cluster has them, read by the readers that read them there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from tests.differential.policies import Json, Policy
from tiergate.adopt.values import NativeBounds
from tiergate.core.native import LimitRange
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import CONTAINER, effective
from tiergate.wire.limitrange import read_limit_range
from tiergate.wire.quota import read_quota
from tiergate.wire.types import quantity_texts

COMPUTE: Final = {"limits.cpu": "4", "pods": "20"}


def a_range(name: str, *items: Json) -> LimitRange:
    """Return a LimitRange as the API server stores it: with derived defaults."""
    read = _read(name, items)
    complete = []
    for written, item in zip(items, read.items, strict=True):
        full = effective(item) if item.type == CONTAINER else item
        defaults = {"default": quantity_texts(full.default), "defaultRequest": quantity_texts(full.default_request)}
        complete.append({**written, **{field: amounts for field, amounts in defaults.items() if amounts}})
    return _read(name, complete)


def _read(name: str, items: Sequence[Json]) -> LimitRange:
    return read_limit_range(msgspec.json.encode({"metadata": {"name": name}, "spec": {"limits": items}}))


def a_native_quota(name: str, hard: Mapping[str, Any], **more: Any) -> QuotaStatus:  # noqa: ANN401 - fields of a spec
    """Return a ResourceQuota."""
    spec = {"hard": hard, **more}
    return read_quota(msgspec.json.encode({"metadata": {"name": name}, "spec": spec, "status": {"hard": hard}}))


def native(
    *objects: LimitRange | QuotaStatus, namespace: str = "team-a", labels: dict[str, str] | None = None
) -> NativeBounds:
    """Return a namespace with these objects."""
    return NativeBounds(
        namespace,
        labels or {},
        tuple(one for one in objects if isinstance(one, LimitRange)),
        tuple(one for one in objects if isinstance(one, QuotaStatus)),
    )


def of_policy(policy: Policy) -> NativeBounds:
    """Return a namespace with the objects of a random policy."""
    document = policy.document
    ranges = [a_range(f"r{at}", *items) for at, items in enumerate((document["limits"], *policy.further)) if items]
    quotas = []
    for one in document["quotas"]:
        scopes = {field: value for field, value in one.items() if field not in ("name", "hard", "used")}
        quotas.append(a_native_quota(one["name"], one["hard"], **scopes))
    return native(*ranges, *quotas)
