"""``tiergate certs status`` and ``tiergate certs rotate``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tiergate.cli.connection import run_connected, say
from tiergate.cluster.api import Api
from tiergate.lifecycle.certificates import NotRotated, rotate, status
from tiergate.lifecycle.serving import NoRelease
from tiergate_certs.store import Outdated

if TYPE_CHECKING:
    import argparse

    from tiergate.cluster.client import Client


def run_certs(arguments: argparse.Namespace) -> int:
    """Run the verb; the exit code is 1 where something is not good, or cannot be asked for."""

    async def work(client: Client) -> bool:
        about = {
            "namespace": arguments.namespace,
            "secret": arguments.secret,
            "now": datetime.now(UTC),
            "clock_offset": lambda: client.clock_offset,
            "say": say,
        }
        if arguments.verb == "rotate":
            return await rotate(Api(client), what=arguments.what, **about)
        return await status(Api(client), **about)

    failures = (NotRotated, NoRelease, Outdated)
    return run_connected(arguments, work, command=f"certs {arguments.verb}", failures=failures)
