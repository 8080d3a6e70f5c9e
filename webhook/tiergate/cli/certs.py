"""``tiergate certs status`` and ``tiergate certs rotate``."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tiergate.cli.exit_codes import Exit
from tiergate.cluster.api import Api
from tiergate.cluster.client import ApiError, Client, ConfigError, Unreachable
from tiergate.lifecycle.certificates import NotRotated, rotate, status
from tiergate_certs.store import Conflict

if TYPE_CHECKING:
    import argparse


def run_certs(arguments: argparse.Namespace) -> int:
    """Run the verb; the exit code is 1 where something is not good, or cannot be asked for."""
    try:
        return Exit.OK if asyncio.run(_run(arguments)) else Exit.FAILED
    except (NotRotated, Conflict, ApiError) as error:
        sys.stderr.write(f"tiergate certs {arguments.verb}: {error}\n")
        return Exit.FAILED
    except (ConfigError, Unreachable) as error:
        sys.stderr.write(f"tiergate certs {arguments.verb}: {error}\n")
        return Exit.CLUSTER_UNAVAILABLE


async def _run(arguments: argparse.Namespace) -> bool:
    source = None if arguments.kubeconfig else arguments.service_account_dir
    client = await Client.connect(kubeconfig=arguments.kubeconfig, service_account_dir=source)
    api, namespace, secret = Api(client), arguments.namespace, arguments.secret
    try:
        if arguments.verb == "rotate":
            return await rotate(api, namespace=namespace, secret=secret, what=arguments.what, say=_say)
        return await status(
            api,
            namespace=namespace,
            secret=secret,
            now=datetime.now(UTC),
            clock_offset=lambda: client.clock_offset,
            say=_say,
        )
    finally:
        await client.close()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
