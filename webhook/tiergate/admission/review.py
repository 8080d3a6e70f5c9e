"""The AdmissionReview envelope (admission.k8s.io/v1), read once for every door.

Three kinds of bad input, three answers: what is no AdmissionReview is a BadReview (an HTTP 4xx), a bad value
inside one whose uid was read is an Unreadable (HTTP 200, denied, with the JSON pointer), a review of
something no rule of ours should send is a BadReview too: such a rule is a mistake that must be loud.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from tiergate.core.decision import Fault
from tiergate.wire import Malformed, NotJson, strict
from tiergate.wire.decode import Decoder
from tiergate.wire.malformed import raise_all
from tiergate.wire.tree import parse

VERSION: Final = "admission.k8s.io/v1"

Object = TypeVar("Object")
Wire = TypeVar("Wire", bound=msgspec.Struct)


class BadReview(ValueError):
    """Not an AdmissionReview we can answer; ``uid`` is "" where it could not be read."""

    def __init__(self, reason: str, *, uid: str = "") -> None:
        """Keep the reason for the log and the HTTP body."""
        super().__init__(reason)
        self.uid = uid


class Unreadable(ValueError):
    """A value inside a review that cannot be judged; the request is denied with ``malformed``'s pointer."""

    def __init__(self, request: Request[Any], malformed: Malformed) -> None:
        """Keep the envelope, as far as it was readable, to address the answer."""
        super().__init__(str(malformed))
        self.request = request
        self.malformed = Malformed(malformed.pointer, malformed.reason, malformed.others)  # without its traceback


class GroupVersionResource(msgspec.Struct):
    """Which resource the object is."""

    group: str = ""
    version: str = ""
    resource: str = ""


class UserInfo(msgspec.Struct):
    """Who asks."""

    username: str = ""
    uid: str = ""
    groups: list[str] | None = None
    extra: dict[str, list[str]] | None = None


class Envelope(msgspec.Struct):
    """``request`` without its objects."""

    uid: str = ""
    resource: GroupVersionResource | None = None
    subResource: str | None = None
    name: str | None = None
    namespace: str | None = None
    operation: str = ""
    userInfo: UserInfo | None = None
    dryRun: bool | None = None

    @property
    def what(self) -> str:
        """The resource and subresource, as a rule names them: ``pods/resize``."""
        resource = self.resource.resource if self.resource else ""
        group = f".{self.resource.group}" if self.resource and self.resource.group else ""
        return f"{resource}{group}/{self.subResource}" if self.subResource else f"{resource}{group}"

    @property
    def user(self) -> UserInfo:
        """Who asks; an anonymous nobody when the review does not say."""
        return self.userInfo or UserInfo()


class Request(Envelope, Generic[Object]):
    """``request`` with its objects."""

    object: Object | None = None
    oldObject: Object | None = None


class Review(msgspec.Struct, Generic[Object]):
    """An AdmissionReview."""

    apiVersion: str = ""
    kind: str = ""
    request: Request[Object] | None = None


class ReviewReader(Generic[Wire]):
    """Reads reviews whose object is of one wire type."""

    def __init__(self, wire: type[Wire]) -> None:
        """Take the wire type of ``object`` and ``oldObject``."""
        self._object = Decoder(wire)
        self._review = Decoder(Review[wire])  # type: ignore[valid-type]  # a type given at run time

    def __call__(self, body: bytes, expect: Callable[[Envelope], None]) -> Request[Wire]:
        """Return the request; raise BadReview or Unreadable.

        ``expect`` raises BadReview for a resource that is none of ours, before its object is looked at.
        """
        request = self.quickly(body)
        if request is None:
            return self.strictly(body, expect)
        expect(request)
        return request

    def quickly(self, body: bytes) -> Request[Wire] | None:
        """Return the request, or None for what the fast decoder cannot read; raise BadReview."""
        review: Review[Wire] | None = self._review.quick(body)
        if review is None:
            return None
        request = checked(review)
        if request.operation == "CREATE":
            request.oldObject = None  # there is none, and nobody may be told of one
        return request

    def strictly(self, body: bytes, expect: Callable[[Envelope], None]) -> Request[Wire]:
        """Return the request as the slow decoder reads it."""
        envelope, members = strict_envelope(body)
        expect(envelope)
        return self.built(envelope, members)

    def built(self, envelope: Request[Any], members: Mapping[str, Any]) -> Request[Wire]:
        """Return the request with its objects; raise Unreadable with the faults of both."""
        values: dict[str, Wire] = {}
        faults: list[Fault] = []
        pointers = {"object": "", "oldObject": "/request/oldObject"}
        if envelope.operation == "CREATE":
            del pointers["oldObject"]  # as in the fast path
        for key, pointer in pointers.items():
            if members.get(key) is not None:
                try:
                    values[key] = self._object.strict(members[key], pointer)
                except Malformed as error:
                    faults += error.every()
        try:
            raise_all(faults)
        except Malformed as error:
            raise Unreadable(envelope, error) from None
        return msgspec.structs.replace(envelope, **values)


def checked(review: Review[Wire]) -> Request[Wire]:
    """Return the request of a review that is one."""
    if review.kind != "AdmissionReview" or review.apiVersion != VERSION:
        msg = f"expected an AdmissionReview of {VERSION}, got {review.kind!r} of {review.apiVersion!r}"
        raise BadReview(msg)
    if review.request is None or not review.request.uid:
        msg = "the AdmissionReview has no request with a uid"
        raise BadReview(msg)
    return review.request


def strict_envelope(body: bytes) -> tuple[Request[Any], Mapping[str, Any]]:
    """Return the envelope and the members of ``request`` as trees; raise BadReview or Unreadable."""
    try:
        tree = parse(body)
    except NotJson as error:
        msg = f"the body is not JSON: {error}"
        raise BadReview(msg) from None
    members = tree.get("request") if isinstance(tree, dict) else None
    if not isinstance(tree, dict) or not isinstance(members, dict):
        msg = "the body is no AdmissionReview with a request"
        raise BadReview(msg)
    uid = members.get("uid")
    request: Request[Any] = Request(uid=uid if type(uid) is str and strict.is_text(uid) else "")
    outer = {key: value for key, value in tree.items() if key != "request"}
    inner = {key: value for key, value in members.items() if key not in ("object", "oldObject")}
    try:
        outline = strict.build(outer, Review)
    except Malformed as error:
        raise BadReview(str(error), uid=request.uid) from None
    checked(msgspec.structs.replace(outline, request=request))
    try:
        envelope = strict.build(inner, Envelope, "/request")
    except Malformed as error:
        raise Unreadable(request, error) from None
    known = {name: getattr(envelope, name) for name in Envelope.__struct_fields__}
    return Request(**known), members
