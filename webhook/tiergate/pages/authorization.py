"""Who may read the metrics: a cached answer to "is this token valid, and may its user get /metrics"."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Final, Literal

Access = Literal["permitted", "unauthenticated", "forbidden", "unavailable"]

CACHE_SECONDS: Final = 60.0
"""Seconds an answer is cached, positive or negative; "unavailable" is never cached."""
MAX_TOKENS: Final = 256
"""Tokens cached at once; a scraper does not send that many different ones."""


class TokenAuthorizer:
    """Authorizes bearer tokens; asks at most once a minute for each token."""

    def __init__(self, ask: Callable[[str], Access], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Use ``ask``, which asks the API server about one token, and a monotonic clock in seconds."""
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[float, Access]] = {}

    def __call__(self, token: str | None) -> Access:
        """Return the access of one bearer token; None stands for a request without one."""
        if token is None:
            return "unauthenticated"
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        with self._lock:
            until, access = self._known.get(digest, (0.0, "unavailable"))
        if self._clock() < until:
            return access
        access = self._ask(token)
        if access != "unavailable":
            self._remember(digest, access)
        return access

    def _remember(self, digest: bytes, access: Access) -> None:
        """Keep an answer; where all places are taken only the permitted ones keep theirs, as others can be made up."""
        now = self._clock()
        with self._lock:
            if len(self._known) >= MAX_TOKENS:
                self._known = {
                    key: (until, kept)
                    for key, (until, kept) in self._known.items()
                    if now < until and kept == "permitted"
                }
            if len(self._known) < MAX_TOKENS:
                self._known[digest] = (now + CACHE_SECONDS, access)
