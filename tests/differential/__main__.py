"""`python -m tests.differential --cases N [--seed S]`: compare random cases with a real API server."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.controlplane import cluster
from tests.controlplane.binaries import ControlPlaneError
from tests.differential.api import Api
from tests.differential.running import Report, run


def _say(text: str) -> None:
    print(text, flush=True)


async def compare(kubeconfig: Path, *, cases: int, seed: int) -> Report:
    """Run so many cases against the API server of a kubeconfig."""
    async with Api.connect(kubeconfig) as api:
        return await run(api, cases=cases, seed=seed, say=_say)


def main(arguments: Sequence[str]) -> int:
    """Return 0 if there was no unexplained disagreement, 1 if there was one, 4 without a cluster."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000, help="how many cases (default: 10000)")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    try:
        with cluster.opened(_say) as opened:
            report = asyncio.run(compare(opened.kubeconfig, cases=options.cases, seed=seed))
    except ControlPlaneError as error:
        print(error, file=sys.stderr)
        return 4
    _say(f"{report.by_class()}\ndifferential: {report}")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
