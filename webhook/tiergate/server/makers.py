"""What people know the controller of a pod by: the Deployment of a ReplicaSet, the CronJob of a Job.

No review waits for it: it is read afterwards, once for each controller, and bounded whatever arrives.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from tiergate.cluster.errors import ApiError, BodyTooLarge, Unreachable, in_words
from tiergate.core.workload_kind import BY_KIND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tiergate.server.owners import Owners
    from tiergate.wire.owners import Reference

MOST_KNOWN: Final = 1024
"""Controllers that are remembered; for another one the one that came first is forgotten."""
MOST_WAITING: Final = 64
"""Controllers that wait to be read; another one is read when a pod of it is refused again."""
INTERVAL: Final = 0.2
"""Seconds between two controllers, each of which costs two requests at most."""
RETRY: Final = 60.0
"""Seconds until one is read again that could not be, or that the API server did not have."""

_MADE: Final = frozenset(kind for kind, row in BY_KIND.items() if row.made_by is not None)

logger = logging.getLogger(__name__)


class _Asked(NamedTuple):
    namespace: str
    about: Reference


class _Known(NamedTuple):
    maker: Reference
    until: float


class Makers:
    """Remembers what was read of controllers, and which are to be read."""

    def __init__(
        self,
        owners: Owners,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Take what reads them, monotonic seconds, and what waits for seconds."""
        self._owners = owners
        self._clock = clock
        self._sleep = sleep
        self._known: dict[_Asked, _Known] = {}
        self._waiting: dict[_Asked, None] = {}
        self._wake = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many controllers wait to be read."""
        return len(self._waiting)

    def of(self, namespace: str, about: Reference) -> Reference:
        """Return what is known to have made a controller, else itself: then it is read."""
        if about.kind not in _MADE:
            return about
        asked = _Asked(namespace, about)
        known = self._known.get(asked)
        if known is not None and self._clock() < known.until:
            return known.maker
        if len(self._waiting) < MOST_WAITING:
            self._waiting[asked] = None
            self._wake.set()
        return about

    async def run(self, made: Callable[[str, Reference, Reference], None]) -> None:
        """Read controllers for ever; ``made`` is told the namespace, the controller and what made it."""
        while True:
            await self.read_next(made)
            await self._sleep(INTERVAL)

    async def read_next(self, made: Callable[[str, Reference, Reference], None]) -> None:
        """Wait until a controller is to be read, and read it."""
        while not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        asked = next(iter(self._waiting))
        maker = await self._maker(asked)
        del self._waiting[asked]
        self._known.pop(asked, None)
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        until = self._clock() + RETRY if maker is None else float("inf")
        self._known[asked] = _Known(maker or asked.about, until)
        if maker is not None and maker != asked.about:
            made(asked.namespace, asked.about, maker)

    async def _maker(self, asked: _Asked) -> Reference | None:
        """Return what made a controller, itself if nothing did; None where that cannot be known now."""
        try:
            return await self._owners.workload(asked.about, namespace=asked.namespace)
        except (ApiError, Unreachable, BodyTooLarge, msgspec.MsgspecError, RecursionError) as error:
            fields = {"namespace": asked.namespace, "workload": asked.about.name, "error": in_words(error)}
            logger.debug("what made a workload is not known", extra={"fields": fields})
            return None
