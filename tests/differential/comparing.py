"""One case, natively and by us, and whether the two agree."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tests.differential import ours, overheads, predicting, several, updating
from tests.differential.case import Case, Result
from tests.differential.differences import Difference, Seen
from tests.differential.explaining import explanation
from tests.differential.ours import Governed, Mutated
from tests.differential.outcome import Outcome, resources
from tests.differential.server import Server
from tests.differential.verdict import answered, disagreeing, refusal
from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod


async def compared(server: Server, namespace: str, case: Case, governed: Governed) -> Result:
    """Do what the case asks for as a dry run where its policy is in force, and judge it by our own code."""
    if case.standing is not None:
        return await updating.compared(server, namespace, case, governed)
    if case.policy.further:
        return await several.compared(server, namespace, case, governed)
    status, answer = await server.create(namespace, case.document)
    native = answered(status, answer, case.kind)
    judged = JudgedCase(server, case, governed, native)
    outcome = await judged.outcome()
    predicted, beyond = judged.predicted_wrongly(outcome)
    if predicted and not beyond:
        return Result(native, outcome, predicted)
    if outcome.stage == "invalid" and await judged.was_valid():
        return Result(native, outcome, "our defaults make a valid pod invalid")
    disagreement = disagreeing(native, outcome)
    if not disagreement:
        return Result(native, outcome, predicted, beyond)
    return Result(native, outcome, disagreement, await explanation(judged, native, outcome))


class JudgedCase:
    """Judges one create by our code, also with differences on purpose switched off."""

    def __init__(self, server: Server, case: Case, governed: Governed, native: Outcome) -> None:
        self._server = server
        self._case = case
        self._governed = governed
        self._native = native

    async def outcome(self, off: Sequence[Difference] = ()) -> Outcome:
        """Return our outcome: our patch, then the API server's defaults and validation, then our verdict."""
        try:
            mutated = ours.mutated(self._case.document, self._governed.tier, off, minor=self._server.minor)
        except ours.UnreadableObjectError as error:
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
            return ours.ask("validate", answer, self._case.kind).subject
        return refusal(status, answer)

    def seen(self, outcome: Outcome) -> Seen:
        """Return what the predicates of differences look at."""
        decimals = overheads.decimals(self._case.document, self._case.policy)
        return Seen(self._sent(), outcome.stored, self._governed.ranges, decimals=decimals)

    def predicted_wrongly(self, outcome: Outcome) -> tuple[str, tuple[str, ...]]:
        """Say in what our predictions, made without the API server, differ from what became of the case.

        And why, if there is a reason.
        """
        minor, ranges = self._server.minor, self._governed.ranges
        if outcome.stage == "unreadable":
            return "", ()
        sent = self._sent()
        if isinstance(sent, Pod):
            sent = predicting.surrounded(sent, self._case.document)
            if wrong := _wrong_pod(outcome, *predicting.by_us(sent, ranges, minor=minor)):
                return f"our defaults, predicted: {wrong}", ()
        elif self._native.stage == "invalid":
            return "", ()  # claims are not validated by us
        if not (wrong := self._natively_wrong(sent)):
            return "", ()
        decimals = overheads.decimals(self._case.document, self._case.policy)
        beyond = predicting.beyond(sent, self._governed.objects, decimals, lambda: not self._natively_wrong(sent))
        return f"native admission, predicted: {wrong}", beyond

    def _natively_wrong(self, sent: Pod | Claim) -> str:
        governed, minor = self._governed, self._server.minor
        predicted = predicting.natively(sent, governed.objects, quotas=governed.quotas, minor=minor)
        return disagreeing(msgspec.structs.replace(self._native, stored=None), predicted, causes=False)

    async def was_valid(self) -> bool:
        """Say whether the API accepts the object as it was sent, without anybody's defaults."""
        status, _ = await self._server.create(self._server.free, self._case.document)
        return status == 201

    def _sent(self) -> Pod | Claim:
        return ours.ask("validate", msgspec.json.encode(self._case.document), self._case.kind).subject


def _equal(native: Pod | Claim, expected: Pod | None) -> bool:
    """Say whether LimitRanger gave every container what we give it; what the API server adds is then the same."""
    if isinstance(native, Claim) or expected is None:
        return isinstance(native, Claim)
    return _containers(native) == _containers(expected)


def _containers(pod: Pod) -> list[tuple[object, ...]]:
    return [(one.name, one.requests, one.limits) for one in pod.every_container()]


def _wrong_pod(outcome: Outcome, predicted: Pod, valid: bool) -> str:  # noqa: FBT001  # as predicting returns it
    if valid != (outcome.stage != "invalid"):
        return f"valid: {valid}, but {outcome.stage}"
    if isinstance(outcome.stored, Pod) and resources(outcome.stored) != resources(predicted):
        return f"{resources(predicted)} instead of {resources(outcome.stored)}"
    return ""
