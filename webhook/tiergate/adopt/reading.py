"""A cluster as far as adopting it needs: the native bounds of its namespaces, and what stands in these."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from tiergate.adopt.naming import is_name
from tiergate.adopt.values import NativeBounds, Skipped
from tiergate.cluster import resource as resources
from tiergate.cluster.errors import NOT_FOUND, ApiError
from tiergate.cluster.tier_record import read_record
from tiergate.core.tier import LABEL, Tier, is_protected
from tiergate.core.workload_kind import BY_KIND
from tiergate.live.listing import FORBIDDEN, ListedMeta, each_object, read_metadata, reason, server_minor
from tiergate.live.pruning import pruned
from tiergate.wire import Malformed
from tiergate.wire.limitrange import read_limit_range
from tiergate.wire.owners import read_owned
from tiergate.wire.ownership import MANAGER
from tiergate.wire.quota import read_quota
from tiergate.wire.snapshot import Missing
from tiergate.wire.types import MANAGED_BY_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tiergate.cluster.api import Api
    from tiergate.cluster.resource import Resource
    from tiergate.core.native import LimitRange
    from tiergate.core.quota import QuotaStatus

_ENDED: Final = ("Succeeded", "Failed")
_STANDING: Final[dict[str, Resource]] = {**resources.WORKLOADS, "Pod": resources.PODS}
"""Workloads come first: where some may not be read, every pod is judged by itself."""
_AROUND: Final[dict[str, Resource]] = {"RuntimeClass": resources.RUNTIME_CLASSES, "Node": resources.NODES}
_MAKERS: Final = {(one.group, kind) for kind, one in BY_KIND.items()}


class Standing(msgspec.Struct, frozen=True):
    """An object that stands in a namespace, as JSON of the fields that decisions read."""

    kind: str
    api_version: str
    namespace: str
    name: str
    raw: bytes


class Found(msgspec.Struct):
    """What was read.

    Attributes:
        minor: The release of the server.
        natives: Namespaces with LimitRanges or ResourceQuotas.
        skipped: Namespaces that are left alone.
        bare: How many namespaces have neither.
        tiers: The tiers that there are, None for one that is not in force.
        standing: Workloads of these namespaces and pods that none of them made; nodes and RuntimeClasses.
        missing: What could not be read.
    """

    minor: int
    natives: list[NativeBounds] = []
    skipped: list[Skipped] = []
    bare: int = 0
    tiers: dict[str, Tier | None] = {}
    standing: list[Standing] = []
    missing: list[Missing] = []


async def read(api: Api, *, namespaces: Sequence[str] = (), release_namespace: str) -> Found:
    """Read a cluster, or these namespaces of it.

    Raises:
        ApiError: The API server refused for another reason than missing rights.
        Unreachable: It did not answer.
    """
    found = Found(await server_minor(api))
    reader = _Reader(api, found, everything=not namespaces, release_namespace=release_namespace)
    await reader.read(sorted(set(namespaces)))
    return found


class _Reader:
    """Reads once; what may not be read is noted."""

    def __init__(self, api: Api, found: Found, *, everything: bool, release_namespace: str) -> None:
        self._api = api
        self._found = found
        self._everything = everything
        self._release_namespace = release_namespace
        self._labels: dict[str, dict[str, str]] = {}
        self._ranges: dict[str, list[LimitRange]] = {}
        self._quotas: dict[str, list[QuotaStatus]] = {}
        self._keepers: dict[str, dict[tuple[str, str], str]] = {}
        self._unknown: dict[str, str] = {}
        """Why the bounds of a namespace are not known."""

    async def read(self, wanted: Sequence[str]) -> None:
        """Read the namespaces, what bounds them, and what stands in them."""
        await self._namespaces(wanted)
        await self._cluster_wide("Tier", resources.TIERS, self._keep_tier)
        free = [name for name in sorted(self._labels) if self._is_free(name)]
        for kind, resource, keep in (
            ("LimitRange", resources.LIMIT_RANGES, self._keep_range),
            ("ResourceQuota", resources.RESOURCE_QUOTAS, self._keep_quota),
        ):
            for namespace in await self._each(kind, resource, free, keep):
                for name in free if not namespace else [namespace]:
                    self._unknown.setdefault(name, f"its {kind} objects cannot be read")
        for name in free:
            self._settle(name)
        await self._standing([one.namespace for one in self._found.natives])

    async def _namespaces(self, wanted: Sequence[str]) -> None:
        def keep(raw: bytes) -> None:
            metadata = read_metadata(raw)
            if metadata.deletionTimestamp is not None:
                self._skip(metadata.name, "it is being deleted")
            elif not is_name(metadata.name):
                self._skip(metadata.name, "its name cannot be read")
            else:
                self._labels[metadata.name] = metadata.labels or {}

        if not wanted:
            await self._cluster_wide("Namespace", resources.NAMESPACES, keep)
        for name in wanted:
            try:
                raw = await self._api.get(resources.NAMESPACES, name)
            except ApiError as error:
                if error.status != FORBIDDEN:
                    raise
                self._skip(name, f"it cannot be read: {reason(error)}")
                continue
            if raw is None:
                self._skip(name, "there is no such namespace")
            else:
                keep(raw)

    def _skip(self, name: str, reason: str) -> None:
        self._found.skipped.append(Skipped(name, reason))

    def _is_free(self, name: str) -> bool:
        """Say whether the namespace may join a tier and is in none; tell why not."""
        tier = self._labels[name].get(LABEL)
        if is_protected(name, release_namespace=self._release_namespace):
            self._skip(name, "no tier may govern it")
        elif tier is not None:
            self._skip(name, f"it is in tier {tier} already")
        else:
            return True
        return False

    async def _each(
        self, kind: str, resource: Resource, namespaces: Sequence[str], keep: Callable[[bytes], None]
    ) -> list[str]:
        """Keep every object of a kind; return of which namespaces, "" for all, they could not be read."""
        listed = await each_object(self._api, resource, namespaces, keep, everything=self._everything)
        self._found.missing += [Missing(kind, reason(error), namespace) for namespace, error in listed]
        return [namespace for namespace, _ in listed]

    async def _cluster_wide(self, kind: str, resource: Resource, keep: Callable[[bytes], None]) -> None:
        """Keep every object of a kind without namespaces; a cluster without Tiergate has no tiers."""
        for _, error in await each_object(self._api, resource, (), keep, everything=True):
            if kind != "Tier" or error.status != NOT_FOUND:
                self._found.missing.append(Missing(kind, reason(error)))

    def _keep_tier(self, raw: bytes) -> None:
        valid = read_record(raw).valid
        self._found.tiers[read_metadata(raw).name] = None if valid is None else valid.tier

    def _keep_range(self, raw: bytes) -> None:
        self._keep_bounds("LimitRange", raw, read_limit_range, self._ranges)

    def _keep_quota(self, raw: bytes) -> None:
        self._keep_bounds("ResourceQuota", raw, read_quota, self._quotas)

    def _keep_bounds(self, kind: str, raw: bytes, to_core: Callable[[bytes], Any], of: dict[str, list[Any]]) -> None:
        metadata = read_metadata(raw)
        try:
            of.setdefault(metadata.namespace, []).append(to_core(raw))
        except Malformed as error:
            reason = f"{kind} {metadata.name} cannot be read: {error.every()[0].reason}"
            self._unknown.setdefault(metadata.namespace, reason)
        if keeper := _keeper(raw, metadata):
            self._keepers.setdefault(metadata.namespace, {})[kind, metadata.name] = keeper

    def _settle(self, name: str) -> None:
        ranges = sorted(self._ranges.get(name, []), key=lambda one: one.name)
        quotas = sorted(self._quotas.get(name, []), key=lambda one: one.name)
        if name in self._unknown:
            self._skip(name, self._unknown[name])
        elif not ranges and not quotas:
            self._found.bare += 1
        else:
            keepers = self._keepers.get(name, {})
            self._found.natives.append(NativeBounds(name, self._labels[name], tuple(ranges), tuple(quotas), keepers))

    async def _standing(self, namespaces: Sequence[str]) -> None:
        if not namespaces:
            return
        complete = True
        for kind, resource in _STANDING.items():
            every = kind == "Pod" and not complete
            keep = partial(self._keep_standing, kind, resource, frozenset(namespaces), every=every)
            complete = not await self._each(kind, resource, namespaces, keep) and complete
        for kind, resource in _AROUND.items():
            keep = partial(self._keep_standing, kind, resource, frozenset({""}), every=True)
            await self._cluster_wide(kind, resource, keep)

    def _keep_standing(self, kind: str, resource: Resource, wanted: frozenset[str], raw: bytes, *, every: bool) -> None:
        """Keep an object that is judged by itself: nothing that is kept made it, and it has not ended."""
        metadata = read_metadata(raw)
        if metadata.namespace not in wanted or (not every and _is_made(raw)):
            return
        try:
            found = pruned(kind, raw)
        except ValueError as error:
            self._found.missing.append(Missing(kind, f"cannot be read: {error}", metadata.namespace, metadata.name))
            return
        if _has_ended(found):
            return
        document = {"apiVersion": resource.api_version, "kind": kind, **found}
        body = msgspec.json.encode(document)
        self._found.standing.append(Standing(kind, resource.api_version, metadata.namespace, metadata.name, body))


def _keeper(raw: bytes, metadata: ListedMeta) -> str:
    """Return what manages an object, "" where nothing is known to; whatever it is, it is not us."""
    tool = (metadata.labels or {}).get(MANAGED_BY_LABEL, "")
    if tool == MANAGER:
        return ""
    try:
        owner = read_owned(raw).controller()
    except msgspec.MsgspecError:
        owner = None
    return f"{owner.kind} {owner.name}" if owner is not None else tool


def _is_made(raw: bytes) -> bool:
    """Say whether a workload made the object, which is judged in its place."""
    try:
        owner = read_owned(raw).controller()
    except (msgspec.MsgspecError, RecursionError):
        return False
    return owner is not None and (owner.group, owner.kind) in _MAKERS


def _has_ended(found: dict[str, Any]) -> bool:
    """Say whether a pod or Job makes no demands any more."""
    status = found.get("status", {})
    done = [one for one in status.get("conditions", ()) if one.get("type") in ("Complete", "Failed")]
    return status.get("phase") in _ENDED or any(one.get("status") == "True" for one in done)
