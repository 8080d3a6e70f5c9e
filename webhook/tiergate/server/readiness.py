"""Changes of readiness, for the log: who looks there first finds why a replica gets no calls."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

STARTING_FOR: Final = 10.0
"""Seconds for which a replica may fill its caches without a word."""

logger = logging.getLogger(__name__)


class ReadinessLog:
    """Writes one line for each change, and for each other reason."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Count from now how long the start takes."""
        self._clock = clock
        self._quiet_until = clock() + STARTING_FOR
        self._said: str | None = None

    def told(self, reason: str) -> None:
        """Take why no traffic should come here now, "" where it should."""
        if reason == self._said or (self._said is None and reason and self._clock() < self._quiet_until):
            return
        if reason:
            logger.warning("not ready", extra={"fields": {"reason": reason}})
        elif self._said:
            logger.info("ready again")
        self._said = reason
