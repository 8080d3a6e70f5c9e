"""Under which names the pages may be opened: those of the own machine, as by ``kubectl port-forward``.

A browser sends the name that a page was opened by. If the DNS of another site points its name to 127.0.0.1, its scripts
could read what is served there (DNS rebinding); the name they send is not among these.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

_LOCAL: Final = frozenset({"localhost", "localhost."})


def is_local(host: str) -> bool:
    """Say whether a Host header names the own machine, with or without a port."""
    name = host.strip().lower()
    if name.startswith("["):
        name, closed, rest = name[1:].partition("]")
        if not closed:
            return False
    else:
        name, colon, port = name.partition(":")
        rest = colon + port
    if rest and not (rest.startswith(":") and rest[1:].isascii() and rest[1:].isdecimal()):
        return False
    if name in _LOCAL:
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
