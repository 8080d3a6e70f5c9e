"""For how long no controller has been seen to lead: the webhook's replicas are scraped and the controller is not."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import msgspec

from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.cluster.lease import CONTROLLER_LEASE, last_renewal, seconds_since_boot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiergate.cluster.api import Api
    from tiergate.cluster.lease import Renewal

LOOK: Final = 5.0
"""Seconds between two looks at the Lease."""

logger = logging.getLogger(__name__)


class Leadership:
    """Looks at the controller's Lease. Nothing is decided by what is seen, so a look that fails is only logged."""

    def __init__(self, api: Api, *, namespace: str, clock: Callable[[], float] = seconds_since_boot) -> None:
        """Describe where the Lease is; ``run`` looks at it."""
        self._api = api
        self._namespace = namespace
        self._clock = clock
        self._renewed = clock()
        self._seen: Renewal | None = None
        self._said = ""

    def silence(self) -> float:
        """Return the seconds, on this replica's clock, since the Lease was seen renewed; at first since the start."""
        return self._clock() - self._renewed

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Look once. A Lease that nobody holds is not renewed, whatever was written there last."""
        said = ""
        try:
            seen = await last_renewal(self._api, namespace=self._namespace, name=CONTROLLER_LEASE)
        except (ApiError, Unreachable, msgspec.MsgspecError) as error:
            said = str(error)
        else:
            if seen is not None and seen != self._seen:
                self._renewed = self._clock()
            self._seen = seen
        if said and said != self._said:
            logger.warning("cannot see who leads", extra={"fields": {"error": said}})
        self._said = said
