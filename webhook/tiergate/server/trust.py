"""Whether the API server trusts the certificate that this replica serves, and from when on it may serve another one.

cert-manager and the owner of a Secret replace a CA and its leaf in one write. A replica that served the leaf at
once would be ahead of the ``caBundle``, which the controller writes a moment later. So a replica looks at the
``caBundle`` of our webhook configurations itself, and keeps its present pair until the next one has been trusted there
for a while.

The configurations also say which Service the API server calls. A certificate that does not name it is never served
instead of one that does, and a replica that has no other is not ready.

An entry whose ``caBundle`` somebody else has written is not reached by any replica, whatever they do: that is said, and
takes none of them out. They would all go at once, and the other entries with them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final

from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.cluster.registration import CONFIGURATION_KINDS, CONFIGURATION_NAME
from tiergate_certs.bundle import does_not_name, is_trusted, issuers, missing_names, read_certificates
from tiergate_certs.cabundle import entries

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
"""Seconds for which repairs of a ``caBundle`` are waited for, by a replica that is ready and by one that starts."""
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
        self._names: tuple[str, ...] = ()
        self._known_until = float("-inf")
        self._since: dict[x509.Certificate, float] = {}
        self._served: tuple[x509.Certificate, ...] = ()
        self._expires: datetime | None = None
        self._refused_since: float | None = None
        self._looked_since: float | None = None
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
        names: list[str] = []
        try:
            for resource in CONFIGURATION_KINDS.values():
                raw = await api.get(resource, CONFIGURATION_NAME)
                registered = () if raw is None else entries(raw)
                found += [one.authorities for one in registered]
                names += [one.server_name for one in registered if one.server_name]
        except (ApiError, Unreachable, ValueError) as error:  # ValueError: it is no webhook configuration
            said = str(error)
        else:
            self.told(found, names)
        if self._looked_since is None:
            self._looked_since = self._clock()
        if said and said != self._said:
            logger.warning("cannot see whom the API server trusts", extra={"fields": {"error": said}})
        self._said = said

    def told(self, bundles: Sequence[bytes], names: Sequence[str] = ()) -> None:
        """Take the ``caBundle`` of every entry (PEM), and the DNS names that the API server calls.

        A ``caBundle`` that cannot be read is ignored: who knows what it means.
        """
        self._names = tuple(dict.fromkeys(names))
        read = {pem: read_certificates(pem) for pem in bundles}
        self._bundles = tuple(found for pem, found in read.items() if found or not pem)
        if not self._bundles:  # nobody is asked to call us
            self._known_until = float("-inf")
            return
        now = self._clock()
        self._known_until = now + KNOWN_FOR
        common = set(self._bundles[0]).intersection(*self._bundles[1:])
        self._since = {one: self._since.get(one, now) for one in common}

    def fault(self, certificate: bytes) -> str:
        """Say that a certificate (PEM, with its chain) does not name what the API server calls; "" if not known."""
        return self._misnamed(read_certificates(certificate))

    def may_replace(self, certificate: bytes, *, at: datetime) -> bool:
        """Say whether another certificate (PEM, with its chain) may be served now, instead of one that is good."""
        now = self._clock()
        if self._next[0] != certificate:
            self._next = certificate, now
        if now > self._known_until:
            return now - self._next[1] >= self._settle
        chain, asked = read_certificates(certificate), len(self._bundles)
        if (present := self._trusting(self._served, at)) < asked and self._trusting(chain, at) >= present:
            return True
        settled = [one for one, since in self._since.items() if now - since >= self._settle]
        return is_trusted(chain, settled, at=at)

    def serves(self, certificate: bytes, *, expires: datetime, at: datetime) -> bool:
        """Note what is served now; say whether it is of use: not over, and not known to be trusted by no entry."""
        self._served, self._expires = read_certificates(certificate), expires
        now = self._clock()
        if self._refused(at):
            self._refused_since = now if self._refused_since is None else self._refused_since
            return False
        self._refused_since = None
        if self._looked_since is not None:
            waited = now - self._looked_since >= REFUSED_FOR
            self._was_trusted = self._was_trusted or waited or self.trusted(at=at) is not False
        return at < expires

    def trusted(self, *, at: datetime) -> bool | None:
        """Say whether the API server trusts what is served, for every entry; None while that is not known."""
        if not self._known():
            return None
        return self._trusting(self._served, at) == len(self._bundles) and not self._misnamed(self._served)

    def _refused(self, at: datetime) -> bool:
        """Say whether no entry trusts what is served, or by another name, so that nobody can reach this replica."""
        return self._known() and (self._trusting(self._served, at) == 0 or self._misnamed(self._served) != "")

    def _misnamed(self, chain: Sequence[x509.Certificate]) -> str:
        """Say that a certificate names nothing that the API server calls; of several names one is enough.

        What somebody writes into one entry would take every replica out, as for its ``caBundle``.
        """
        missing = missing_names(chain[0], self._names) if chain else ()
        return does_not_name(missing[0]) if missing and missing == self._names else ""

    def _is_patient(self) -> bool:
        """Say whether a caBundle that held our CA until a moment ago may be repaired any second."""
        since = self._clock() if self._refused_since is None else self._refused_since
        return self._was_trusted and self._clock() - since < REFUSED_FOR

    def _known(self) -> bool:
        return bool(self._served) and self._clock() <= self._known_until

    def _trusting(self, chain: Sequence[x509.Certificate], at: datetime) -> int:
        """Return how many entries trust the certificate."""
        return sum(is_trusted(chain, bundle, at=at) for bundle in self._bundles)

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
        if self._looked_since is None:
            return "it is not known yet whom the API server trusts"
        if self._expires is not None and at >= self._expires:
            return f"the served certificate expired at {self._expires:%Y-%m-%dT%H:%M:%SZ}"
        if self._refused(at) and not self._is_patient():
            if misnamed := self._misnamed(self._served):
                return f"{misnamed}, so the API server does not accept it"
            return "the API server does not trust the served certificate: no caBundle holds its CA"
        if not self._was_trusted and self.trusted(at=at) is False:
            return "the API server does not trust the served certificate yet: not every caBundle holds its CA"
        return ""
