"""`python -m tests.differential --cases N [--seed S]`: compare random cases with a real API server."""

from __future__ import annotations

import sys

from tests.controlplane.campaign import main, say
from tests.controlplane.cluster import Cluster
from tests.differential.api import Api
from tests.differential.running import run


async def _compare(cluster: Cluster, cases: int, seed: int) -> tuple[str, bool]:
    """Every disagreement must be explained."""
    async with Api.connect(cluster.kubeconfig) as api:
        report = await run(api, cases=cases, seed=seed, say=say)
    return f"{report.by_class()}\ndifferential: {report}", not report.faults


if __name__ == "__main__":
    sys.exit(main(_compare, sys.argv[1:], program="tests.differential", description=__doc__, cases=10_000))
