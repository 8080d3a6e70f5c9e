"""CAs that clients were told to trust and that nobody asks for any more: each stays trusted for a while.

Servers pick up new files when they can. Until the last one has, a server still presents a leaf of the former CA,
whoever issued it: ourselves, cert-manager, or the owner of an existing Secret.
"""

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from tiergate_certs.bundle import can_anchor, join_certificates, read_certificates

MOST_FORMER: Final = 8
"""Former CAs that are trusted at most beside what is wanted."""


class Overlap:
    """The memory of one publisher. It is lost with the process, so each process begins with what it finds published."""

    def __init__(self, period: timedelta) -> None:
        """Keep former CAs for a period after they were last asked for."""
        self._period = period
        self._last: dict[x509.Certificate, datetime] = {}

    def remember(self, published: bytes, *, now: datetime) -> None:
        """Take what clients were found to trust (PEM) as asked for until now; what cannot sign a leaf is left out."""
        found = [one for one in read_certificates(published) if can_anchor(one, at=now)]
        self._last.update(dict.fromkeys(found[:MOST_FORMER], now))

    def join(self, wanted: bytes, *, alone: bool, now: datetime) -> bytes:
        """Return what clients should trust, PEM: what is wanted, and behind it the former CAs that are kept.

        Args:
            wanted: CA certificates, PEM.
            alone: Forget all former ones.
            now: The time, aware.
        """
        current = read_certificates(wanted)
        if alone:
            self._last.clear()
        former = [
            (one, last)
            for one, last in self._last.items()
            if one not in current and now - last <= self._period and can_anchor(one, at=now)
        ]
        former = sorted(former, key=lambda each: each[1], reverse=True)[:MOST_FORMER]
        self._last = {**dict.fromkeys(current, now), **dict(former)}
        return join_certificates([*current, *(one for one, _ in former)])
