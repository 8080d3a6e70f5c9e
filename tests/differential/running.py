"""Runs any number of cases against a real API server, round by round, and reports what differs."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import msgspec
import yaml

from tests.differential import ours
from tests.differential.api import CONNECTIONS, Api
from tests.differential.comparing import Case, Result, compared
from tests.differential.ours import Governed
from tests.differential.pods import a_claim, a_pod
from tests.differential.policies import Policy, a_policy
from tests.differential.server import Server, prepared
from tests.differential.shrinking import shrunk

Say = Callable[[str], None]

POLICIES: Final = 24
"""Policies of one round: their namespaces are worked on at the same time."""
CASES: Final = 50
"""Cases under one policy."""
CLAIMS: Final = 0.15
SHOWN: Final = 5
"""So many faults are made small and shown; a fault usually comes in numbers."""


class Report(msgspec.Struct):
    """What a run found."""

    seed: int
    cases: int = 0
    seconds: float = 0.0
    stages: Counter[str] = msgspec.field(default_factory=Counter)
    """How the native creates ended."""
    explained: Counter[str] = msgspec.field(default_factory=Counter)
    """Disagreements on purpose, by difference."""
    faults: int = 0
    shown: list[str] = []
    """The first faults, each as a pair of YAML documents and what became of it."""
    repeated: int = 0
    """Cases thrown away, because the quota controller had recounted usage meanwhile."""

    def __str__(self) -> str:
        """Return the summary line."""
        stages = ", ".join(f"{name} {count}" for name, count in self.stages.most_common())
        purpose = ", ".join(f"{name} {count}" for name, count in self.explained.most_common()) or "none"
        rate = self.cases / max(self.seconds, 0.1)
        return (
            f"seed {self.seed}: {self.cases} cases in {self.seconds:.0f} s ({rate:.0f}/s); "
            f"natively {stages}; differences on purpose: {purpose}; unexplained: {self.faults}"
        )


async def run(api: Api, *, cases: int, seed: int, say: Say, seconds: float | None = None) -> Report:
    """Compare so many random cases, or as many as fit into so many seconds."""
    report = Report(seed)
    begun = time.monotonic()
    async with prepared(api, namespaces=2 * POLICIES + 1) as server:
        prepare = asyncio.create_task(_prepare(server, seed, 0))
        number = 0
        while report.cases < cases and (seconds is None or time.monotonic() - begun < seconds):
            policies = await prepare
            number += 1
            prepare = asyncio.create_task(_prepare(server, seed, number))  # while this round runs
            await _round(server, policies, Random(f"{seed} cases {number}"), report, say)  # noqa: S311  # repeatable
            report.seconds = time.monotonic() - begun
            say(f"{report}")
        await prepare
    report.seconds = time.monotonic() - begun
    return report


async def _prepare(server: Server, seed: int, number: int) -> Mapping[str, Policy]:
    """Put a policy in force in each namespace of one of the two sets, in turn."""
    first = number % 2 * POLICIES
    random = Random(f"{seed} policies {number}")  # noqa: S311  # repeatable, guards nothing
    policies: dict[str, Policy] = {}
    for index in range(first, first + POLICIES):
        place = server.namespace(index)
        policy = a_policy(random)
        while not await server.accepts(place, policy):
            policy = a_policy(random)
        policies[place] = policy
    await server.settle(policies)
    return policies


async def _round(server: Server, policies: Mapping[str, Policy], random: Random, report: Report, say: Say) -> None:
    """Compare the cases of one round, then make faults small."""
    work: asyncio.Queue[tuple[str, Case, Governed]] = asyncio.Queue(CONNECTIONS)
    results: list[tuple[str, Case, Result]] = []

    async def worker() -> None:
        while True:
            place, case, governed = await work.get()
            results.append((place, case, await compared(server, place, case, governed)))
            work.task_done()

    governed = {place: ours.governed(policy) for place, policy in policies.items()}
    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(worker()) for _ in range(CONNECTIONS)]
        for _ in range(CASES):
            for place, policy in policies.items():
                make = a_claim if random.random() < CLAIMS else a_pod
                await work.put((place, Case(policy, make(random, policy)), governed[place]))
        await work.join()
        for task in workers:
            task.cancel()
    kept = await server.unchanged(policies)
    for place, case, result in results:
        if place in kept:
            await _count(server, case, result, report, say)
        else:
            report.repeated += 1


async def _count(server: Server, case: Case, result: Result, report: Report, say: Say) -> None:
    report.cases += 1
    report.stages[result.native.stage] += 1
    if result.fault:
        report.faults += 1
        if len(report.shown) < SHOWN:
            report.shown.append(await _shown(server, case, result))
            say(report.shown[-1])
    elif result.disagreement:
        report.explained["+".join(result.explained)] += 1


async def _shown(server: Server, case: Case, result: Result) -> str:
    """Return the smallest case that ends in the same two stages, in YAML, with what became of it."""
    bench = Bench(server, server.namespace(2 * POLICIES))

    async def still_shows(smaller: Case) -> bool:
        try:
            found = await bench.result(smaller)
        except (LookupError, TypeError, ValueError):  # not even half a document
            return False
        return found is not None and found.fault and _stages(found) == _stages(result)

    smallest, note = case, " (not again in a namespace of its own)"
    if await still_shows(case):
        smallest, note = await shrunk(case, still_shows), ""
        result = await bench.result(smallest) or result
    verdicts = (
        f"# {result.disagreement}{note}\n# natively: {result.native.stage} {result.native.text}\n"
        f"# by us: {result.ours.stage} {result.ours.text} {sorted(map(str, result.ours.problems))}\n"
    )
    return f"---\n{_yaml(smallest.policy.document)}---\n{_yaml(smallest.document)}{verdicts}"


def _stages(result: Result) -> tuple[str, str]:
    return result.native.stage, result.ours.stage


class Bench:
    """One namespace for single cases, each with its own policy."""

    def __init__(self, server: Server, place: str) -> None:
        self._server = server
        self._place = place
        self._policy: Policy | None = None

    async def result(self, case: Case) -> Result | None:
        """Return the result of a case; None if the API refuses its policy."""
        governed = ours.governed(case.policy)
        if case.policy is not self._policy:
            self._policy = None
            if not await self._server.accepts(self._place, case.policy):
                return None
            await self._server.settle({self._place: case.policy})
            self._policy = case.policy
        return await compared(self._server, self._place, case, governed)


class _Dumper(yaml.SafeDumper):
    """Writes numbers by their text."""


def _number(dumper: yaml.SafeDumper, value: msgspec.Raw) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", bytes(value).decode())


_Dumper.add_representer(msgspec.Raw, _number)


def _yaml(document: Any) -> str:  # noqa: ANN401  # JSON
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False)
