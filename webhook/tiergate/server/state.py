"""What the server knows of the cluster: the state from its caches, usage where a tier needs it, and live reads.

Reading the state is free and may be late; the ``*_now`` methods ask the API server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.cluster.api import Api
from tiergate.cluster.capacity import Capacity
from tiergate.cluster.errors import ApiError, BodyTooLarge, Unreachable, in_words
from tiergate.cluster.release import ServerRelease
from tiergate.cluster.resource import NAMESPACES, RESOURCE_QUOTAS, TIERS
from tiergate.cluster.state import ClusterState
from tiergate.cluster.tier_record import read_valid_tier
from tiergate.cluster.usage_index import UsageIndex
from tiergate.server.live import LiveReads
from tiergate.server.workload_state import WorkloadState
from tiergate.wire import Malformed
from tiergate.wire.namespace import read_namespace
from tiergate.wire.quota import read_quota, unreadable_quota

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tiergate.cluster.client import Client
    from tiergate.core.quota import Measured, QuotaStatus
    from tiergate.core.tier import Tier
    from tiergate.wire.namespace import Namespace


DECODED_AT_ONCE: Final = 50
"""ResourceQuotas of a live read before reviews get their turn: a tenant may have thousands in a namespace."""
MISSING_FOR: Final = 1.0
"""Seconds for which a tier that is not there is not asked for again."""
MOST_MISSING: Final = 1000
"""Names of missing tiers that are remembered."""
QUOTAS_BYTES: Final = 2 * 2**20
"""Bytes of all ResourceQuotas of a namespace that are read live, in one call of the event loop; 2 KB each, mostly."""
LONGEST_NAME: Final = 253
"""Characters of a name of the API server's."""


