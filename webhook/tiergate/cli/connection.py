"""Commands that do their work over one connection to the API server, and end."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from tiergate.cli.exit_codes import Exit
from tiergate.cluster.client import ApiError, Client, ConfigError, Unreachable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable


def run_connected(
    arguments: argparse.Namespace,
    work: Callable[[Client], Awaitable[bool]],
    *,
    command: str,
    failures: tuple[type[Exception], ...] = (),
) -> int:
    """Connect, do the work and disconnect; return the exit code.

    Args:
        arguments: With the source of the connection.
        work: Returns whether all is well.
        command: What stands before the line that tells of an error.
        failures: What the work raises, besides ApiError, where it cannot do what it should.
    """
    refused: tuple[type[Exception], ...] = (*failures, ApiError)
    try:
        return Exit.OK if asyncio.run(_connected(arguments, work)) else Exit.FAILED
    except refused as error:
        sys.stderr.write(f"tiergate {command}: {error}\n")
        return Exit.FAILED
    except (ConfigError, Unreachable) as error:
        sys.stderr.write(f"tiergate {command}: {error}\n")
        return Exit.CLUSTER_UNAVAILABLE


async def _connected(arguments: argparse.Namespace, work: Callable[[Client], Awaitable[bool]]) -> bool:
    source = None if arguments.kubeconfig else arguments.service_account_dir
    client = await Client.connect(kubeconfig=arguments.kubeconfig, service_account_dir=source)
    try:
        return await work(client)
    finally:
        await client.close()


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
