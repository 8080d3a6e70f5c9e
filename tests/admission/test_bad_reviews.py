"""What is not an AdmissionReview we can answer is a BadReview; a bad envelope with a uid is Unreadable."""

from __future__ import annotations

import json

import pytest

from tests.admission.positions import Path, pointer, positions, spoiled, wrong_values
from tests.builders import (
    UID,
    Json,
    a_claim_object,
    a_namespace_object,
    a_pod_object,
    a_review,
    a_review_object,
    a_tier,
    a_tier_object,
    the_facts,
)
from tiergate.admission.request import AdmissionRequest, read
from tiergate.admission.response import respond
from tiergate.admission.review import BadReview
from tiergate.core.decide import decide
from tiergate.core.request import Endpoint, Unreadable

GOOD = a_review_object(a_pod_object())


def asked(review: object) -> AdmissionRequest:
    return read("validate", json.dumps(review).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"not json", b'{"a":', b"[1,]", b"{} {}", b'{"a": tru}', b'{"a": 01}', b'{"a": NaN}',
        b'{"a": "\x01"}', b'{"a": "\\x"}', b"\xff\xfe", b'{"request": {"uid": "\xff"}}', b"\xef\xbb\xbf{}",
        b'{"a": "' + b"x" * 100, b'{"a" 1}', b"{1: 2}", b"[" * 10_000, b'{"\x00": 1}', b"'{}'",
    ],
    ids=lambda body: ascii(body)[:30],
)  # fmt: skip
@pytest.mark.parametrize("endpoint", ["mutate", "namespaces", "tiers"])
def test_what_is_no_json_is_no_review(endpoint: Endpoint, body: bytes) -> None:
    with pytest.raises(BadReview, match="the body is not JSON") as refused:
        read(endpoint, body)
    assert refused.value.uid == ""


@pytest.mark.parametrize(
    "review",
    [
        pytest.param([], id="array"),
        pytest.param("text", id="string"),
        pytest.param(5, id="number"),
        pytest.param(None, id="null"),
        pytest.param({}, id="no-request"),
        pytest.param(GOOD | {"request": None}, id="null-request"),
        pytest.param(GOOD | {"request": []}, id="array-request"),
        pytest.param(GOOD | {"request": "text"}, id="string-request"),
        pytest.param(GOOD | {"request": {}}, id="empty-request"),
        pytest.param(spoiled(GOOD, ("request", "uid"), ""), id="empty-uid"),
        pytest.param(spoiled(GOOD, ("request", "uid"), None), id="null-uid"),
        pytest.param(spoiled(GOOD, ("request", "uid"), 5), id="number-uid"),
        pytest.param(spoiled(GOOD, ("request", "uid"), "\ud800"), id="surrogate-uid"),
        pytest.param(spoiled(GOOD, ("request", "uid"), "a\0"), id="NUL-uid"),
    ],
)
def test_what_has_no_request_with_a_uid_is_no_review(review: object) -> None:
    with pytest.raises(BadReview) as refused:
        asked(review)
    assert refused.value.uid == ""


def test_a_review_without_a_uid_says_so() -> None:
    with pytest.raises(BadReview, match="the AdmissionReview has no request with a uid"):
        asked(spoiled(GOOD, ("request", "uid"), ""))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("apiVersion", "admission.k8s.io/v1beta1"),
        ("apiVersion", "admission.k8s.io/v2"),
        ("apiVersion", ""),
        ("apiVersion", None),
        ("apiVersion", 1),
        ("kind", "ConversionReview"),
        ("kind", None),
        ("kind", []),
    ],
)
def test_an_unknown_version_or_kind_is_no_review(member: str, value: object) -> None:
    with pytest.raises(BadReview):
        asked(GOOD | {member: value})


def other(group: str, resource: str) -> Json:
    return {"group": group, "version": "v1", "resource": resource}


UNHANDLED: list[tuple[str, Json]] = [
    ("configmaps", {"resource": other("", "configmaps")}),
    ("deployments", {"resource": other("apps", "deployments")}),
    ("pods-of-another-group", {"resource": other("example.com", "pods")}),
    ("no-resource", {"resource": None}),
    ("pods/status", {"subResource": "status"}),
    ("pods/ephemeralcontainers", {"subResource": "ephemeralcontainers", "operation": "UPDATE"}),
    ("pod-UPDATE", {"operation": "UPDATE"}),
    ("pod-DELETE", {"operation": "DELETE"}),
    ("no-operation", {"operation": ""}),
    ("resize-CREATE", {"subResource": "resize"}),
]


