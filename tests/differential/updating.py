"""Updates of what stands under a policy: resizes of a pod, and changes of a claim's spec."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tests.differential import ours, overheads, predicting
from tests.differential.case import Case, Result, request, updated
from tests.differential.differences import RESIZE_DEFAULTS, Difference, Seen
from tests.differential.explaining import explanation
from tests.differential.ours import Governed
from tests.differential.outcome import Outcome
from tests.differential.policies import Json
from tests.differential.server import Server
from tests.differential.verdict import answered, disagreeing, refusal
from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod


async def compared(server: Server, namespace: str, case: Case, governed: Governed) -> Result:
    """Update what stands in the namespace, as a dry run, and judge the update by our own code."""
    stored = server.stored(namespace, case.kind)
    name = stored["metadata"]["name"]
    status, answer = await server.update(namespace, case.kind, name, *request(stored, case.document))
    native = answered(status, answer, case.kind)
    judged: JudgedResize | JudgedClaim
    if case.kind == "Pod":
        judged = JudgedResize(server, namespace, case, governed)
    else:
        judged = JudgedClaim(stored, case, governed, native)
    outcome = await judged.outcome()
    predicted, beyond = await judged.predicted_wrongly(native, outcome, minor=server.minor)
    if predicted and not beyond:
        return Result(native, outcome, predicted)
    disagreement = disagreeing(native, outcome)
    if not disagreement:
        return Result(native, outcome, predicted, beyond)
    return Result(native, outcome, disagreement, await explanation(judged, native, outcome))


class JudgedResize:
    """Judges one resize by our code: done to the pod's twin, where no policy is in force, then reviewed."""

    def __init__(self, server: Server, namespace: str, case: Case, governed: Governed) -> None:
        self._server = server
        self._case = case
        self._governed = governed
        self._twin = server.twin(namespace)

    async def outcome(self, off: Sequence[Difference] = ()) -> Outcome:
        """Return our outcome: the API server's validation, then our verdict on new and old pod."""
        method, media, body = request(self._twin, self._case.document)
        if RESIZE_DEFAULTS in off:
            whole = updated(self._twin, self._case.document)
            ours.add_native_defaults(whole, self._governed.objects)
            method, media, body = request(whole, {"verb": "PUT", "changes": {}})
        name = self._twin["metadata"]["name"]
        status, answer = await self._server.update(self._server.free, "Pod", name, method, media, body)
        if status != 200:
            return refusal(status, answer)
        try:
            asked = ours.ask("validate", answer, "Pod", old=msgspec.json.encode(self._twin))
        except ours.UnreadableObjectError as error:
            return ours.unreadable(self._case.document, error)
        return ours.judged(asked.subject, self._governed, off, old=asked.old, minor=self._server.minor)

    def seen(self, outcome: Outcome) -> Seen:
        """Return what the predicates of differences look at."""
        return Seen(self._sent(), outcome.stored, self._governed.ranges, self._old(), self._decimals())

    async def predicted_wrongly(self, native: Outcome, outcome: Outcome, *, minor: int) -> tuple[str, tuple[str, ...]]:
        """Say in what `native` predicts another end than the real one, and why if there is a reason.

        It is asked about the pod with LimitRanger's additions.
        """
        if RESIZE_DEFAULTS.applies(self.seen(outcome)):
            outcome = await self.outcome((RESIZE_DEFAULTS,))
        stored = outcome.stored
        if not isinstance(stored, Pod):
            return "", ()  # the API refuses it: compared with our outcome

        def wrong() -> str:
            predicted = predicting.updated(stored, self._old(), self._governed, minor=minor)
            return disagreeing(msgspec.structs.replace(native, stored=None), predicted, causes=False)

        if not (said := wrong()):
            return "", ()
        beyond = predicting.beyond(stored, self._governed.objects, self._decimals(), lambda: not wrong())
        return f"native admission of a resize, predicted: {said}", beyond

    def _decimals(self) -> frozenset[str]:
        return overheads.decimals(updated(self._twin, self._case.document), self._case.policy)

    def _sent(self) -> Pod | Claim:
        whole = updated(self._twin, self._case.document)
        return ours.ask("validate", msgspec.json.encode(whole), "Pod").subject

    def _old(self) -> Pod | Claim:
        return ours.ask("validate", msgspec.json.encode(self._twin), "Pod").subject


class JudgedClaim:
    """Judges one change of a claim; its validity does not depend on policies, so the native 422 is ours too."""

    def __init__(self, stored: Json, case: Case, governed: Governed, native: Outcome) -> None:
        self._stored = stored
        self._case = case
        self._governed = governed
        self._native = native

    async def outcome(self, off: Sequence[Difference] = ()) -> Outcome:
        """Return our outcome for the claim that is asked for, with the status it has."""
        if self._native.stage == "invalid":
            return self._native
        try:
            sent = self._sent()
        except ours.UnreadableObjectError as error:
            return ours.unreadable(self._case.document, error)
        if self._native.stored not in (None, sent):
            return Outcome("other", text=f"stored is {self._native.stored} instead of {sent}")
        return ours.judged(sent, self._governed, off, old=self._old())

    def seen(self, outcome: Outcome) -> Seen:
        """Return what the predicates of differences look at."""
        return Seen(self._sent(), outcome.stored, self._governed.ranges, self._old())

    async def predicted_wrongly(self, native: Outcome, _outcome: Outcome, *, minor: int) -> tuple[str, tuple[str, ...]]:
        """Say in what `native` predicts another end than the real one; there is never a reason for that."""
        if native.stage in ("invalid", "unreadable"):
            return "", ()
        predicted = predicting.updated(self._sent(), self._old(), self._governed, minor=minor)
        wrong = disagreeing(msgspec.structs.replace(native, stored=None), predicted)
        return f"native admission of a change, predicted: {wrong}" if wrong else "", ()

    def _sent(self) -> Pod | Claim:
        whole = updated(self._stored, self._case.document)
        return ours.ask("validate", msgspec.json.encode(whole), self._case.kind).subject

    def _old(self) -> Pod | Claim:
        return ours.ask("validate", msgspec.json.encode(self._stored), self._case.kind).subject
