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
from tests.differential.api import CONNECTIONS, Api, Unexpected
from tests.differential.case import MIX, Case, Class, Result, Standing
from tests.differential.comparing import compared
from tests.differential.ours import Governed
from tests.differential.pods import a_claim, a_pod
from tests.differential.policies import Json, Policy, a_policy, about_claims, with_several_ranges
from tests.differential.server import Server, prepared
from tests.differential.shrinking import shrunk
from tests.differential.standing import (
    CLAIM_KINDS,
    a_claim_update,
    a_pod_status,
    a_resize,
    a_standing_claim,
    a_standing_pod,
)

Say = Callable[[str], None]

POLICIES: Final = 24
"""Policies of one round: their namespaces are worked on at the same time."""
CASES: Final = 50
"""Cases under one policy."""
SEVERAL: Final = 1
"""Of the policies of a round so many have several LimitRanges, the first ones."""
CLAIMED: Final = range(SEVERAL, SEVERAL + 6)
"""The namespaces of a round, by their place in it, that have claims to update; all have a pod to resize."""
BENCH: Final = 2 * POLICIES
"""The index of the namespace for single cases."""
SHOWN: Final = 5
"""So many faults are made small and shown; a fault usually comes in numbers."""


class Report(msgspec.Struct):
    """What a run found."""

    seed: int
    cases: int = 0
    seconds: float = 0.0
    stages: Counter[str] = msgspec.field(default_factory=Counter)
    """How the native requests ended."""
    ended: dict[Class, Counter[str]] = msgspec.field(default_factory=lambda: {name: Counter() for name in MIX})
    """The same by class."""
    explained: Counter[str] = msgspec.field(default_factory=Counter)
    """Disagreements on purpose, by difference."""
    faults: int = 0
    shown: list[str] = []
    """The first faults, each as a pair of YAML documents and what became of it."""
    repeated: int = 0
    """Cases thrown away, because the quota controller had recounted usage meanwhile."""

    def __str__(self) -> str:
        """Return the summary line."""
        classes = ", ".join(f"{name} {ended.total()}" for name, ended in self.ended.items())
        stages, purpose = (_counts(one) or "none" for one in (self.stages, self.explained))
        rate = self.cases / max(self.seconds, 0.1)
        return (
            f"seed {self.seed}: {self.cases} cases in {self.seconds:.0f} s ({rate:.0f}/s): {classes}; "
            f"natively {stages}; differences on purpose: {purpose}; unexplained: {self.faults}"
        )

    def by_class(self) -> str:
        """Return how the native requests ended in each class, in lines."""
        return "\n".join(f"{name}: natively {_counts(ended) or 'none'}" for name, ended in self.ended.items())


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())


async def run(api: Api, *, cases: int, seed: int, say: Say) -> Report:
    """Compare at least so many random cases: whole rounds."""
    report = Report(seed)
    begun = time.monotonic()
    say(f"mix: {', '.join(f'{name} {share} %' for name, share in MIX.items())}")
    claims = {half + index: [_claim(index)] for half in (0, POLICIES) for index in CLAIMED}
    async with prepared(api, namespaces=BENCH + 1, claims={**claims, BENCH: list(CLAIM_KINDS)}) as server:
        prepare = asyncio.create_task(_prepare(server, seed, 0))
        number = 0
        while report.cases < cases:
            places = await prepare
            number += 1
            prepare = asyncio.create_task(_prepare(server, seed, number))  # while this round runs
            await _round(server, places, Random(f"{seed} cases {number}"), report, say)  # noqa: S311  # repeatable
            report.seconds = time.monotonic() - begun
            say(f"{report}")
        await prepare
    report.seconds = time.monotonic() - begun
    return report


class Place(msgspec.Struct):
    """A namespace of one round: what is in force and what stands there."""

    policy: Policy
    pod: Standing
    claim: Standing | None


async def _prepare(server: Server, seed: int, number: int) -> Mapping[str, Place]:
    """Put a policy in force in each namespace of one of the two sets, in turn, around what stands there."""
    indices = range(number % 2 * POLICIES, number % 2 * POLICIES + POLICIES)
    names = [server.namespace(index) for index in indices]
    await server.clear(names)
    randoms = [Random(f"{seed} policies {number} {index}") for index in range(POLICIES)]  # noqa: S311  # repeatable
    ready = [
        _place(server, random, name, index) for index, (random, name) in enumerate(zip(randoms, names, strict=True))
    ]
    places = dict(zip(names, await asyncio.gather(*ready), strict=True))
    await server.settle({name: place.policy for name, place in places.items()})
    return places


async def _place(server: Server, random: Random, name: str, index: int) -> Place:
    make = with_several_ranges if index < SEVERAL else about_claims if index in CLAIMED else a_policy
    policy = make(random)
    pod = await _standing_pod(server, random, name, policy)
    claim = None
    if index in CLAIMED:
        claim = a_standing_claim(random, policy, _claim(index))
        await server.stand_claim(name, claim)
    while not await server.accepts(name, policy):
        policy = make(random)
    return Place(policy, pod, claim)