@pytest.mark.rule("L-3")
@pytest.mark.parametrize("request_", [request for _, request in UNHANDLED], ids=[name for name, _ in UNHANDLED])
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param({}, id="sound"),
        pytest.param({"spec": {"containers": "text"}}, id="with-an-object-that-is-no-pod"),
        pytest.param({"spec": {"containers": [{"name": "a\0"}]}}, id="with-NUL"),
        pytest.param({"metadata": {"name": "x", "labels": {"a": "\ud800"}}}, id="with-a-surrogate"),
    ],
)
def test_what_we_do_not_judge_is_refused_loudly_whatever_its_object(request_: Json, spoil: Json) -> None:
    with pytest.raises(BadReview, match="/validate does not judge") as refused:
        read("validate", a_review(a_pod_object() | spoil, **request_))
    assert refused.value.uid == UID


@pytest.mark.rule("R-8")
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(a_review(a_claim_object()), id="claim"),
        pytest.param(
            a_review(a_pod_object(), old=a_pod_object(), operation="UPDATE", subResource="resize"), id="resize"
        ),
    ],
)
def test_the_mutate_endpoint_takes_new_pods_alone(body: bytes) -> None:
    with pytest.raises(BadReview, match="/mutate does not judge"):
        read("mutate", body)
    assert read("validate", body).uid == UID


def test_each_endpoint_takes_its_own_objects() -> None:
    namespace, tier = a_review(a_namespace_object()), a_review(a_tier_object())
    with pytest.raises(BadReview, match="/namespaces does not judge CREATE of tiers"):
        read("namespaces", tier)
    with pytest.raises(BadReview, match="/tiers does not judge CREATE of namespaces"):
        read("tiers", namespace)
    with pytest.raises(BadReview, match="/namespaces does not judge DELETE"):
        read("namespaces", a_review(a_namespace_object(), operation="DELETE"))
    with pytest.raises(BadReview, match="/tiers does not judge CREATE of pods"):
        read("tiers", a_review(a_pod_object() | {"spec": {"limits": "text"}}))


ENVELOPE: Json = {
    "resource": GOOD["request"]["resource"],
    "subResource": "",
    "name": "x",
    "namespace": "dev",
    "operation": "CREATE",
    "userInfo": {"username": "alice", "uid": "u", "groups": ["a"], "extra": {"scopes": ["b"]}},
    "dryRun": True,
}


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        pytest.param(path, wrong, id=f"{pointer(path)}={wrong!r}")
        for path, value in positions(ENVELOPE)
        for wrong in wrong_values(value, path)
    ],
)
def test_a_wrong_value_of_the_envelope_is_named_by_its_pointer(path: Path, wrong: object) -> None:
    review = spoiled(GOOD | {"request": GOOD["request"] | ENVELOPE}, ("request", *path), wrong)
    request = asked(review)
    assert isinstance(request.subject, Unreadable)
    assert [fault.pointer for fault in request.subject.faults] == [f"/request{pointer(path)}"]
    assert request.uid == UID


@pytest.mark.parametrize("path", [path for path, _ in positions(ENVELOPE)], ids=pointer)
def test_null_in_the_envelope_is_an_absent_value(path: Path) -> None:
    review = spoiled(GOOD | {"request": GOOD["request"] | ENVELOPE}, ("request", *path), None)
    if path in (("resource",), ("resource", "resource"), ("operation",)):
        with pytest.raises(BadReview):
            asked(review)
    else:
        assert isinstance(asked(review).subject, Unreadable) == (path == ("namespace",))


def test_unknown_members_are_ignored() -> None:
    review = GOOD | {"more": 1, "request": GOOD["request"] | {"options": {"kind": "CreateOptions"}, "requestKind": {}}}
    assert asked(review) == asked(GOOD)


def test_a_bad_review_leaves_no_exception_behind() -> None:
    """A stored exception holds its traceback, and with it the whole body, until the garbage collector runs."""
    import gc

    bodies = [
        a_review(a_pod_object({"name": "a\0"})),
        a_review(a_pod_object({"name": "a", "resources": {"limits": {"cpu": "x", "memory": []}}})),
        a_review(a_pod_object(), uid=""),
        a_review(a_pod_object(), operation="DELETE"),
        b"{",
    ]

    def answered() -> None:
        for body in bodies:
            try:
                request = read("validate", body)
            except BadReview:
                continue
            respond(request, decide(request, the_facts(a_tier())))

    answered()  # what is made once is made now
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        answered()
        gc.collect()
        left = [one for one in gc.garbage if isinstance(one, BaseException)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == []
