"""One case, natively and by us, and whether the two agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final

import msgspec

from tests.differential import foretelling, ours
from tests.differential.differences import DIFFERENCES, Difference, Seen
from tests.differential.ours import Governed, Mutated
from tests.differential.outcome import Outcome, Stage, refused, resources
from tests.differential.policies import Json, Policy
from tests.differential.server import Server
from tiergate.admission.review import Unreadable
from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod


class Case(msgspec.Struct):
    """An object to create under a policy."""

    policy: Policy
    document: Json


class Result(msgspec.Struct):
    """What became of a case. ``explained`` names the differences on purpose without which we agree."""

    native: Outcome
    ours: Outcome
    disagreement: str = ""
    explained: tuple[str, ...] = ()

    @property
    def fault(self) -> bool:
        """Whether the two disagree and nobody meant it."""
        return bool(self.disagreement) and not self.explained


async def compared(server: Server, namespace: str, case: Case, governed: Governed) -> Result:
    """Create the case natively, where its policy is in force, and judge it by our own code."""
    status, answer = await server.create(namespace, case.document)
    native = _native(status, answer, case.document["kind"])
    judge = Judge(server, case, governed, native)
    outcome = await judge.outcome()
    foretold = judge.foretold_wrongly(outcome)
    unforetellable = judge.unforetellable() if foretold.startswith(NATIVELY) else ()
    if foretold and not unforetellable:
        return Result(native, outcome, foretold)
    if outcome.stage == "invalid" and await judge.was_valid():
        return Result(native, outcome, "our defaults make a valid pod invalid")
    disagreement = disagreeing(native, outcome)
    if not disagreement:
        return Result(native, outcome, foretold, unforetellable)
    return Result(native, outcome, disagreement, await judge.explanation(outcome))


NATIVELY: Final = "native admission, foretold: "


class Judge:
    """Judges one case by our code, also with differences on purpose switched off."""

    def __init__(self, server: Server, case: Case, governed: Governed, native: Outcome) -> None:
        self._server = server
        self._case = case
        self._governed = governed
        self._native = native

    async def outcome(self, off: Sequence[Difference] = ()) -> Outcome:
        """Return our outcome: our patch, then the API server's defaults and validation, then our verdict."""
        try:
            mutated = ours.mutated(self._case.document, self._governed.tier, off, minor=self._server.minor)
        except Unreadable as error:
            return ours.unreadable(self._case.document, error)
        known = self._native.stored
        if known is not None and _equal(known, mutated.expected):
            return ours.judged(known, self._governed, off)
        created = await self._created(mutated)
        return created if isinstance(created, Outcome) else ours.judged(created, self._governed, off)

    async def _created(self, mutated: Mutated) -> Outcome | Pod | Claim:
        """Return the object as the API server stores it, where no policy is in force, or its refusal."""
        status, answer = await self._server.create(self._server.free, mutated.document)
        if status == 201:
            return ours.ask("validate", answer, self._case.document["kind"]).subject
        return _error(status, answer)

    def foretold_wrongly(self, outcome: Outcome) -> str:
        """Say in what our predictions, made without the API server, differ from what became of the case."""
        document, minor, ranges = self._case.document, self._server.minor, self._governed.ranges
        if outcome.stage == "unreadable":
            return ""
        sent = ours.ask("validate", msgspec.json.encode(document), document["kind"]).subject
        if isinstance(sent, Pod):
            sent = foretelling.surrounded(sent, document)
            if wrong := _wrong_pod(outcome, *foretelling.by_us(sent, ranges, minor=minor)):
                return f"our defaults, foretold: {wrong}"
        elif self._native.stage == "invalid":
            return ""  # claims are not validated by us
        foretold = foretelling.natively(sent, ranges=ranges, quotas=self._governed.quotas, minor=minor)
        wrong = disagreeing(msgspec.structs.replace(self._native, stored=None), foretold, causes=False)
        return f"{NATIVELY}{wrong}" if wrong else ""

    def unforetellable(self) -> tuple[str, ...]:
        """Return why a native verdict cannot be foretold: the one reason there is, or nothing."""
        sent = ours.ask("validate", msgspec.json.encode(self._case.document), self._case.document["kind"]).subject
        beyond = isinstance(sent, Pod) and foretelling.beyond_64_bits(sent, self._governed.ranges)
        return ("unforetold-sum-beyond-64-bits",) if beyond else ()

    async def was_valid(self) -> bool:
        """Say whether the API accepts the object as it was sent, without anybody's defaults."""
        status, _ = await self._server.create(self._server.free, self._case.document)
        return status == 201

    async def explanation(self, outcome: Outcome) -> tuple[str, ...]:
        """Return the fewest differences without which we agree, of those that apply to the case."""
        applying = await self._applying(outcome)
        for count in range(1, len(applying) + 1):
            for off in combinations(applying, count):
                if not disagreeing(self._native, await self.outcome(off)):
                    return tuple(one.name for one in off)
        return ()

    async def _applying(self, outcome: Outcome) -> tuple[Difference, ...]:
        """Return the differences that apply; some show only once those that change the object are switched off."""
        sent = ours.ask("validate", msgspec.json.encode(self._case.document), self._case.document["kind"]).subject
        applying: tuple[Difference, ...] = ()
        while True:
            seen = Seen(sent, outcome.stored, self._governed.ranges)
            found = tuple(one for one in DIFFERENCES if one in applying or one.applies(seen))
            if found == applying:
                return applying
            applying = found
            outcome = await self.outcome(applying)