class ServerState(ClusterState):
    """The cluster's state, how far it can be relied on, and what the API server says when it is asked.

    ``timeout`` of a live read is in seconds, for the whole read; ``peer`` is the address for whose sake it is made.
    """

    def __init__(
        self,
        client: Client,
        *,
        release_namespace: str,
        usage_index: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Describe the state; nothing is read yet.

        Args:
            client: Where to read.
            release_namespace: Our own namespace.
            usage_index: Whether pods and claims may be listed; without it usage in mode Warn and Audit is never known.
            clock: Monotonic seconds.
        """
        super().__init__(client, release_namespace=release_namespace, clock=clock)
        self._clock = clock
        self._usage_index = usage_index
        self._api = Api(client)
        self._release = ServerRelease(self._api)
        self._trusted_until = float("-inf")
        self._tier_reads = LiveReads[bytes | None]()
        self._namespace_reads = LiveReads[bytes | None]()
        self._quota_reads = LiveReads[Sequence[msgspec.Raw]]()
        self.workloads = WorkloadState(client, self._api, self._limit_ranges, clock=clock)
        self._missing_tiers: dict[str, float] = {}
        self.index = UsageIndex(
            client, tiers=self.tiers_in_force, changed=self._tiers.changed, minor=self.minor, clock=clock
        )

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what keeps the state current, for the supervisor."""
        caches = {f"cache {name}": cache.run for name, cache in self.caches().items()}
        index = self.index.tasks() if self._usage_index else {}
        return {**caches, **index, **self.workloads.tasks(), "release": self._release.run}

    def observe(self) -> None:
        """Look at all caches and decide until when they may be relied on; to be called every second.

        The hot path then compares one number, and where nobody looks any more the caches count as stale.
        """
        self._trusted_until = min(cache.trusted_until for cache in self.caches().values())

    def stale(self) -> bool:
        """Whether the caches have lost touch, so that no verdict may rest on them."""
        return self._clock() > self._trusted_until

    def minor(self) -> int:
        """Return the minor number of the API server's release; until it is known the newest one we know."""
        return self._release.minor

    def governed(self) -> list[Namespace]:
        """Return the namespaces with a tier label, by tier and name."""
        labelled = (one for one in self._namespaces.items.values() if one.tier is not None)
        return sorted(labelled, key=lambda one: (one.tier or "", one.name))

    def usage(self, namespace: str, tier: Tier, kind: type[Measured]) -> tuple[QuotaStatus, ...] | None:
        """Return the quotas of a tier in mode Warn or Audit as they would be in a namespace; None while not known.

        Only the names this kind of object is measured by.
        """
        return self.index.usage(namespace, tier, kind)

    def would_be(self, namespace: Namespace) -> tuple[QuotaStatus, ...]:
        """Return the quotas of a namespace's tier that are no objects, as far as the index knows them."""
        tier = self.tier(namespace.tier or "")
        return () if tier is None or tier.is_native else tuple(self.index.rows(namespace.name, tier))

    def versions(self) -> tuple[str, ...]:
        """Return what changes with everything that is shown of quotas."""
        indexes = [index.cache for _, index in self.index.each()]
        return tuple("" if cache is None else cache.resource_version for cache in (*self.caches().values(), *indexes))

    async def tier_now(self, name: str, *, peer: str, timeout: float) -> Tier | None:  # noqa: ASYNC109 - as the client has it
        """Read one tier live; None where there is none.

        Raises:
            Malformed: There is one that may not be in force.
            ApiError, Unreachable: No answer.
        """
        if self._clock() < self._missing_tiers.get(name, 0.0) and not self.stale():
            return None
        raw = await self._tier_reads.read(
            name, lambda seconds: self._api.get(TIERS, name, timeout=seconds), peer=peer, timeout=timeout
        )
        if raw is None:
            self._note_missing(name)
            return None
        return read_valid_tier(raw)

    async def unreadable(self, namespace: str, *, timeout: float) -> str:  # noqa: ASYNC109 - as the client has it
        """Say why the facts of a verdict cannot be read live, "" where they can; the namespace is any that exists.

        It is asked for our own sake, so that no crowd of requests makes it seem so.
        """
        try:
            async with asyncio.timeout(timeout):
                await self.namespace_now(namespace, peer="", timeout=timeout)
                await self.quotas_now(namespace, peer="", timeout=timeout)
                await self.tier_now(namespace, peer="", timeout=timeout)
        except Malformed:
            pass  # a tier that is invalid could be read
        except (ApiError, Unreachable, BodyTooLarge, TimeoutError, msgspec.MsgspecError) as error:
            return f"out of touch with the API server: {in_words(error)}"
        return ""

    def _note_missing(self, name: str) -> None:
        """Remember for a moment that there is no such tier: caches in touch are asked first, and know a new one.

        Not so for namespaces: what is not there is not governed, and must not be so for a moment longer.
        """
        now = self._clock()
        if len(name) > LONGEST_NAME:
            return
        if len(self._missing_tiers) >= MOST_MISSING:
            self._missing_tiers = {one: until for one, until in self._missing_tiers.items() if until > now}
        if len(self._missing_tiers) < MOST_MISSING:
            self._missing_tiers[name] = now + MISSING_FOR

    async def namespace_now(self, name: str, *, peer: str, timeout: float) -> Namespace | None:  # noqa: ASYNC109 - as the client has it
        """Read one namespace live; None where there is none.

        Raises:
            ApiError, Unreachable: No answer.
        """
        raw = await self._namespace_reads.read(
            name, lambda seconds: self._api.get(NAMESPACES, name, timeout=seconds), peer=peer, timeout=timeout
        )
        return None if raw is None else read_namespace(raw)

    async def quotas_now(self, namespace: str, *, peer: str, timeout: float) -> tuple[QuotaStatus, ...]:  # noqa: ASYNC109 - as the client has it
        """Read all ResourceQuotas of a namespace live, by name.

        Raises:
            ApiError, Unreachable: No answer.
            BodyTooLarge: They are more than anybody needs.
        """
        listed = await self._quota_reads.read(
            namespace,
            lambda seconds: self._api.list(RESOURCE_QUOTAS, namespace=namespace, timeout=seconds, most=QUOTAS_BYTES),
            peer=peer,
            timeout=timeout,
        )
        capacity = Capacity()
        found: list[QuotaStatus] = []
        for number, raw in enumerate(listed, 1):
            if (quota := _quota(bytes(raw), capacity)) is not None:
                found.append(quota)
            if number % DECODED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return tuple(sorted(found, key=lambda quota: quota.name))


def _quota(raw: bytes, capacity: Capacity) -> QuotaStatus | None:
    """Read a ResourceQuota as the cache does."""
    try:
        return capacity.read(read_quota.stored, raw)
    except Malformed:
        return capacity.in_its_place(unreadable_quota, raw)
