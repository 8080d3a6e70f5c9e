"""AdmissionReview in: bytes -> AdmissionRequest, its object as core values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tiergate.admission.annotations import annotation_bytes
from tiergate.admission.review import (
    BadReview,
    Envelope,
    UserInfo,
    WireReview,
    checked,
    read_strictly,
)
from tiergate.core.decision import Fault
from tiergate.core.podspec import FEW_ANNOTATIONS, Pod
from tiergate.core.request import CLUSTER_WIDE, Endpoint, Request, Unreadable
from tiergate.wire import Malformed, kinds, strict
from tiergate.wire.decode import Decoder
from tiergate.wire.kinds import Decoded, Kind
from tiergate.wire.malformed import Excess
from tiergate.wire.tier import TierSpec, WireTier

_POINTERS: Final = {"object": "", "oldObject": "/request/oldObject"}
"""Where the objects of a review stand for the person who wrote ``object``."""
_ABSENT: Final = {"CREATE": "oldObject", "DELETE": "object"}
"""What a review of an operation never has: if it is there nevertheless, neither it nor its faults are read."""

MAX_GROUPS: Final = 5000
"""Groups of the user who asks: directories with more than a thousand for one user are known."""
MAX_EXTRA: Final = 64 * 2**10
"""Characters of all that is said of the user besides: identity providers put assertions of some kilobytes there."""

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
    request = _DECODERS[guessed.wire].read(body, _quickly, _strictly, guessed)
    if len(body) > FEW_ANNOTATIONS and endpoint == "mutate" and isinstance(request.subject, Pod):
        pod = msgspec.structs.replace(request.subject, annotation_bytes=annotation_bytes(body))
        return msgspec.structs.replace(request, subject=pod)
    return request


def read_quickly(endpoint: Endpoint, body: bytes) -> AdmissionRequest | None:
    """Return the request as the fast decoder alone reads it, None where the strict one has to look; raise BadReview."""
    guessed = kinds.likely(endpoint, body)
    return _DECODERS[guessed.wire].read(body, _quickly, _later, guessed)


def _later(_body: bytes, _guessed: Kind) -> AdmissionRequest | None:
    return None


def _quickly(review: WireReview[Any], guessed: Kind) -> AdmissionRequest:
    """Return the request of what the fast decoder read; raise ValueError where the strict one has to look."""
    envelope = checked(review)
    kind = _kind(guessed.endpoint, envelope)
    if kind.wire is not guessed.wire:
        raise ValueError(kind.resource)  # a wrong guess, which no review of the API server brings about
    absent = _ABSENT.get(envelope.operation)
    new = None if absent == "object" else envelope.object
    old = None if absent == "oldObject" else envelope.oldObject
    if faults := _missing(envelope, kind, new, old):
        return _request(envelope, kind.endpoint, kind.resource, Decoded(Unreadable(faults)))
    try:
        decoded = kind.to_core(new, old)
    except Excess as error:
        decoded = Decoded(Unreadable(error.every()))
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
        decoded = kind.to_core(objects["object"], objects["oldObject"])
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
        if key in trees and key != _ABSENT.get(envelope.operation):
            try:
                values[key] = strict.build(trees[key], kind.wire, pointer)
            except Malformed as error:
                if key == "object" and envelope.operation == "UPDATE" and (both := _spec_left_alone(trees, kind)):
                    return both, ()
                if key == "object" or kind.needs_old:
                    faults += error.every()
                elif envelope.operation == "DELETE":
                    values[key] = _named(trees[key], kind, pointer)
    return values, tuple(faults)


def _spec_left_alone(trees: Mapping[str, Any], kind: Kind) -> dict[str, msgspec.Struct | None] | None:
    """Return both Tiers without their specs where these are the same, however bad; None where a spec has to be read.

    Labels and finalizers of a Tier that this version cannot read must not need us.
    """
    shown = {key: tree for key, tree in trees.items() if isinstance(tree, dict)}
    if kind.wire is not WireTier or len(shown) < len(_POINTERS):
        return None
    new, old = (shown[key].get("spec") for key in _POINTERS)
    if not strict.alike(new, old, TierSpec):
        return None
    try:
        return {key: strict.build({**tree, "spec": None}, kind.wire, _POINTERS[key]) for key, tree in shown.items()}
    except Malformed:
        return None


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


def _length(extra: Mapping[str, list[str]]) -> int:
    return sum(len(name) + sum(len(value) + 1 for value in values or ()) for name, values in extra.items())


def _request(envelope: Envelope, endpoint: Endpoint, resource: str, decoded: Decoded) -> AdmissionRequest:
    user, name = envelope.user, envelope.name or decoded.name
    if endpoint in CLUSTER_WIDE and decoded.name not in ("", name):  # what is judged goes by the name
        raise BadReview("the request and its object have different names", uid=envelope.uid)
    groups = tuple(user.groups or ())
    if len(groups) > MAX_GROUPS:
        fault = Fault("/request/userInfo/groups", f"{len(groups)} groups, and at most {MAX_GROUPS} are judged")
        decoded, groups = Decoded(Unreadable((fault,))), ()
    if user.extra and (length := _length(user.extra)) > MAX_EXTRA:
        fault = Fault("/request/userInfo/extra", f"{length} characters, and at most {MAX_EXTRA} are judged")
        decoded, user = Decoded(Unreadable((fault,))), msgspec.structs.replace(user, extra=None)
    return AdmissionRequest(
        endpoint=endpoint,
        resource=resource,
        namespace=name if endpoint == "namespaces" else envelope.namespace or "",
        name=name,
        user=user.username,
        groups=groups,
        subject=decoded.subject,
        old=decoded.old,
        uid=envelope.uid,
        operation=envelope.operation,
        dry_run=bool(envelope.dryRun),
        user_info=user,
    )
