"""The command line of a comparison of random cases with a real cluster."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable, Sequence

from tests.controlplane import cluster
from tests.controlplane.binaries import ControlPlaneError
from tests.controlplane.cluster import Cluster

Compare = Callable[[Cluster, int, int], Awaitable[tuple[str, bool]]]
"""Takes the cluster, the number of cases and the seed; returns what to print, and whether all is well."""


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


def main(
    compare: Compare,
    arguments: Sequence[str],
    *,
    program: str,
    description: str | None,
    cases: int,
    prepare: Callable[[Cluster], None] = lambda _: None,
) -> int:
    """Return 0 if all is well, 1 if not, 4 without a cluster; ``cases`` are as many as run by default."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("--cases", type=int, default=cases, help=f"how many cases (default: {cases})")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed

    async def compared(opened: Cluster) -> tuple[str, bool]:
        return await compare(opened, options.cases, seed)

    try:
        with cluster.opened(say) as opened:
            prepare(opened)
            text, good = asyncio.run(compared(opened))
    except ControlPlaneError as error:
        print(error, file=sys.stderr)
        return 4
    say(text)
    return 0 if good else 1