def _native(status: int, answer: bytes, kind: str) -> Outcome:
    if status != 201:
        return _error(status, answer)
    stored = ours.ask("validate", answer, kind).subject
    amounts = resources(stored) if isinstance(stored, Pod) else None
    return Outcome("allowed", resources=amounts, stored=stored)


class _Cause(msgspec.Struct):
    field: str = ""
    reason: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] = []


class _Status(msgspec.Struct):
    message: str = ""
    details: _Details = msgspec.field(default_factory=_Details)


def _error(status: int, answer: bytes) -> Outcome:
    said = msgspec.json.decode(answer, type=_Status)
    if status == 403:
        try:
            return refused(said.message)
        except ValueError as error:
            return Outcome("other", text=str(error))
    stages: dict[int, Stage] = {422: "invalid", 400: "unreadable"}
    problems = frozenset((cause.field, cause.reason) for cause in said.details.causes)
    return Outcome(stages.get(status, "other"), problems, text=f"{status} {said.message}")


def _equal(native: Pod | Claim, expected: Pod | None) -> bool:
    """Say whether LimitRanger gave every container what we give it; what the API server adds is then the same."""
    if isinstance(native, Claim) or expected is None:
        return isinstance(native, Claim)
    return _containers(native) == _containers(expected)


def _containers(pod: Pod) -> list[tuple[object, ...]]:
    return [(one.name, one.requests, one.limits) for one in pod.every_container()]


def _wrong_pod(outcome: Outcome, foretold: Pod, valid: bool) -> str:  # noqa: FBT001  # as foretelling returns it
    if valid != (outcome.stage != "invalid"):
        return f"valid: {valid}, but {outcome.stage}"
    if isinstance(outcome.stored, Pod) and resources(outcome.stored) != resources(foretold):
        return f"{resources(foretold)} instead of {resources(outcome.stored)}"
    return ""


def disagreeing(native: Outcome, outcome: Outcome, *, causes: bool = True) -> str:
    """Say how the two outcomes disagree, or return ""; with or without the causes of a 422."""
    if native.stage == "other" or outcome.stage == "other":
        return f"no verdict: {native.text or native.stage}; {outcome.text or outcome.stage}"
    if native.stage != outcome.stage:
        return f"natively {native.stage}, by us {outcome.stage}"
    if native.stage == "allowed":
        return "" if native.resources == outcome.resources else "other resources"
    if native.stage == "unreadable" or (native.stage == "invalid" and not causes):
        return ""
    said = native.problems
    found = outcome.problems if native.stage != "quota" else _about(said, outcome.problems)
    if said == found:
        return ""
    return f"natively {_texts(said - found)}, by us {_texts(found - said)}"


def _about(said: frozenset[tuple[object, ...]], found: frozenset[tuple[object, ...]]) -> frozenset[tuple[object, ...]]:
    """Return our quota problems that native quota, which ends at the first quota that refuses, would report."""
    family, quota = next(iter(said))[:2]
    earlier = {"exceeded": ("required", "unknown"), "unknown": (), "required": ()}[str(family)]
    return frozenset(one for one in found if one[0] in earlier or (one[0] == family and one[1] == quota))


def _texts(problems: Iterable[tuple[object, ...]]) -> str:
    return ", ".join(sorted(str(problem) for problem in problems)) or "nothing more"
