"""What is reported of a decision to others than the client: on which workload, by which rule, in one line."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from tiergate.admission.request import AdmissionRequest
from tiergate.admission.response import MAX_CAUSES, told
from tiergate.admission.reviewed import read_reviewed
from tiergate.core.decision import Decision, Finding
from tiergate.core.text import one_line_in_bytes, shortened
from tiergate.core.workload_kind import BY_RESOURCE
from tiergate.wire.owners import Reference

MAX_MESSAGE: Final = 1024
"""Bytes of the message of an Event that every version of that API takes."""
_MORE: Final = 24
"""Bytes for how many problems were left out."""
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_CONTAINER: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)?")
_UID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_OURS: Final = frozenset({"workload-unchecked"})
"""Rules that say something of us and nothing of the workload."""

_ASKED: Final = {"CREATE": "it was", "UPDATE": "a change was"}


class Notice(msgspec.Struct, frozen=True):
    """Which workload a finding is reported on; equal ones are reported once in a while.

    Attributes:
        namespace: Of the workload.
        about: The workload, or what controls the refused pod. Nothing proves that it exists.
        rule: The first rule that was broken.
        refused: Whether the request was refused; else it was warned of.
        stored: Whether the object should exist. A workload whose creation was refused does not, and has no uid.
    """

    namespace: str
    about: Reference
    rule: str
    refused: bool
    stored: bool = True


def notice(request: AdmissionRequest, decision: Decision, body: bytes) -> Notice | None:
    """Return where to report a decision; None for nowhere, as where nothing was found.

    Raises:
        msgspec.MsgspecError, RecursionError: The objects of the review cannot be read.
    """
    findings = _told(decision)
    if not findings or request.dry_run or not decision.tier:
        return None
    refused = not decision.allowed
    about, stored = _about(request, body, refused=refused)
    if about is None or not _NAME.fullmatch(about.name) or (stored and not _UID.fullmatch(about.uid)):
        return None
    if not stored and not all(_CONTAINER.fullmatch(finding.container) for finding in findings):
        return None  # the API server has refused such names before it asks us
    return Notice(request.namespace, about, findings[0].rule, refused, stored)


def _told(decision: Decision) -> list[Finding]:
    """Return the findings that refuse; where none does, those that the client is warned of: in mode Audit none."""
    wanted = "warn" if decision.allowed else "deny"
    return [one for one in decision.findings if decision.effect_of(one) == wanted and one.rule not in _OURS]


def _about(request: AdmissionRequest, body: bytes, *, refused: bool) -> tuple[Reference | None, bool]:
    """Return the object to tell of it on, and whether it should exist.

    Who creates or resizes a pod by hand is told by the answer, and who creates a claim, too.
    """
    if request.resource == "pods":
        new, _ = read_reviewed(body)
        return new.controller(), True
    workload = BY_RESOURCE.get(request.resource.partition("/")[0])
    if workload is None:
        return None, True
    if refused and request.operation == "CREATE":
        return Reference(workload.group, workload.kind, request.name, ""), False
    new, old = read_reviewed(body)
    return Reference(workload.group, workload.kind, request.name, old.uid or new.uid or ""), True


def message(request: AdmissionRequest, decision: Decision) -> str:
    """Return what an Event says: on one line, the first problem first, none of them cut in the middle but the first.

    As in an answer, equal problems are said once, and those that have no room are not put into words.
    """
    first, *others = _told(decision)
    said = {line := str(told(first, request, decision))}
    text = one_line_in_bytes(f"{_beginning(request, decision)}{line}", MAX_MESSAGE - _MORE)
    left = len(others)
    for finding in others[:MAX_CAUSES]:
        if (line := str(told(finding, request, decision))) not in said:
            longer = f"{text} | {one_line_in_bytes(line, MAX_MESSAGE)}"
            if len(longer.encode()) > MAX_MESSAGE - _MORE:
                break
            text = longer
            said.add(line)
        left -= 1
    return f"{text} | and {left} more" if left else text


def _beginning(request: AdmissionRequest, decision: Decision) -> str:
    tier = shortened(decision.tier)
    if decision.allowed:
        first = _told(decision)[0]
        named = decision.lifts(first) or (first.rule == "malformed" and decision.effect == "warn")
        return "" if named else f"tier {tier}: "
    what = "its pods are" if request.resource == "pods" else _ASKED[request.operation]
    return f"{what} refused (tier {tier}): "
