"""What a review of a pod or claim asks, as core values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

import msgspec

from tiergate.admission.review import BadReview, Envelope, Request, ReviewReader, Unreadable, strict_envelope
from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod
from tiergate.wire import Malformed
from tiergate.wire.claim import WireClaim, to_claim
from tiergate.wire.pod import WirePod, to_pod

Door = Literal["mutate", "validate"]

POD: Final = "pods"
RESIZE: Final = "pods/resize"
CLAIM: Final = "persistentvolumeclaims"

_HANDLED: Final[dict[Door, frozenset[tuple[str, str]]]] = {
    "mutate": frozenset({(POD, "CREATE")}),
    "validate": frozenset({(POD, "CREATE"), (RESIZE, "UPDATE"), (CLAIM, "CREATE"), (CLAIM, "UPDATE")}),
}

_read_pods: Final = ReviewReader(WirePod)
_read_claims: Final = ReviewReader(WireClaim)

Wire = TypeVar("Wire", bound=msgspec.Struct)
Value = TypeVar("Value", Pod, Claim)


class Question(msgspec.Struct, frozen=True):
    """One question: may this object be, in this namespace, for this user?

    ``old`` is the stored object of an UPDATE. ``kind`` is ``pods``, ``pods/resize`` or
    ``persistentvolumeclaims``.
    """

    uid: str
    kind: str
    operation: str
    namespace: str
    name: str
    dry_run: bool
    user: str
    groups: tuple[str, ...]
    subject: Pod | Claim
    old: Pod | Claim | None = None


def ask(door: Door, body: bytes) -> Question:
    """Return the question of a review's bytes; raise BadReview or Unreadable.

    Most reviews are of pods, so the body is read as one first.
    """
    request = _read_pods.quickly(body)
    if request is None:
        return _ask_strictly(door, body)
    _expect(door, request)
    try:
        if request.what == CLAIM:
            claim = _read_claims.quickly(body)
            return _ask_strictly(door, body) if claim is None else _build(claim, to_claim)
        return _build(request, to_pod)
    except Unreadable:
        raise
    except ValueError:
        return _ask_strictly(door, body)  # a value that cannot be read: the slow decoder says where


def _ask_strictly(door: Door, body: bytes) -> Question:
    envelope, members = strict_envelope(body)
    _expect(door, envelope)
    try:
        if envelope.what == CLAIM:
            return _build(_read_claims.built(envelope, members), to_claim)
        return _build(_read_pods.built(envelope, members), to_pod)
    except Malformed as error:
        raise Unreadable(envelope, error) from None


def _expect(door: Door, envelope: Envelope) -> None:
    what, operation = envelope.what, envelope.operation
    if (what, operation) not in _HANDLED[door]:
        msg = f"/{door} does not judge {operation or 'no operation'} of {what or 'no resource'}"
        raise BadReview(msg, uid=envelope.uid)


def _build(request: Request[Wire], to_value: Callable[..., Value]) -> Question:
    if request.object is None:
        raise Unreadable(request, Malformed("", "there is no object"))
    if request.operation == "UPDATE" and request.oldObject is None:
        raise Unreadable(request, Malformed("/request/oldObject", "there is no old object"))
    if not request.namespace:
        raise Unreadable(request, Malformed("/request/namespace", "there is no namespace"))
    user = request.user
    subject = to_value(request.object, namespace=request.namespace)
    return Question(
        uid=request.uid,
        kind=request.what,
        operation=request.operation,
        namespace=request.namespace,
        name=request.name or subject.name,
        dry_run=bool(request.dryRun),
        user=user.username,
        groups=tuple(user.groups or ()),
        subject=subject,
        old=_old(request, to_value),
    )


def _old(request: Request[Any], to_value: Callable[..., Value]) -> Value | None:
    if request.operation != "UPDATE" or request.oldObject is None:
        return None
    return to_value(request.oldObject, namespace=request.namespace)
