"""Who may read the metrics: a cached answer to "is this token valid, and may its user get /metrics"."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, Literal, TypeAlias

METRICS: Final = "/metrics"
"""The path of the metrics, and of the permission to read them."""
Access = Literal["permitted", "unauthenticated", "forbidden", "unavailable"]
Authorize: TypeAlias = Callable[[str | None, str], Awaitable[Access]]
"""Returns the access of a bearer token that comes from a peer address."""

STATUS: Final[Mapping[Access, int]] = {"permitted": 200, "unauthenticated": 401, "forbidden": 403, "unavailable": 503}
CACHE_SECONDS: Final = 60.0
"""Seconds an answer is cached, positive or negative; "unavailable" is never cached."""
KEPT_SECONDS: Final = 600.0
"""Seconds more for which a permission holds while nobody can say: alerts are needed when the API server is away."""
MAX_TOKENS: Final = 256
"""Tokens cached at once; a scraper does not send that many different ones."""
BEARER: Final = "bearer "


def token_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the bearer token of a request, None where there is none."""
    for name, value in headers:
        if name == b"authorization":
            text = value.decode("latin-1")
            return text[len(BEARER) :].strip() or None if text.lower().startswith(BEARER) else None
    return None


class TokenAuthorizer:
    """Authorizes bearer tokens; asks at most once a minute for each token."""

    def __init__(
        self, ask: Callable[[str, str], Awaitable[Access]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Use ``ask``, which asks the API server about a token for a peer's sake, and a monotonic clock in seconds."""
        self._ask = ask
        self._clock = clock
        self._known: dict[bytes, tuple[float, Access]] = {}

    async def __call__(self, token: str | None, peer: str) -> Access:
        """Return the access of one bearer token; None stands for a request without one."""
        if token is None:
            return "unauthenticated"
        digest = hashlib.sha256(token.encode()).digest()
        until, before = self._known.get(digest, (float("-inf"), "unavailable"))
        if self._clock() < until:
            return before
        access = await self._ask(token, peer)
        if access != "unavailable":
            self._remember(digest, access)
        elif before == "permitted" and self._clock() < until + KEPT_SECONDS:
            return before
        return access

    def _remember(self, digest: bytes, access: Access) -> None:
        """Keep an answer; where all places are taken only the permitted ones keep theirs, as others can be made up."""
        now = self._clock()
        if len(self._known) >= MAX_TOKENS:
            self._known = {
                key: (until, kept)
                for key, (until, kept) in self._known.items()
                if kept == "permitted" and now < until + KEPT_SECONDS
            }
        if len(self._known) < MAX_TOKENS or digest in self._known:
            self._known[digest] = (now + CACHE_SECONDS, access)
