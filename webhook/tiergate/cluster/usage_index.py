"""The index of pods and claims: what they add up to in each namespace, for tiers without native quota.

Opened when a tier needs it and closed, with all it holds, when none does any more. One list and watch for each kind
covers the cluster, so that a namespace that joins a tier is known at once. Objects are decoded straight from the API
server's bytes to footprints; neither they nor client models are kept.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final, TypeAlias

from tiergate.cluster.resource import CLAIMS, PODS
from tiergate.cluster.watch import Cache
from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod
from tiergate.core.tally import Footprint, Footprints, Tally, names_to_count, would_be
from tiergate.wire.claim import WireClaim, to_claim
from tiergate.wire.decode import Reader
from tiergate.wire.pod import WirePod, to_pod

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from tiergate.cluster.resource import Resource
    from tiergate.cluster.watch import Source
    from tiergate.core.quota import Measured, QuotaStatus
    from tiergate.core.tier import Tier

PAGE: Final = 150
"""Objects in one list page: with 10 kB for each, about 1.5 MB at a time and 10 ms without an answer."""
LOOK: Final = 5.0
"""Seconds between two looks at whether the index is needed, if no tier changed meanwhile."""

Decode: TypeAlias = "Callable[[bytes], Footprint]"

logger = logging.getLogger(__name__)


class KindUsageIndex:
    """The index of one kind of object."""

    def __init__(
        self,
        client: Source,
        resource: Resource,
        *,
        kind: type[Measured],
        decoder: Callable[[Footprints], Decode],
        tiers: Callable[[], Iterable[Tier]],
        changed: Callable[[float], Awaitable[bool]],
        minor: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Describe the index; ``run`` fills it while it is needed.

        Args:
            client: Where to list and watch.
            resource: Whose objects, of all namespaces.
            kind: What the objects are.
            decoder: Makes the function from an object's bytes to what is kept of it.
            tiers: The tiers in force, which decide whether the index is needed.
            changed: Waits for a change of any tier, at most so many seconds.
            minor: The server's release, whose quota counts pods being resized in its own way.
            clock: Monotonic seconds.
        """
        self._client = client
        self._resource = resource
        self._kind = kind
        self._decoder = decoder
        self._tiers = tiers
        self._changed = changed
        self._minor = minor
        self._clock = clock
        self._tally = Tally()
        self._names: frozenset[str] = frozenset()
        self.cache: Cache[Footprint] | None = None
        self._unchecked = 0

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self._tally)

    def usage(self, namespace: str, tier: Tier) -> tuple[QuotaStatus, ...] | None:
        """Return the tier's quotas as they would be in the namespace; None, counted, while that is not known.

        It is not known either while an object of the namespace cannot be read, or its objects differ in too many ways.
        Only the names this kind of object is measured by; a tier without any is known at once.
        """
        names = names_to_count((tier,), self._kind)
        if not names:
            return ()
        if not self._known(names) or self._is_unclear(namespace):
            self._unchecked += 1
            return None
        return self._would_be(namespace, tier)

    def take_unchecked(self) -> int:
        """Return how often `usage` had to say None since the last call."""
        count, self._unchecked = self._unchecked, 0
        return count

    def peek(self, namespace: str, tier: Tier) -> tuple[QuotaStatus, ...]:
        """Return the same from what there is, known or not: for people to look at."""
        if self.cache is None or not self.cache.synced or not names_to_count((tier,), self._kind) <= self._names:
            return ()
        if self._tally.is_crowded(namespace):
            return ()
        return self._would_be(namespace, tier)

    def _would_be(self, namespace: str, tier: Tier) -> tuple[QuotaStatus, ...]:
        sums, now = self._tally.sums(namespace), time.time()
        return would_be(tier, self._kind, sums, namespace=namespace, now=now, minor=self._minor())

    def _known(self, names: frozenset[str]) -> bool:
        """Say whether the usage of these names may be relied on: listed once, and in touch since."""
        cache = self.cache
        return cache is not None and cache.synced and self._clock() <= cache.trusted_until and names <= self._names

    def _is_unclear(self, namespace: str) -> bool:
        return self._tally.is_crowded(namespace) or (self.cache is not None and self.cache.has_faults(namespace))

    async def run(self) -> None:
        """Open and close for ever, as the tiers say, and anew for names that were not kept; a bug in between raises."""
        while True:
            await self._until(bool)
            names = self._needed()
            following = asyncio.ensure_future(self._follow(names))
            enough = asyncio.ensure_future(self._until(lambda needed: not needed or not needed <= names))  # noqa: B023
            try:
                await asyncio.wait((following, enough), return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end(following, enough)
            if not following.cancelled():
                following.result()

    def _needed(self) -> frozenset[str]:
        return names_to_count(self._tiers(), self._kind)

    async def _until(self, holds: Callable[[frozenset[str]], bool]) -> None:
        while not holds(self._needed()):
            await self._changed(LOOK)

    async def _follow(self, names: frozenset[str]) -> None:
        """List and watch until cancelled; then everything is forgotten. Of charges these names are kept."""
        tally, self._names = Tally(), names
        self._tally = tally

        def seen(key: str, _before: Footprint | None, now: Footprint | None) -> None:
            tally.set(key, now)

        decode = self._decoder(Footprints(names))
        self.cache = Cache(self._client, self._resource, decode=decode, on_change=seen, page=PAGE, clock=self._clock)
        logger.info("index opened", extra={"fields": {"resource": self._resource.plural}})
        try:
            await self.cache.run()
        finally:
            self.cache, self._tally, self._names = None, Tally(), frozenset()
            logger.info("index closed", extra={"fields": {"resource": self._resource.plural}})


async def _end(*running: asyncio.Future[None]) -> None:
    for one in running:
        one.cancel()
    await asyncio.gather(*running, return_exceptions=True)


class UsageIndex:
    """The index of every kind."""

    def __init__(
        self,
        client: Source,
        *,
        tiers: Callable[[], Iterable[Tier]],
        changed: Callable[[float], Awaitable[bool]],
        minor: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the client, the tiers in force, what waits for a change of one, the server's release and a clock."""
        self._by_kind: dict[type[Measured], KindUsageIndex] = {
            kind: KindUsageIndex(
                client, resource, kind=kind, decoder=decoder, tiers=tiers, changed=changed, minor=minor, clock=clock
            )
            for kind, resource, decoder in ((Pod, PODS, pod_decoder), (Claim, CLAIMS, claim_decoder))
        }

    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Return what keeps the index current while it is needed, for the supervisor."""
        return {f"index {name}": one.run for name, one in self.each()}

    def each(self) -> Iterator[tuple[str, KindUsageIndex]]:
        """Yield the index of each kind by the name of its resource."""
        yield "pods", self._by_kind[Pod]
        yield "persistentvolumeclaims", self._by_kind[Claim]

    def usage(self, namespace: str, tier: Tier, kind: type[Measured]) -> tuple[QuotaStatus, ...] | None:
        """Return what the index of the kind says of the namespace under the tier; see `KindUsageIndex.usage`."""
        return self._by_kind[kind].usage(namespace, tier)

    def rows(self, namespace: str, tier: Tier) -> Iterator[QuotaStatus]:
        """Yield the tier's quotas in the namespace as far as there is an index, for people to look at."""
        for one in self._by_kind.values():
            yield from one.peek(namespace, tier)


def pod_decoder(footprints: Footprints) -> Decode:
    """Return the reader of pods; it raises Malformed for one that cannot be read.

    Each is worked out anew, also where pods of one template say the same word for word: what a tenant writes is the key
    of nothing, so that nothing of it outlives the pod.
    """
    return Reader(WirePod, lambda wire: footprints.of(to_pod(wire))).stored


def claim_decoder(footprints: Footprints) -> Decode:
    """Return the reader of claims; it raises Malformed for one that cannot be read."""
    return Reader(WireClaim, lambda wire: footprints.of(to_claim(wire))).stored
