"""`python -m tests.forecast --cases N [--seed S]`: forecasts of random workloads, and what really became of them."""

from __future__ import annotations

import sys

from tests.controlplane.campaign import main, say
from tests.controlplane.cluster import Cluster
from tests.differential.api import Api
from tests.forecast.installing import installed
from tests.forecast.running import run


async def _compare(cluster: Cluster, cases: int, seed: int) -> tuple[str, bool]:
    """Nobody may be told of a problem that there is none of, and nearly all must come true."""
    async with Api.connect(cluster.kubeconfig) as api:
        report = await run(api, cases=cases, seed=seed, say=say)
    return "\n".join([*report.shown, f"forecast: {report}"]), report.good


if __name__ == "__main__":
    sys.exit(main(_compare, sys.argv[1:], program="tests.forecast", description=__doc__, cases=300, prepare=installed))
