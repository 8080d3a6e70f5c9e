"""Who may read the metrics: a remembered answer to "is this token good, and may its owner get /metrics"."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Final, Literal

Verdict = Literal["permitted", "unauthenticated", "forbidden", "unavailable"]

REMEMBERED: Final = 60.0
"""Seconds an answer holds, good or bad; "unavailable" is never remembered."""
MOST: Final = 256
"""Tokens remembered at once; whoever sends more different ones is not a scraper."""


class Gate:
    """Asks at most once a minute for each token."""

    def __init__(self, ask: Callable[[str], Verdict], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the question to the API server and a monotonic clock in seconds."""
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[float, Verdict]] = {}

    def __call__(self, token: str | None) -> Verdict:
        """Judge one bearer token; None stands for a request without one."""
        if token is None:
            return "unauthenticated"
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        with self._lock:
            until, verdict = self._known.get(digest, (0.0, "unavailable"))
        if self._clock() < until:
            return verdict
        verdict = self._ask(token)
        if verdict != "unavailable":
            self._remember(digest, verdict)
        return verdict

    def _remember(self, digest: bytes, verdict: Verdict) -> None:
        now = self._clock()
        with self._lock:
            if len(self._known) >= MOST:
                self._known = {key: kept for key, kept in self._known.items() if now < kept[0]}
            if len(self._known) < MOST:
                self._known[digest] = (now + REMEMBERED, verdict)
