"""What the server knows of the cluster: tiers, namespaces and quotas, each from one list and watch.

Reading a cache is free and may be late; the ``*_now`` methods ask the API server.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from tiergate.cluster.client import NOT_FOUND, ApiError, Unreachable
from tiergate.cluster.paths import NAMESPACES, QUOTAS, TIERS
from tiergate.cluster.watch import Cache
from tiergate.core.release import NEWEST
from tiergate.core.tier import Tier
from tiergate.server.index import Index
from tiergate.wire import Malformed
from tiergate.wire.namespace import Namespace, read_namespace
from tiergate.wire.quota import read_quota
from tiergate.wire.tier import judged_tier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from tiergate.cluster.client import Client
    from tiergate.core.quota import Judged, QuotaStatus

LIVE_TIMEOUT: Final = 2.0
"""Seconds for one live read: the API server waits 5 for the whole answer."""


RELEASE_INTERVAL: Final = 60.0
"""Seconds between two questions for the API server's release: it changes when a cluster is upgraded."""


logger = logging.getLogger(__name__)


class _Version(msgspec.Struct):
    minor: str = ""


class _Items(msgspec.Struct):
    items: list[msgspec.Raw] | None = None


def read_valid_tier(raw: bytes) -> Tier:
    """Return a Tier that may be in force.

    Raises:
        Malformed: It does not decode, or says something a Tier may not say (all of it in one reason).
    """
    tier, found = judged_tier(raw)
    if tier is None or found:
        rest = "".join(f"; {one.pointer}: {one.reason}" for one in found[1:])
        raise Malformed(found[0].pointer, found[0].reason + rest)
    return tier


