"""Decision -> bytes: the only place that builds responses.

Their forms: allowed, patched, denied; and allowed with warnings or audit annotations.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

import msgspec

from tiergate.admission.messages import headline, malformed_sentence, sentence, unchecked_sentence, warning
from tiergate.admission.question import Question
from tiergate.admission.review import VERSION, Unreadable
from tiergate.core.decision import Decision, Fault
from tiergate.core.jsonpatch import JSONPatchOp
from tiergate.core.mode import Mode

MAX_WARNING: Final = 250
"""Longer warnings may be cut by the API server (A-54)."""
MAX_WARNINGS: Final = 4000
"""Characters of all warnings together: above 4096 the API server drops some (A-54)."""
MAX_ANNOTATION: Final = 4000
"""Characters of one audit annotation: whoever writes pods must not fill the audit log."""


MAX_CAUSES: Final = 100
"""How many problems one answer lists; whoever has more sees how many more."""


class Cause(msgspec.Struct, rename="camel"):
    """One entry of ``status.details.causes``: the rule id, the sentence, the JSON pointer."""

    reason: str
    message: str
    field: str


class Details(msgspec.Struct):
    """``status.details``."""

    name: str
    kind: str
    causes: list[Cause]


class Status(msgspec.Struct):
    """``metav1.Status`` of a denial. 403 Forbidden, because kubectl reshapes Invalid (A-53)."""

    message: str
    details: Details
    code: int = 403
    reason: str = "Forbidden"


class Response(msgspec.Struct, omit_defaults=True):
    """``response`` of a review."""

    uid: str
    allowed: bool
    status: Status | None = None
    patchType: str | None = None
    patch: str | None = None
    auditAnnotations: dict[str, str] | None = None
    warnings: list[str] | None = None


class ReviewAnswer(msgspec.Struct):
    """The AdmissionReview that is sent back."""

    response: Response
    apiVersion: str = VERSION
    kind: str = "AdmissionReview"


_encode: Final = msgspec.json.Encoder().encode


def answer(question: Question, decision: Decision, *, tier: str) -> bytes:
    """Return the answer to a question about a pod or claim."""
    response = Response(question.uid, decision.allowed)
    if decision.mode != "Enforce":
        _report(response, question, decision, tier=tier)
    elif decision.violations:
        response.status = _denial(question, decision, tier=tier)
    elif decision.patch:
        response.patchType, response.patch = "JSONPatch", _patch(decision.patch)
    if decision.warnings:
        response.warnings = [one_line(text) for text in decision.warnings]
    if decision.exempt:
        response.auditAnnotations = {"exempt": decision.exempt}
    return _encode(ReviewAnswer(response))


def _report(response: Response, question: Question, decision: Decision, *, tier: str) -> None:
    """Tell of the violations by the mode's way: warnings for the client, or annotations of the audit event."""
    told = [warning(one, namespace=question.namespace, tier=tier) for one in decision.violations]
    if decision.unchecked:
        told.append(unchecked_sentence(tier))
    rules = sorted({one.rule for one in decision.violations})
    further = {"rules": ",".join(rules), "defaults": _cut(decision.defaults, MAX_ANNOTATION)}
    _tell(response, told, mode=decision.mode, further=further)


def _tell(response: Response, told: list[str], *, mode: Mode, further: Mapping[str, str]) -> None:
    """Put the lines where the mode wants them; keys of audit annotations are words (A-55)."""
    lines = [one_line(text) for text in told]
    if mode == "Warn":
        response.warnings = _bounded(lines, MAX_WARNINGS) or None
        return
    annotations = {"violations": " | ".join(_bounded(lines, MAX_ANNOTATION)), **further}
    response.auditAnnotations = {key: text for key, text in annotations.items() if text} or None


def _bounded(lines: list[str], most: int) -> list[str]:
    """Return as many lines as fit, and how many more there are; equal lines once."""
    distinct = list(dict.fromkeys(lines))
    kept, room = 0, most - MAX_WARNING  # so that there is always room for the last line
    while kept < len(distinct) and room >= len(distinct[kept]):
        room -= len(distinct[kept])
        kept += 1
    left = len(distinct) - kept
    return [*distinct[:kept], *([f"and {left} more"] if left else [])]


def _denial(question: Question, decision: Decision, *, tier: str) -> Status:
    causes = [Cause(one.rule, sentence(one, namespace=question.namespace), one.pointer) for one in decision.violations]
    first = headline(kind=question.kind, name=question.name, namespace=question.namespace, tier=tier)
    return _status(first, causes, name=question.name, kind=question.kind)


def _status(first: str, causes: list[Cause], *, name: str, kind: str) -> Status:
    shown = causes[:MAX_CAUSES]
    lines = [first] if first else []
    lines += [cause.message for cause in shown]
    if len(causes) > len(shown):
        lines.append(f"and {len(causes) - len(shown)} more problems")
    return Status("\n".join(lines), Details(name, kind, shown))


def _patch(operations: tuple[JSONPatchOp, ...]) -> str:
    return base64.b64encode(_encode(operations)).decode()


def one_line(text: str) -> str:
    """Return a warning the API server will not drop: printable, on one line, not too long."""
    return _cut(text, MAX_WARNING)


def _cut(text: str, most: int) -> str:
    """Return the text printable, on one line and at most so long."""
    clean = "".join(char if char.isprintable() else " " for char in text[: most + 1])
    return clean if len(clean) <= most else f"{clean[: most - 3]}..."


def unreadable(error: Unreadable) -> bytes:
    """Return the denial of a review with a value that cannot be read."""
    request = error.request
    causes = tuple(malformed_cause(one) for one in error.malformed.every())
    return denied(request.uid, causes, name=request.name or "", kind=request.what)


def unreadable_told(error: Unreadable, *, mode: Mode, tier: str) -> bytes:
    """Return the allowance of the same for a tier that refuses nothing."""
    response = Response(error.request.uid, allowed=True)
    faults = error.malformed.every()
    told = [f'cannot be judged by tier "{tier}": {malformed_sentence(one)}' for one in faults]
    _tell(response, told, mode=mode, further={"rules": "malformed"})
    return _encode(ReviewAnswer(response))


def malformed_cause(fault: Fault) -> Cause:
    """Return the cause that a value which cannot be read is."""
    return Cause("malformed", malformed_sentence(fault), fault.pointer)


def denied(uid: str, causes: tuple[Cause, ...], *, name: str, kind: str, first: str = "") -> bytes:
    """Return a denial for these causes, a line each, after a first line where there is one."""
    status = _status(first, list(causes), name=name, kind=kind)
    return _encode(ReviewAnswer(Response(uid, allowed=False, status=status)))


def allowed(uid: str, warnings: tuple[str, ...] = ()) -> bytes:
    """Return an allowance, with warnings where there are any."""
    return _encode(ReviewAnswer(Response(uid, allowed=True, warnings=[one_line(one) for one in warnings] or None)))
