"""A cluster as far as `tiergate check` needs it: tiers, namespaces, usage, and what could not be read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tiergate.cluster import resource as resources
from tiergate.cluster.errors import NOT_FOUND, ApiError
from tiergate.core.tier import LABEL
from tiergate.live.listing import FORBIDDEN, each_object, reason, server_minor
from tiergate.live.pruning import pruned
from tiergate.wire.snapshot import API_VERSION, KIND, Missing, WireSnapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from tiergate.cluster.api import Api
    from tiergate.cluster.resource import Resource

MANY: Final = 10
"""Namespaces from which on the whole cluster is asked for at once."""
_OF_NAMESPACES: Final[dict[str, Resource]] = {
    "ResourceQuota": resources.RESOURCE_QUOTAS,
    "LimitRange": resources.LIMIT_RANGES,
    "PersistentVolumeClaim": resources.CLAIMS,
    **resources.WORKLOADS,
}
_OF_CLUSTER: Final[dict[str, Resource]] = {"RuntimeClass": resources.RUNTIME_CLASSES, "Node": resources.NODES}

ALL: Final = (*_OF_NAMESPACES, *_OF_CLUSTER)
"""The kinds that are read besides namespaces and tiers."""

NOT_INSTALLED: Final = "Tiergate is not installed there: the cluster has no definition of Tier"


class Snapshot(msgspec.Struct):
    """What was read, and of which release the server is."""

    minor: int
    objects: list[dict[str, Any]]
    missing: list[Missing]

    def documents(self) -> Iterator[dict[str, Any]]:
        """Yield what a file of it holds: first what it is."""
        yield msgspec.to_builtins(WireSnapshot(API_VERSION, KIND, f"1.{self.minor}", self.missing))
        yield from self.objects

    @property
    def json(self) -> bytes:
        """The same as one List."""
        return msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": list(self.documents())})


async def take(api: Api, *, namespaces: Iterable[str] = (), everything: bool, kinds: Collection[str] = ALL) -> Snapshot:
    """Read a cluster.

    Args:
        api: Where to read.
        namespaces: Those of interest, which are read one by one where the whole cluster may not be.
        everything: Read every namespace, else those of interest alone, unless there are many.
        kinds: What is read besides namespaces and tiers.

    Raises:
        ApiError: The API server refused for another reason than missing rights.
        Unreachable: It did not answer.
    """
    wanted = sorted(set(namespaces))
    found = Snapshot(await server_minor(api), [], [])
    reader = _Reader(api, wanted, found, everything=everything or len(wanted) > MANY, kinds=kinds)
    await reader.read()
    return found


def _names(metadata: dict[str, Any]) -> tuple[str, str]:
    return metadata.get("namespace", ""), metadata["name"]


class _Reader:
    """Reads once; what may not be read is noted."""

    def __init__(
        self, api: Api, namespaces: Sequence[str], found: Snapshot, *, everything: bool, kinds: Collection[str]
    ) -> None:
        self._api = api
        self._wanted = namespaces
        self._everything = everything
        self._kinds = kinds
        self._found = found

    async def read(self) -> None:
        """Gather what there is, in the order of a snapshot."""
        labels = await self._namespaces()
        await self._tiers({tier for tier in labels.values() if tier})
        governed = sorted(name for name, tier in labels.items() if tier)
        for kind, resource in _OF_NAMESPACES.items():
            if kind in self._kinds:
                await self._in_namespaces(kind, resource, governed)
        for kind, resource in _OF_CLUSTER.items():
            if kind in self._kinds and governed:
                await self._listed(kind, resource)
        order = {kind: at for at, kind in enumerate(("Tier", "Namespace", *_OF_NAMESPACES, *_OF_CLUSTER))}
        self._found.objects.sort(key=lambda one: (order[one["kind"]], _names(one["metadata"])))

    async def _namespaces(self) -> dict[str, str]:
        """Keep the namespaces, and return their tiers."""
        everything = self._everything
        if not (everything and await self._listed("Namespace", resources.NAMESPACES, told=not self._wanted)):
            for name in self._wanted:
                await self._one("Namespace", resources.NAMESPACES, name)
        labels = {}
        for one in self._found.objects:
            metadata = one["metadata"]
            labels[metadata["name"]] = metadata.get("labels", {}).get(LABEL, "")
        return labels

    async def _tiers(self, names: set[str]) -> None:
        """Keep all tiers, or those that the namespaces name: teams may read their own one by its name."""
        if not await self._listed("Tier", resources.TIERS, told=not names):
            for name in sorted(names):
                await self._one("Tier", resources.TIERS, name)

    async def _in_namespaces(self, kind: str, resource: Resource, governed: Sequence[str]) -> None:
        keep = partial(self._keep, kind, resource, only=frozenset(governed))
        for namespace, error in await each_object(self._api, resource, governed, keep, everything=self._everything):
            self._note(kind, error, namespace=namespace)

    async def _listed(self, kind: str, resource: Resource, *, told: bool = True) -> bool:
        """Keep all objects of a kind; say whether that is allowed."""
        for _, error in await each_object(
            self._api, resource, (), partial(self._keep, kind, resource), everything=True
        ):
            if error.status == FORBIDDEN and not told:
                return False
            self._note(kind, error)
        return True

    async def _one(self, kind: str, resource: Resource, name: str) -> None:
        try:
            raw = await self._api.get(resource, name)
        except ApiError as error:
            self._note(kind, error, name=name)
            return
        if raw is not None:
            self._keep(kind, resource, raw)

    def _note(self, kind: str, error: ApiError, *, namespace: str = "", name: str = "") -> None:
        if error.status not in (FORBIDDEN, NOT_FOUND):
            raise error
        absent = kind == "Tier" and not name and error.status == NOT_FOUND
        self._found.missing.append(Missing(kind, NOT_INSTALLED if absent else reason(error), namespace, name))

    def _keep(self, kind: str, resource: Resource, raw: bytes, *, only: frozenset[str] | None = None) -> None:
        """Keep what decisions read of an object, unless a workload that is kept makes it."""
        try:
            one = {"apiVersion": resource.api_version, "kind": kind, **pruned(kind, raw)}
        except ValueError as error:
            self._found.missing.append(Missing(kind, f"one cannot be read: {error}"))
            return
        metadata = one["metadata"]
        if metadata.pop("ownerReferences", None) is None and (only is None or metadata.get("namespace") in only):
            self._found.objects.append(one)
