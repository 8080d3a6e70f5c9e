"""Commands that do their work over one connection to the API server, and end."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from tiergate.cli.exit_codes import Exit
from tiergate.cli.live import SERVICE_ACCOUNT, client_of
from tiergate.cluster.client import Client
from tiergate.cluster.errors import ApiError, ConfigError, Unreachable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable


class _NoSource(Exception):
    """Nothing says which cluster is meant."""


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
    except _NoSource:
        sys.stderr.write(f"tiergate {command}: this is not a pod; give --kubeconfig FILE\n")
        return Exit.USAGE


async def _connected(arguments: argparse.Namespace, work: Callable[[Client], Awaitable[bool]]) -> bool:
    client = await _client(arguments)
    try:
        return await work(client)
    finally:
        await client.close()


async def _client(arguments: argparse.Namespace) -> Client:
    """Return a client of the cluster that an option names, else of that of kubectl or, for hooks, of the pod."""
    if folder := arguments.service_account_dir:
        return await Client.connect(service_account_dir=folder)
    if arguments.kubeconfig or arguments.as_kubectl:
        return await client_of(arguments, os.environ)
    if "KUBERNETES_SERVICE_HOST" not in os.environ:
        raise _NoSource
    return await Client.connect(service_account_dir=SERVICE_ACCOUNT)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