class Caches:
    """Three caches, quotas by namespace ready to be judged, and the index of pods and claims where it is needed."""

    def __init__(self, client: Client) -> None:
        """Describe the caches; ``tasks`` fills them."""
        self._client = client
        self._by_namespace: dict[str, tuple[QuotaStatus, ...]] = {}
        self._tiers = Cache(client, TIERS, decode=read_valid_tier)
        self._namespaces = Cache(client, NAMESPACES, decode=read_namespace)
        self._quotas = Cache(client, QUOTAS, decode=read_quota, on_change=self._index)
        self._trusted_until = float("-inf")
        self._minor = NEWEST
        self.index = Index(client, tiers=self._tiers.items.values, changed=self._tiers.changed, minor=self.minor)

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what keeps the caches current, for the supervisor."""
        caches = {f"cache {name}": cache.run for name, cache in self.each()}
        return {**caches, **self.index.tasks(), "release": self._follow_release}

    def each(self) -> Iterator[tuple[str, Cache[Tier] | Cache[Namespace] | Cache[QuotaStatus]]]:
        """Yield the caches by name."""
        yield "tiers", self._tiers
        yield "namespaces", self._namespaces
        yield "resourcequotas", self._quotas

    def unsynced(self) -> list[str]:
        """Return the names of the caches that were never filled."""
        return [name for name, cache in self.each() if not cache.synced]

    def observe(self) -> None:
        """Look at all caches and decide until when they may be relied on; to be called every second.

        The hot path then compares one number, and where nobody looks any more the caches count as stale.
        """
        self._trusted_until = min(cache.trusted_until for _, cache in self.each())

    def minor(self) -> int:
        """Return the minor number of the API server's release; until it is known the newest one we know."""
        return self._minor

    async def _follow_release(self) -> None:
        """Ask for the release for ever; without an answer the last one stays, which is no reason not to serve."""
        while True:
            try:
                version = msgspec.json.decode(await self._client.request("GET", "/version"), type=_Version)
            except (ApiError, Unreachable) as error:
                fields = {"assumed": f"1.{self._minor}", "reason": str(error)}
                logger.warning("the API server's release is not known", extra={"fields": fields})
            else:
                if digits := re.match(r"[0-9]+", version.minor):  # some vendors write "37+"
                    self._minor = int(digits[0])
            await asyncio.sleep(RELEASE_INTERVAL)

    def stale(self) -> bool:
        """Whether the caches have lost touch, so that no verdict may rest on them."""
        return time.monotonic() > self._trusted_until

    def tier(self, name: str) -> Tier | None:
        """Return the last good version of a tier."""
        return self._tiers.items.get(name)

    def namespace(self, name: str) -> Namespace | None:
        """Return a namespace."""
        return self._namespaces.items.get(name)

    def governed(self) -> list[Namespace]:
        """Return the namespaces with a tier label, by tier and name."""
        labelled = (one for one in self._namespaces.items.values() if one.tier is not None)
        return sorted(labelled, key=lambda one: (one.tier or "", one.name))

    def namespaces_of(self, tier: str) -> tuple[str, ...]:
        """Return the names of the namespaces whose label names the tier, sorted."""
        return tuple(sorted(one.name for one in self._namespaces.items.values() if one.tier == tier))

    def quotas(self, namespace: str) -> tuple[QuotaStatus, ...]:
        """Return all ResourceQuotas of a namespace, ours or not, by name."""
        return self._by_namespace.get(namespace, ())

    def usage(self, namespace: str, tier: Tier, kind: type[Judged]) -> tuple[QuotaStatus, ...] | None:
        """Return the quotas of a tier in mode Warn or Audit as they would be in a namespace; None while not known.

        Only the names this kind of object is measured by.
        """
        return self.index.usage(namespace, tier, kind)

    def would_be(self, namespace: Namespace) -> tuple[QuotaStatus, ...]:
        """Return the quotas of a namespace's tier that are no objects, as far as the index knows them."""
        tier = self.tier(namespace.tier or "")
        return () if tier is None or tier.mode == "Enforce" else tuple(self.index.rows(namespace.name, tier))

    def versions(self) -> tuple[str, ...]:
        """Return what changes with everything that is shown of quotas."""
        caches = [cache for _, cache in self.each()]
        indexes = [index.cache for _, index in self.index.each()]
        return tuple("" if cache is None else cache.resource_version for cache in (*caches, *indexes))

    async def quotas_changed(self, timeout: float) -> bool:  # noqa: ASYNC109  # noqa: ASYNC109 - running out of time is an answer
        """Wait for a change of any ResourceQuota; False when there was none in so many seconds."""
        return await self._quotas.changed(timeout)

    async def tier_now(self, name: str, *, timeout: float) -> Tier | None:  # noqa: ASYNC109
        """Read one tier live; None where there is none.

        Raises:
            Malformed: There is one that may not be in force.
            ApiError, Unreachable: No answer.
        """
        raw = await self._get(f"{TIERS}/{quote(name, safe='')}", timeout)
        return None if raw is None else read_valid_tier(raw)

    async def namespace_now(self, name: str, *, timeout: float) -> Namespace | None:  # noqa: ASYNC109
        """Read one namespace live; None where there is none.

        Raises:
            ApiError, Unreachable: No answer.
        """
        raw = await self._get(f"{NAMESPACES}/{quote(name, safe='')}", timeout)
        return None if raw is None else read_namespace(raw)

    async def quotas_now(self, namespace: str, *, timeout: float) -> tuple[QuotaStatus, ...]:  # noqa: ASYNC109
        """Read all ResourceQuotas of a namespace live, by name.

        Raises:
            Malformed: One of them cannot be read.
            ApiError, Unreachable: No answer.
        """
        path = f"{NAMESPACES}/{quote(namespace, safe='')}/resourcequotas"
        body = await self._client.request("GET", path, timeout=min(timeout, LIVE_TIMEOUT))
        items = msgspec.json.decode(body, type=_Items).items or ()
        return tuple(sorted((read_quota(raw) for raw in items), key=_by_name))

    async def _get(self, path: str, timeout: float) -> bytes | None:  # noqa: ASYNC109
        try:
            return await self._client.request("GET", path, timeout=min(timeout, LIVE_TIMEOUT))
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def _index(self, key: str, quota: QuotaStatus | None) -> None:
        namespace, _, name = key.partition("/")
        others = [one for one in self._by_namespace.get(namespace, ()) if one.name != name]
        if quota is not None:
            others.append(quota)
        if others:
            self._by_namespace[namespace] = tuple(sorted(others, key=_by_name))
        else:
            self._by_namespace.pop(namespace, None)


def _by_name(quota: QuotaStatus) -> str:
    return quota.name