def _claim(index: int) -> str:
    """Return the kind of the claim in a namespace, by its place in a round."""
    return list(CLAIM_KINDS)[index % len(CLAIM_KINDS)]


async def _standing_pod(server: Server, random: Random, name: str, policy: Policy) -> Standing:
    document = a_standing_pod(random, policy)
    while (stored := await server.stand_pod(name, document)) is None:
        document = a_standing_pod(random, policy)
    status = a_pod_status(random, stored)
    await server.give_pod_status(name, status)
    return Standing(document, status)


def _case(server: Server, random: Random, name: str, place: Place) -> Case:
    """Return a case for a namespace, of the classes that are possible there in the proportions of MIX."""
    policy, chance = place.policy, 100 * random.random()
    if policy.further:
        make = a_claim if random.random() < 0.15 else a_pod
        return Case(policy, make(random, policy.focused(random)))
    claims = MIX["claim updates"] * POLICIES / len(CLAIMED)
    if place.claim is not None and chance < claims:
        return Case(policy, a_claim_update(random, policy, server.stored(name, "PersistentVolumeClaim")), place.claim)
    if chance > 100 - MIX["resizes"] * POLICIES / (POLICIES - SEVERAL):
        return Case(policy, a_resize(random, policy, server.stored(name, "Pod")), place.pod)
    make = a_claim if random.random() < MIX["claim creates"] / (MIX["claim creates"] + MIX["pod creates"]) else a_pod
    return Case(policy, make(random, policy))


async def _round(server: Server, places: Mapping[str, Place], random: Random, report: Report, say: Say) -> None:
    """Compare the cases of one round, then make faults small."""
    work: asyncio.Queue[tuple[str, Case, Governed]] = asyncio.Queue(CONNECTIONS)
    results: list[tuple[str, Case, Result]] = []

    async def worker() -> None:
        while True:
            name, case, governed = await work.get()
            results.append((name, case, await compared(server, name, case, governed)))
            work.task_done()

    policies = {name: place.policy for name, place in places.items()}
    governed = {name: ours.governed(policy) for name, policy in policies.items()}
    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(worker()) for _ in range(CONNECTIONS)]
        for _ in range(CASES):
            for name, place in places.items():
                await work.put((name, _case(server, random, name, place), governed[name]))
        await work.join()
        for task in workers:
            task.cancel()
    kept = await server.unchanged(policies)
    for name, case, result in results:
        if name in kept:
            await _count(server, case, result, report, say)
        else:
            report.repeated += 1


async def _count(server: Server, case: Case, result: Result, report: Report, say: Say) -> None:
    report.cases += 1
    report.stages[result.native.stage] += 1
    report.ended[case.of][result.native.stage] += 1
    if result.fault:
        report.faults += 1
        if len(report.shown) < SHOWN:
            report.shown.append(await _shown(server, case, result))
            say(report.shown[-1])
    elif result.disagreement:
        report.explained["+".join(result.explained)] += 1


async def _shown(server: Server, case: Case, result: Result) -> str:
    """Return the smallest case that ends in the same two stages, in YAML, with what became of it."""
    bench = Bench(server, server.namespace(BENCH))

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
    stands = f"# stands there before\n{_yaml(_plain(smallest.standing))}---\n" if smallest.standing else ""
    return f"---\n{_yaml(smallest.policy.document)}---\n{stands}{_yaml(smallest.document)}{verdicts}"


def _plain(standing: Standing) -> Json:
    return {**standing.document, "status": standing.status}


def _stages(result: Result) -> tuple[str, str]:
    return result.native.stage, result.ours.stage


class Bench:
    """One namespace for single cases, each with its own policy."""

    def __init__(self, server: Server, place: str) -> None:
        self._server = server
        self._place = place
        self._policy: Policy | None = None
        self._standing: Standing | None = None

    async def result(self, case: Case) -> Result | None:
        """Return the result of a case; None if the API refuses its policy or what is to stand there."""
        governed = ours.governed(case.policy)
        if case.standing is not self._standing and case.standing is not None:
            self._policy = self._standing = None
            if not await self._stand(case.standing):
                return None
            self._standing = case.standing
        if case.policy is not self._policy:
            self._policy = None
            if not await self._server.accepts(self._place, case.policy):
                return None
            await self._server.settle({self._place: case.policy})
            self._policy = case.policy
        return await compared(self._server, self._place, case, governed)

    async def _stand(self, standing: Standing) -> bool:
        await self._server.clear([self._place])
        try:
            if standing.document["kind"] != "Pod":
                await self._server.stand_claim(self._place, standing)
            elif await self._server.stand_pod(self._place, standing.document) is None:
                return False
            else:
                await self._server.give_pod_status(self._place, standing.status)
        except Unexpected:
            return False
        return True


class _Dumper(yaml.SafeDumper):
    """Writes numbers by their text."""


def _number(dumper: yaml.SafeDumper, value: msgspec.Raw) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", bytes(value).decode())


_Dumper.add_representer(msgspec.Raw, _number)


def _yaml(document: Any) -> str:  # noqa: ANN401  # JSON
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False)
