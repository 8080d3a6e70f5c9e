"""Decision -> bytes: the only place that builds responses. Their four forms: allowed, patched, denied, warned."""

from __future__ import annotations

import base64
from typing import Final

import msgspec

from tiergate.admission.messages import headline, malformed_sentence, sentence
from tiergate.admission.question import Question
from tiergate.admission.review import VERSION, Unreadable
from tiergate.core.decision import Decision
from tiergate.core.jsonpatch import JSONPatchOp
from tiergate.wire import Malformed

MAX_WARNING: Final = 250
"""Longer warnings may be cut by the API server (A-54)."""


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
    if decision.violations:
        response.status = _denial(question, decision, tier=tier)
    elif decision.patch:
        response.patchType, response.patch = "JSONPatch", _patch(decision.patch)
    if decision.warnings:
        response.warnings = [one_line(text) for text in decision.warnings]
    if decision.exempt:
        response.auditAnnotations = {"exempt": decision.exempt}
    return _encode(ReviewAnswer(response))


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
    clean = "".join(char if char.isprintable() else " " for char in text)
    return clean if len(clean) <= MAX_WARNING else f"{clean[: MAX_WARNING - 3]}..."


def unreadable(error: Unreadable) -> bytes:
    """Return the denial of a review with a value that cannot be read."""
    request = error.request
    causes = tuple(malformed_cause(one) for one in error.malformed.every())
    return denied(request.uid, causes, name=request.name or "", kind=request.what)


def malformed_cause(error: Malformed) -> Cause:
    """Return the cause that a value which cannot be read is."""
    return Cause("malformed", malformed_sentence(error), error.pointer)


def denied(uid: str, causes: tuple[Cause, ...], *, name: str, kind: str, first: str = "") -> bytes:
    """Return a denial for these causes, a line each, after a first line where there is one."""
    status = _status(first, list(causes), name=name, kind=kind)
    return _encode(ReviewAnswer(Response(uid, allowed=False, status=status)))


def allowed(uid: str, warnings: tuple[str, ...] = ()) -> bytes:
    """Return an allowance, with warnings where there are any."""
    return _encode(ReviewAnswer(Response(uid, allowed=True, warnings=[one_line(one) for one in warnings] or None)))
