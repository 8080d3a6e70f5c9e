"""AdmissionReview out: decision -> bytes. The only place that builds responses.

Their forms: allowed, patched, denied; and allowed with warnings or audit annotations.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Final

import msgspec

from tiergate.admission.request import AdmissionRequest
from tiergate.admission.review import VERSION
from tiergate.core.decision import Decision, Finding
from tiergate.core.jsonpatch import JSONPatchOp
from tiergate.core.messages import OR, Said
from tiergate.core.rules import said, sentence
from tiergate.core.text import one_line, shortened
from tiergate.wire import kinds

MAX_WARNING: Final = 250
"""Longer warnings may be cut by the API server (A-54)."""
MAX_WARNINGS: Final = 4000
"""Characters of all warnings together: above 4096 the API server drops some (A-54)."""
MAX_ANNOTATION: Final = 4000
"""Characters of one audit annotation: whoever writes pods must not fill the audit log."""
MAX_CAUSES: Final = 100
"""How many problems one answer puts into words; whoever has more sees how many more."""
MAX_DENIAL: Final = 40_000
"""Characters of these problems and their pointers: a small review gets no large answer, which nobody may read."""


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


class AdmissionResponse(msgspec.Struct, omit_defaults=True):
    """``response`` of a review."""

    uid: str
    allowed: bool
    status: Status | None = None
    patchType: str | None = None
    patch: str | None = None
    auditAnnotations: dict[str, str] | None = None
    warnings: list[str] | None = None


class AnsweredReview(msgspec.Struct):
    """The AdmissionReview that is sent back."""

    response: AdmissionResponse
    apiVersion: str = VERSION
    kind: str = "AdmissionReview"


_encode: Final = msgspec.json.Encoder().encode


def respond(request: AdmissionRequest, decision: Decision) -> bytes:
    """Return the answer to a request."""
    response = AdmissionResponse(request.uid, decision.allowed)
    if not response.allowed:
        response.status = _denial(request, decision)
        beside = [one for one in decision.findings if decision.effect_of(one) == "warn"]
        response.warnings = _lines(request, decision, beside, MAX_WARNINGS) or None
    elif decision.findings or decision.unchecked or decision.defaults:
        if decision.effect == "audit":
            response.auditAnnotations = _annotations(request, decision)
        else:
            more = _unchecked(decision)
            response.warnings = _lines(request, decision, decision.findings, MAX_WARNINGS, more=more) or None
    if decision.patch and response.allowed:
        response.patchType, response.patch = "JSONPatch", _patch(decision.patch)
    if decision.exempt:
        response.auditAnnotations = {"exempt": one_line(decision.exempt, MAX_ANNOTATION)}
    return _encode(AnsweredReview(response))


def _patch(operations: tuple[JSONPatchOp, ...]) -> str:
    return base64.b64encode(_encode(operations)).decode()


def _denial(request: AdmissionRequest, decision: Decision) -> Status:
    """Return the status of a denial: a line for each problem, the first after where it is; the same again as causes.

    ``kubectl get events`` shows the first line only.
    """
    denied = decision.violations
    causes: list[Cause] = []
    room = MAX_DENIAL
    for finding in denied[:MAX_CAUSES]:
        cause = Cause(finding.reason, sentence(finding, namespace=request.namespace), finding.pointer)
        room -= len(cause.message) + len(cause.field)
        if causes and room < 0:
            break
        causes.append(cause)
    lines = [cause.message for cause in causes]
    lines[0] = " ".join([*headline(request, decision), lines[0]])
    if len(denied) > len(causes):
        lines.append(f"and {len(denied) - len(causes)} more problems")
    return Status("\n".join(lines), Details(request.name, request.resource, causes))


def headline(request: AdmissionRequest, decision: Decision) -> Iterable[str]:
    """Yield the beginning of a denial: which object, where, under which tier; none where the sentences say it."""
    if any(finding.rule == "malformed" for finding in decision.findings):
        return
    if request.endpoint == "tiers":
        yield f'tier "{shortened(request.name)}":'
    elif request.endpoint != "namespaces":
        noun = kinds.NOUNS.get(request.resource, "object")
        verb = "resize of " if request.resource.endswith("/resize") else ""
        of_tier = f" (tier {shortened(decision.tier)})" if decision.tier else ""
        yield f'{verb}{noun} "{shortened(request.name)}" in namespace "{shortened(request.namespace)}"{of_tier}:'


def _annotations(request: AdmissionRequest, decision: Decision) -> dict[str, str] | None:
    """Return the audit annotations; their keys are words (A-55)."""
    refused = decision.violations
    warned = [finding for finding in decision.findings if finding.effect != "deny"]
    texts = {
        "violations": " | ".join(_lines(request, decision, refused, MAX_ANNOTATION, more=_unchecked(decision))),
        "rules": ",".join(sorted({finding.rule for finding in refused})),
        "warnings": " | ".join(_lines(request, decision, warned, MAX_ANNOTATION)),
        "defaults": one_line(decision.defaults, MAX_ANNOTATION),
    }
    return {key: text for key, text in texts.items() if text} or None


def _unchecked(decision: Decision) -> list[str]:
    """Return the line that says that quotas were left out; none where they were not."""
    said = f'quotas of tier "{decision.tier}" were not checked: the usage in the namespace is not known'
    return [_warning(said)] if decision.unchecked else []


def _lines(
    request: AdmissionRequest, decision: Decision, findings: Sequence[Finding], most: int, *, more: Sequence[str] = ()
) -> list[str]:
    """Return a line for each finding, and these lines, in so many characters; then how many are left. Equal lines once.

    No line is made that has no room: 1,000 of them would hold the event loop for 40 ms (ADR 21).
    """
    lines = chain((_line(finding, request, decision) for finding in findings), more)
    kept: dict[str, None] = {}
    left, room = len(findings) + len(more), most - MAX_WARNING  # so that there is always room for the last line
    for line in islice(lines, MAX_CAUSES):
        if line not in kept:
            if len(line) > room:
                break
            kept[line] = None
            room -= len(line)
        left -= 1
    return [*kept, *([f"and {left} more"] if left else [])]


def told(finding: Finding, request: AdmissionRequest, decision: Decision) -> Said:
    """Return the sentence; where the mode alone keeps the object from being refused it says so."""
    lifted = decision.lifts(finding)
    found = said(finding, namespace=request.namespace, mode="Enforce" if lifted else decision.mode)
    if finding.rule == "malformed" and decision.effect != "deny":
        return found._replace(fact=f'cannot be judged by tier "{decision.tier}": {found.fact}')
    if lifted and not finding.native:  # what is not the tier's is broken now
        return found._replace(fact=f'would violate tier "{decision.tier}": {found.fact}')
    return found


def _line(finding: Finding, request: AdmissionRequest, decision: Decision) -> str:
    """Return the sentence on one line, with as many of the ways that would pass as there is room for."""
    fact, advice = told(finding, request, decision)
    while advice and len(fact) + len(advice) + 2 > MAX_WARNING:
        advice = advice.rpartition(OR)[0]
    return _warning(str(Said(fact, advice)))


def _warning(text: str) -> str:
    """Return a warning the API server will not drop."""
    return one_line(text, MAX_WARNING)
