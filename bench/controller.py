"""The controller's CPU for many namespaces: from nothing to all quotas in force, and then in a steady state.

Against an API server in memory whose CPU is not counted, in virtual time: what the controller waits for (its rate of
writes, its full passes) costs the benchmark nothing. `python -m bench.controller`.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from bench.memory_api import MemoryApi
from tests.virtual_time import VirtualLoop, clock
from tiergate.cluster.resource import NAMESPACES, RESOURCE_QUOTAS, TIERS
from tiergate.controller.options import ControllerOptions
from tiergate.controller.service import Loops

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tiergate.cluster.client import Client

NAMESPACES_AT_ONCE: Final = 3000
TIER_NAMES: Final = ("dev", "staging", "prod")
MOST_TO_REACH: Final = 10.0
"""Seconds of CPU until all of them are as they should be."""
MOST_STEADY: Final = 0.01
"""CPU, as a share of one core, while nothing changes: the Lease is renewed, everything is looked at twice a minute."""
STEADY: Final = 600.0
"""Seconds of steady state that are measured."""
OPTIONS: Final = ControllerOptions(
    kubeconfig=None, service_account_dir=None, namespace="tiergate-system", service="tiergate-webhook", host="bench"
)


class Cost(msgspec.Struct, frozen=True):
    """Seconds of CPU: to reach the state, for a status write of every tier, for ten minutes of nothing; and writes."""

    namespaces: int
    reach: float
    status: float
    steady: float
    writes: int
    writes_later: int


def a_cluster(namespaces: int) -> MemoryApi:
    """Return a cluster of three tiers with two quotas each, whose namespaces hold nothing yet."""
    api = MemoryApi()
    quotas = [
        {"name": "compute", "hard": {"requests.cpu": "2", "limits.cpu": "4", "pods": "20", "requests.memory": "4Gi"}},
        {"name": "batch", "hard": {"pods": "5"}, "scopes": ["Terminating"]},
    ]
    for tier in TIER_NAMES:
        api.put(TIERS.object(tier), {"metadata": {"name": tier, "uid": tier}, "spec": {"quotas": quotas}})
    for number in range(namespaces):
        name, tier = f"team-{number}", TIER_NAMES[number % len(TIER_NAMES)]
        api.put(NAMESPACES.object(name), {"metadata": {"name": name, "labels": {"tiergate.io/tier": tier}}})
    return api


def is_reached(api: MemoryApi) -> bool:
    """Say whether every tier is Ready."""
    return all("QuotasInForce" in _reasons(api.get(TIERS.object(tier))) for tier in TIER_NAMES)


def _reasons(tier: dict[str, Any]) -> list[str]:
    return [one["reason"] for one in tier.get("status", {}).get("conditions", ())]


@asynccontextmanager
async def controlled(api: MemoryApi) -> AsyncIterator[None]:
    """Run the controller."""
    loops = Loops(cast("Client", api), OPTIONS, clock=clock, lease_clock=clock)
    running = [asyncio.ensure_future(task()) for task in loops.tasks().values()]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def measure(namespaces: int, *, steady: float = STEADY) -> Cost:
    """Run the controller from nothing, then change every tier's status, then wait."""
    api = a_cluster(namespaces)
    meter = _Meter(api)
    async with controlled(api):
        while not is_reached(api):  # noqa: ASYNC110  # the API server tells nobody here
            await asyncio.sleep(1.0)
        await asyncio.sleep(10.0)
        reach, writes = meter.lap(), _quota_writes(api)
        assert writes == 2 * namespaces  # noqa: S101  # what is measured is what was meant
        for tier in TIER_NAMES:
            stored = api.get(TIERS.object(tier))
            conditions = [*stored["status"]["conditions"], {"type": "Audited", "status": "True"}]
            api.put(TIERS.object(tier), {**stored, "status": {**stored["status"], "conditions": conditions}})
        await asyncio.sleep(10.0)
        status = meter.lap()
        await asyncio.sleep(steady)
        later = _quota_writes(api) - writes
        return Cost(namespaces, reach, status, meter.lap() * STEADY / steady, writes, later)


def _quota_writes(api: MemoryApi) -> int:
    return sum(count for verb, count in api.writes.items() if verb.endswith(RESOURCE_QUOTAS.plural))


class _Meter:
    """CPU of this process without the API server's."""

    def __init__(self, api: MemoryApi) -> None:
        self._api = api
        self._last = self._now()

    def _now(self) -> float:
        return time.process_time() - self._api.cpu

    def lap(self) -> float:
        """Return the seconds since the last call."""
        before, self._last = self._last, self._now()
        return self._last - before


def report(cost: Cost) -> str:
    """Return the numbers and the two verdicts, each against its bound."""
    share = cost.steady / STEADY
    lines = (
        f"controller, {cost.namespaces} namespaces, {cost.writes} ResourceQuotas:",
        f"  a status write of each tier: {cost.status:.3f} s of CPU, {cost.writes_later} ResourceQuotas written",
        f"  to reach it: {cost.reach:.2f} s of CPU, at most {MOST_TO_REACH:g}: {_verdict(cost.reach <= MOST_TO_REACH)}",
        f"  steady state: {share:.2%} of a core, at most {MOST_STEADY:.0%}: {_verdict(share <= MOST_STEADY)}",
    )
    return "\n".join(lines)


def _verdict(reached: bool) -> str:  # noqa: FBT001  # the one thing it is about
    return "reached" if reached else "missed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; the exit code is 1 where a bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.controller", description=__doc__)
    parser.add_argument("--namespaces", type=int, default=NAMESPACES_AT_ONCE)
    options = parser.parse_args(arguments)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        text = report(runner.run(measure(options.namespaces)))
    print(text)  # a program's answer
    return int("missed" in text)


if __name__ == "__main__":
    raise SystemExit(main())
