"""A cache whose objects are also found by namespace: of ResourceQuotas and of LimitRanges there are a few in each.

Only so many of a namespace are kept (`Capacity`). What is left out is a fault, and is judged by Kubernetes alone.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, TypeVar

from tiergate.cluster.capacity import Capacity, Kept
from tiergate.cluster.resource import LIMIT_RANGES, RESOURCE_QUOTAS
from tiergate.cluster.watch import Cache
from tiergate.core.native import LimitRange
from tiergate.core.quota import QuotaStatus
from tiergate.wire.limitrange import read_limit_range, unreadable_limit_range
from tiergate.wire.quota import read_quota, unreadable_quota

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiergate.cluster.resource import Resource
    from tiergate.cluster.watch import Source


T = TypeVar("T", bound=Kept)


def _ignore(_namespace: str) -> None:
    """Tell nobody."""


class NamespacedCache(Cache[T]):
    """The objects of a namespaced resource, those of each namespace in the order of their names."""

    def __init__(
        self,
        client: Source,
        resource: Resource,
        *,
        decode: Callable[[bytes], T],
        stand_in: Callable[[bytes], T],
        clock: Callable[[], float],
        on_change: Callable[[str], None] = _ignore,
    ) -> None:
        """Describe the cache as `Cache` does; ``on_change`` is told the namespace in which an object changed."""
        self._capacity = Capacity()
        super().__init__(
            client,
            resource,
            decode=functools.partial(self._capacity.read, decode),
            stand_in=functools.partial(self._capacity.in_its_place, stand_in),
            on_change=self._set,
            clock=clock,
        )
        self._namespace_changed = on_change
        self._objects: dict[str, tuple[T, ...]] = {}

    def of(self, namespace: str) -> tuple[T, ...]:
        """Return the objects of a namespace: the same tuple until one of them changes."""
        return self._objects.get(namespace, ())

    async def _list(self) -> None:
        self._capacity.clear()  # what is listed is counted anew, before it replaces what is held
        await super()._list()

    def _set(self, key: str, _before: T | None, value: T | None) -> None:
        namespace, _, name = key.partition("/")
        found = [one for one in self.of(namespace) if one.name != name]
        if value is not None:
            found.append(value)
        if found:
            self._objects[namespace] = tuple(sorted(found, key=lambda one: one.name))
        else:
            self._objects.pop(namespace, None)
        if value is None:
            self._capacity.free(key)
        self._namespace_changed(namespace)


resource_quotas = functools.partial(
    NamespacedCache[QuotaStatus], resource=RESOURCE_QUOTAS, decode=read_quota.stored, stand_in=unreadable_quota
)
"""The ResourceQuotas of the cluster."""
limit_ranges = functools.partial(
    NamespacedCache[LimitRange], resource=LIMIT_RANGES, decode=read_limit_range.stored, stand_in=unreadable_limit_range
)
"""The LimitRanges of the cluster."""
