"""Runs many cases at once, and tells how often the forecast was right."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from tests.differential.api import Api
from tests.forecast.cases import Case, Step, a_case
from tests.forecast.forecasts import Answer, forecast, logged
from tests.forecast.installing import TIERS
from tests.forecast.judging import APART, EXACT, UNSETTLED, WRONG, judge
from tests.forecast.observing import Outcome, Place

AT_ONCE: Final = 24
SHOWN: Final = 20
LEAST_EXACT: Final = 0.98
FEW: Final = 2
"""So many forecasts of a short run need not be exact, whatever their share."""
MOST_UNSETTLED: Final = 0.15
"""On a busy machine pods wait longer than we look; where most do, a run says nothing."""


class Report(msgspec.Struct):
    """How the forecasts of a run compare with what happened."""

    seed: int
    judged: Counter[str] = msgspec.field(default_factory=Counter)
    happened: Counter[str] = msgspec.field(default_factory=Counter)
    """What happened, by kind of change: a generator that never presses would always be right."""
    forecasts: Counter[str] = msgspec.field(default_factory=Counter)
    """What was said, by kind of workload."""
    shown: list[str] = msgspec.field(default_factory=list)

    @property
    def wrong(self) -> int:
        """How many problems were told of, or refused, that there were none of."""
        return sum(self.judged[one] for one in WRONG)

    @property
    def exact(self) -> float:
        """The share of forecasts that came true exactly."""
        return self.judged[EXACT] / max(1, self.judged.total() - sum(self.judged[one] for one in APART))

    @property
    def good(self) -> bool:
        """Whether nobody was told of a problem that there was none of, and nearly all came true."""
        few = self.judged[UNSETTLED] <= MOST_UNSETTLED * self.judged.total()
        inexact = self.judged.total() - sum(self.judged[one] for one in (EXACT, *APART))
        return few and not self.wrong and (self.exact >= LEAST_EXACT or inexact <= FEW)

    def __str__(self) -> str:
        """Return what to print."""
        parts = "; ".join(_listed(one) for one in (self.judged, self.happened, self.forecasts))
        return f"seed {self.seed}: {self.judged.total()} forecasts, {100 * self.exact:.1f} % exact: {parts}"


class Observation(msgspec.Struct, frozen=True):
    """One step of a case: what was answered, what ran before, and what does now."""

    case: Case
    namespace: str
    step: Step
    answer: Answer
    before: Outcome
    seen: Outcome


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


async def run(api: Api, *, cases: int, seed: int, say: Callable[[str], None]) -> Report:
    """Run so many cases."""
    name, observed = f"forecast-{secrets.token_hex(2)}", list[Observation]()
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with at_once:
            case = a_case(number, seed)
            observed.extend(await _follow(api, case, f"{name}-{number}"))
            if (number + 1) % 50 == 0:
                say(f"case {number + 1} of {cases}")

    async with asyncio.TaskGroup() as group:
        for number in range(cases):
            group.create_task(one(number))
    return await _report(api, seed, observed)


async def _follow(api: Api, case: Case, namespace: str) -> list[Observation]:
    """Run one case; what is refused is applied again, with all that was before, where the webhook has no part."""
    place = Place(api, case, namespace, TIERS[case.enforced])
    places, observed, before = [place], list[Observation](), Outcome()
    await place.prepare()
    for number, step in enumerate(case.steps):
        answer = await place.apply(step)
        if answer.denied:
            places.append(twin := Place(api, case, f"{namespace}-twin", None))
            before = await _repeat(twin, case.steps[:number])
            await twin.apply(step)
            seen = await twin.settle(step)
        else:
            seen = await place.settle(step)
        observed.append(Observation(case, namespace, step, answer, before, seen))
        if answer.denied or not seen.done:
            break  # what is applied to a workload that is not settled is judged in favour of admission
        before = seen
    for each in places:
        await each.clear()
    return observed


async def _repeat(twin: Place, steps: tuple[Step, ...]) -> Outcome:
    await twin.prepare()
    seen = Outcome()
    for step in steps:
        await twin.apply(step)
        seen = await twin.settle(step)
    return seen


async def _report(api: Api, seed: int, observed: list[Observation]) -> Report:
    report, reviews = Report(seed), await logged(api)
    for one in observed:
        change, kind = one.step.change, one.case.kind
        operation = "CREATE" if change == "created" else "UPDATE"
        said = forecast(one.answer, reviews.get((one.namespace, operation)))
        judgement = judge(kind, change, said, one.seen, one.before)
        report.judged[judgement] += 1
        report.happened[f"{change} {'done' if one.seen.done else 'not done'}"] += 1
        report.forecasts[f"{kind} {'denied' if said.denied else said.fate}"] += 1
        if judgement not in (EXACT, *APART) and len(report.shown) < SHOWN:
            report.shown.append(
                f"case {one.case.number} {kind} {change}: {judgement}\n"
                f"  {one.case.hard} {one.case.limits} beside {one.case.beside}\n"
                f"  {said}\n  before {one.before}\n  after {one.seen}\n  {one.step.workload['spec']}"
            )
    return report
