"""The AdmissionReview envelope (admission.k8s.io/v1), read once for every endpoint.

What is not an AdmissionReview is a BadReview (an HTTP 4xx). A bad value inside one whose uid was read is a fault with
its JSON pointer (HTTP 200, denied).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from tiergate.core.decision import Fault
from tiergate.wire import Malformed, NotJson, strict
from tiergate.wire.malformed import TooManyValues
from tiergate.wire.tree import parse
from tiergate.wire.types import MAX_NAME, Name

VERSION: Final = "admission.k8s.io/v1"

Wire = TypeVar("Wire")


class BadReview(Exception):
    """Not an AdmissionReview we can answer; ``uid`` is "" where it could not be read."""

    def __init__(self, reason: str, *, uid: str = "") -> None:
        """Keep the reason for the log and the HTTP body."""
        super().__init__(reason)
        self.uid = uid


class GroupVersionResource(msgspec.Struct):
    """Which resource the object is."""

    group: Name = ""
    version: Name = ""
    resource: Name = ""


class UserInfo(msgspec.Struct):
    """Who asks."""

    username: Name = ""
    uid: Name = ""
    groups: list[Name] | None = None
    extra: dict[Name, list[str]] | None = None


class Envelope(msgspec.Struct):
    """``request`` without its objects."""

    uid: Name = ""
    resource: GroupVersionResource | None = None
    subResource: Name | None = None
    name: Name | None = None
    namespace: Name | None = None
    operation: Name = ""
    userInfo: UserInfo | None = None
    dryRun: bool | None = None

    @property
    def what(self) -> str:
        """The resource and subresource, as a rule names them: ``pods/resize``."""
        named = self.resource or GroupVersionResource()
        resource = f"{named.resource}.{named.group}" if named.group else named.resource
        return f"{resource}/{self.subResource}" if self.subResource else resource

    @property
    def user(self) -> UserInfo:
        """Who asks; an anonymous nobody when the review does not say."""
        return self.userInfo or UserInfo()


class WireRequest(Envelope, Generic[Wire]):
    """``request`` with its objects."""

    object: Wire | None = None
    oldObject: Wire | None = None


class WireReview(msgspec.Struct, Generic[Wire]):
    """An AdmissionReview."""

    apiVersion: Name = ""
    kind: Name = ""
    request: WireRequest[Wire] | None = None


def checked(review: WireReview[Wire]) -> WireRequest[Wire]:
    """Return the request of a review; raise BadReview for what is not one that can be answered."""
    request = review.request
    if request is None or not request.uid or review.kind != "AdmissionReview" or review.apiVersion != VERSION:
        raise _no_review(review)
    return request


def _no_review(review: WireReview[Any]) -> BadReview:
    if review.kind != "AdmissionReview" or review.apiVersion != VERSION:
        expected = f"expected an AdmissionReview of {VERSION}"
        return BadReview(f"{expected}, got {review.kind!r} of {review.apiVersion!r}")
    return BadReview("the AdmissionReview has no request with a uid")


class StrictReview(msgspec.Struct):
    """A review as the strict decoder reads it: its envelope, its objects as trees, and what is wrong with the first."""

    envelope: Envelope
    objects: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()


class _Outline(msgspec.Struct):
    """An AdmissionReview without its objects."""

    apiVersion: Name = ""
    kind: Name = ""
    request: Envelope | None = None


_read_outline: Final = msgspec.json.Decoder(_Outline).decode


def _unread(body: bytes, reason: str) -> StrictReview:
    """Return a review whose object is not looked into, with the reason as its fault; raise BadReview."""
    try:
        outline = _read_outline(body)
    except (ValueError, RecursionError) as error:
        raise BadReview(f"the body cannot be read: {error}") from None
    envelope = outline.request or Envelope()
    checked(WireReview(outline.apiVersion, outline.kind, WireRequest(envelope.uid)))
    return StrictReview(envelope, {}, (Fault("", reason),))


def read_strictly(body: bytes) -> StrictReview:
    """Return the envelope and the objects of a review; raise BadReview."""
    try:
        tree = parse(body)
    except TooManyValues as error:
        return _unread(body, str(error))
    except NotJson as error:
        msg = f"the body is not JSON: {error}"
        raise BadReview(msg) from None
    members = tree.get("request") if isinstance(tree, dict) else None
    if not isinstance(tree, dict) or not isinstance(members, dict):
        raise BadReview("the body is not an AdmissionReview with a request")
    uid = members.get("uid")
    uid = uid if type(uid) is str and len(uid) <= MAX_NAME and strict.is_text(uid) else ""
    try:
        outline = strict.build({key: value for key, value in tree.items() if key != "request"}, WireReview)
    except Malformed as error:
        raise BadReview(str(error), uid=uid) from None
    checked(msgspec.structs.replace(outline, request=WireRequest(uid=uid)))
    objects = {key: members[key] for key in ("object", "oldObject") if members.get(key) is not None}
    inner = {key: value for key, value in members.items() if key not in ("object", "oldObject")}
    try:
        return StrictReview(strict.build(inner, Envelope, "/request"), objects)
    except Malformed as error:
        return StrictReview(Envelope(uid), objects, error.every())
