"""Whether the API server trusts the certificate that this replica serves, and from when on it may serve another one.

cert-manager and the owner of a given Secret replace a CA and its leaf in one write. A replica that served the leaf at
once would be ahead of the ``caBundle``, which the controller writes a moment later. So a replica looks at the
``caBundle`` of our webhook configurations itself, and keeps its present pair until the next one has been trusted there
for a while.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from tiergate.cluster.client import ApiError, Unreachable
from tiergate.cluster.registration import CONFIGURATION_KINDS, CONFIGURATION_NAME
from tiergate_certs.bundle import is_trusted, issuers, read_certificates
from tiergate_certs.cabundle import trusted_by

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cryptography import x509

    from tiergate.cluster.api import Api

LOOK: Final = 5.0
"""Seconds between two looks at the webhook configurations."""
KNOWN_FOR: Final = 180.0
"""Seconds for which a look is relied on: after that it is not known whom the API server trusts."""
REFUSED_FOR: Final = 10.0
"""Seconds for which a certificate that was trusted must not be so before a replica is not ready: repairs take less."""
LOOK_AGAIN: Final = 1.0
"""Seconds between two looks while a replica waits to be trusted for the first time."""

logger = logging.getLogger(__name__)


class PublishedTrust:
    """What a replica knows of the ``caBundle``. What is not known changes nothing."""

    def __init__(self, *, settle: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet; ``settle`` is how many seconds a CA is published before a leaf of it is served."""
        self._settle = settle
        self._clock = clock
        self._bundles: tuple[tuple[x509.Certificate, ...], ...] = ()
        self._known_until = float("-inf")
        self._since: dict[x509.Certificate, float] = {}
        self._served: tuple[x509.Certificate, ...] = ()
        self._expires: datetime | None = None
        self._refused_since: float | None = None
        self._looked = False
        self._was_trusted = False
        self._next = b"", 0.0
        self._said = ""

    async def run(self, api: Api) -> None:
        """Look for ever."""
        while True:
            await self.look(api)
            await asyncio.sleep(LOOK if self._was_trusted else LOOK_AGAIN)

    async def look(self, api: Api) -> None:
        """Look once; a look that fails is only logged."""
        said = ""
        found: list[bytes] = []
        try:
            for resource in CONFIGURATION_KINDS.values():
                raw = await api.get(resource, CONFIGURATION_NAME)
                found += [] if raw is None else trusted_by(raw)
        except (ApiError, Unreachable, ValueError) as error:  # ValueError: it is no webhook configuration
            said = str(error)
        else:
            self.told(found)
        self._looked = True
        if said and said != self._said:
            logger.warning("cannot see whom the API server trusts", extra={"fields": {"error": said}})
        self._said = said

    def told(self, bundles: Sequence[bytes]) -> None:
        """Take the ``caBundle`` of every entry (PEM). One that cannot be read is ignored: who knows what it means."""
        read = {pem: read_certificates(pem) for pem in bundles}
        self._bundles = tuple(found for pem, found in read.items() if found or not pem)
        if not self._bundles:  # nobody is asked to call us
            self._known_until = float("-inf")
            return
        now = self._clock()
        self._known_until = now + KNOWN_FOR
        common = set(self._bundles[0]).intersection(*self._bundles[1:])
        self._since = {one: self._since.get(one, now) for one in common}

    def may_replace(self, certificate: bytes, *, at: datetime) -> bool:
        """Say whether another certificate (PEM, with its chain) may be served now, instead of one that is good."""
        now = self._clock()
        if self._next[0] != certificate:
            self._next = certificate, now
        if now > self._known_until:
            return now - self._next[1] >= self._settle
        settled = [one for one, since in self._since.items() if now - since >= self._settle]
        return is_trusted(read_certificates(certificate), settled, at=at)

    def serves(self, certificate: bytes, *, expires: datetime, at: datetime) -> bool:
        """Note what is served now; say whether it is good: not over, and not known to be untrusted."""
        self._served, self._expires = read_certificates(certificate), expires
        trusted = self.trusted(at=at)
        if trusted is not False:
            self._refused_since, self._was_trusted = None, self._looked
        elif self._refused_since is None:
            self._refused_since = self._clock()
        return at < expires and trusted is not False

    def trusted(self, *, at: datetime) -> bool | None:
        """Say whether the API server trusts what is served, for every entry; None while that is not known."""
        if self._clock() > self._known_until or not self._served:
            return None
        return all(is_trusted(self._served, bundle, at=at) for bundle in self._bundles)

    def authority_end(self) -> datetime | None:
        """Return the end of the CA that the served certificate rests on, the latest one; None while not known."""
        if not self._served:
            return None
        anchors = issuers(self._served[-1], [one for bundle in self._bundles for one in bundle])
        return max((one.not_valid_after_utc for one in anchors), default=None)

    def problem(self, *, at: datetime) -> str:
        """Return why no traffic should come here, "" where nothing is known to be wrong.

        A replica that starts is not ready before it has looked: after a change of CA it may be ahead of the caBundle.
        """
        if not self._looked:
            return "it is not known yet whom the API server trusts"
        if self._expires is not None and at >= self._expires:
            return f"the served certificate expired at {self._expires:%Y-%m-%dT%H:%M:%SZ}"
        if self._refused(at):
            return "the API server does not trust the served certificate: no caBundle holds its CA"
        return ""

    def _refused(self, at: datetime) -> bool:
        if not self._was_trusted:
            return self.trusted(at=at) is False
        return self._refused_since is not None and self._clock() - self._refused_since >= REFUSED_FOR
