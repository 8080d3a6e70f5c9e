"""How two outcomes differ, and what the API server's answers say as outcomes."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tests.differential import ours
from tests.differential.outcome import Outcome, Stage, refused, resources
from tiergate.core.podspec import Pod


class _Cause(msgspec.Struct):
    field: str = ""
    reason: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] = []


class _Status(msgspec.Struct):
    message: str = ""
    details: _Details = msgspec.field(default_factory=_Details)


def answered(status: int, answer: bytes, kind: str) -> Outcome:
    """Return the outcome of a create or update of this kind, by the API server's answer."""
    if status not in (200, 201):
        return refusal(status, answer)
    stored = ours.ask("validate", answer, kind).subject
    amounts = resources(stored) if isinstance(stored, Pod) else None
    return Outcome("allowed", resources=amounts, stored=stored)


def refusal(status: int, answer: bytes) -> Outcome:
    """Return the outcome of a request that was not admitted."""
    said = msgspec.json.decode(answer, type=_Status)
    if status == 403:
        try:
            return refused(said.message)
        except ValueError as error:
            return Outcome("other", text=str(error))
    stages: dict[int, Stage] = {422: "invalid", 400: "unreadable"}
    problems = frozenset((cause.field, cause.reason) for cause in said.details.causes)
    return Outcome(stages.get(status, "other"), problems, text=f"{status} {said.message}")


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
