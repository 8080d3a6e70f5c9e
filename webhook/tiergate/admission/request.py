"""AdmissionReview in: bytes -> AdmissionRequest, its object as core values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tiergate.admission.review import (
    BadReview,
    Envelope,
    UserInfo,
    WireReview,
    checked,
    read_strictly,
)
from tiergate.core.decision import Fault
from tiergate.core.request import Endpoint, Request, Unreadable
from tiergate.wire import Malformed, kinds, strict
from tiergate.wire.decode import Decoder
from tiergate.wire.kinds import Decoded, Kind

_POINTERS: Final = {"object": "", "oldObject": "/request/oldObject"}
"""Where the objects of a review stand for the person who wrote ``object``."""

_DECODERS: Final[dict[type[msgspec.Struct], Decoder[WireReview[Any]]]] = {
    kind.wire: Decoder(WireReview[kind.wire])  # type: ignore[name-defined]  # a type given at run time
    for kind in kinds.KINDS
}


class AdmissionRequest(Request, frozen=True, kw_only=True):
    """A request for a decision, with what its answer and its log line need besides."""

    uid: str
    operation: str
    dry_run: bool
    user_info: UserInfo


def read(endpoint: Endpoint, body: bytes) -> AdmissionRequest:
    """Return the request of a review's bytes; one with values that cannot be read has these as its subject.

    The fast decoder need only be right on valid input: whatever it refuses is read by the strict one, which accepts it
    or names every fault (ADR 7).

    Raises:
        BadReview: It is not an AdmissionReview, or of something that the endpoint does not judge: such a rule in the
            webhook configuration is a mistake that must be loud.
    """
    guessed = kinds.likely(endpoint, body)
    return _DECODERS[guessed.wire].read(body, _quickly, _strictly, guessed)


def _quickly(review: WireReview[Any], guessed: Kind) -> AdmissionRequest:
    """Return the request of what the fast decoder read; raise ValueError where the strict one has to look."""
    envelope = checked(review)
    kind = _kind(guessed.endpoint, envelope)
    if kind.wire is not guessed.wire:
        raise ValueError(kind.resource)  # a wrong guess, which no review of the API server brings about
    old = envelope.oldObject if envelope.operation != "CREATE" else None  # there is none, and nobody may be told of one
    if faults := _missing(envelope, kind, envelope.object, old):
        return _request(envelope, kind.endpoint, kind.resource, Decoded(Unreadable(faults)))
    decoded = kind.to_core(envelope.object, old, envelope.namespace or "")
    return _request(envelope, kind.endpoint, kind.resource, decoded)


def _strictly(body: bytes, guessed: Kind) -> AdmissionRequest:
    """Return the request as the strict decoder reads it, whatever was guessed."""
    endpoint, review = guessed.endpoint, read_strictly(body)
    envelope = review.envelope
    if review.faults:
        return _request(envelope, endpoint, envelope.what, Decoded(Unreadable(review.faults)))
    kind = _kind(endpoint, envelope)
    objects, faults = _objects(review.objects, envelope, kind)
    if faults := faults or _missing(envelope, kind, objects["object"], objects["oldObject"]):
        return _request(envelope, endpoint, kind.resource, Decoded(Unreadable(faults)))
    try:
        decoded = kind.to_core(objects["object"], objects["oldObject"], envelope.namespace or "")
    except Malformed as error:
        decoded = Decoded(Unreadable(error.every()))
    return _request(envelope, endpoint, kind.resource, decoded)


def _objects(
    trees: Mapping[str, Any], envelope: Envelope, kind: Kind
) -> tuple[dict[str, msgspec.Struct | None], tuple[Fault, ...]]:
    """Return the objects as wire shapes, and the faults of both."""
    values: dict[str, msgspec.Struct | None] = dict.fromkeys(_POINTERS)
    faults: list[Fault] = []
    for key, pointer in _POINTERS.items():
        if key in trees and not (key == "oldObject" and envelope.operation == "CREATE"):
            try:
                values[key] = strict.build(trees[key], kind.wire, pointer)
            except Malformed as error:
                if key == "object" or kind.needs_old:
                    faults += error.every()
                elif envelope.operation == "DELETE":
                    values[key] = _named(trees[key], kind, pointer)
    return values, tuple(faults)


def _named(tree: Any, kind: Kind, pointer: str) -> msgspec.Struct | None:  # noqa: ANN401  # any tree
    """Return of a deleted object that cannot be read what names it; None where that cannot be read either."""
    try:
        return strict.build({"metadata": tree["metadata"]}, kind.wire, pointer)
    except (Malformed, TypeError, KeyError):
        return None


def _missing(envelope: Envelope, kind: Kind, new: object, old: object) -> tuple[Fault, ...]:
    """Return what the review lacks."""
    if new is None and envelope.operation != "DELETE":
        return (Fault("", "there is no object"),)
    if old is None and envelope.operation == "UPDATE" and kind.needs_old:
        return (Fault(_POINTERS["oldObject"], "there is no old object"),)
    if kind.namespaced and not envelope.namespace:
        return (Fault("/request/namespace", "there is no namespace"),)
    return ()


def _kind(endpoint: Endpoint, envelope: Envelope) -> Kind:
    what, operation = envelope.what, envelope.operation
    kind = kinds.find(endpoint, what, operation)
    if kind is None:
        msg = f"/{endpoint} does not judge {operation or 'no operation'} of {what or 'no resource'}"
        raise BadReview(msg, uid=envelope.uid)
    return kind


def _request(envelope: Envelope, endpoint: Endpoint, resource: str, decoded: Decoded) -> AdmissionRequest:
    user, name = envelope.user, envelope.name or decoded.name
    return AdmissionRequest(
        endpoint=endpoint,
        resource=resource,
        namespace=name if endpoint == "namespaces" else envelope.namespace or "",
        name=name,
        user=user.username,
        groups=tuple(user.groups or ()),
        subject=decoded.subject,
        old=decoded.old,
        uid=envelope.uid,
        operation=envelope.operation,
        dry_run=bool(envelope.dryRun),
        user_info=user,
    )
