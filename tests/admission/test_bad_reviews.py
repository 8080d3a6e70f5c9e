"""What is not an AdmissionReview we can answer is a BadReview; a bad envelope with a uid is Unreadable."""

from __future__ import annotations

import json

import pytest

from tests.admission.positions import Path, pointer, positions, spoiled, wrong_values
from tests.builders import UID, Json, a_claim_object, a_namespace_object, a_pod_object, a_tier, a_tier_object, the_facts
from tests.reviews import a_review, a_review_object
from tiergate.admission.request import AdmissionRequest, read
from tiergate.admission.response import respond
from tiergate.admission.review import BadReview
from tiergate.core.decide import decide
from tiergate.core.request import Endpoint, Unreadable
from tiergate.wire.tree import MAX_VALUES
from tiergate.wire.types import MAX_NAME

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


@pytest.mark.parametrize("review", [[], "text", 5, None, GOOD | {"request": []}, GOOD | {"request": "text"}])
def test_what_has_no_members_to_look_for_says_so(review: object) -> None:
    with pytest.raises(BadReview, match=r"^the body is not an AdmissionReview with a request$"):
        asked(review)


def test_a_uid_of_the_most_characters_is_echoed() -> None:
    uid = "u" * MAX_NAME
    for review in (GOOD, spoiled(GOOD, ("request", "userInfo"), 5)):  # the second one by the strict decoder
        assert asked(spoiled(review, ("request", "uid"), uid)).uid == uid


def test_a_review_without_a_uid_says_so() -> None:
    with pytest.raises(BadReview, match=r"^the AdmissionReview has no request with a uid$"):
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
def test_an_unknown_version_or_kind_is_no_review_and_what_was_expected_is_said(member: str, value: object) -> None:
    text = isinstance(value, str | None)
    expected = "^expected an AdmissionReview of admission.k8s.io/v1, got " if text else f"^/{member}: expected a string"
    with pytest.raises(BadReview, match=expected) as refused:
        asked(GOOD | {member: value})
    assert refused.value.uid == ("" if text else UID)


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


@pytest.mark.parametrize(
    ("member", "what"),
    [({"operation": None}, "no operation of pods"), ({"resource": None}, "CREATE of no resource")],
)
def test_what_a_review_does_not_name_is_said_to_be_missing(member: Json, what: str) -> None:
    with pytest.raises(BadReview, match=f"^/validate does not judge {what}$"):
        read("validate", a_review(a_pod_object(), **member))


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_an_object_of_too_many_values_is_denied_and_no_failure_of_ours() -> None:
    """Its uid is read all the same; where the envelope cannot be read it is no review."""
    pod = a_pod_object()
    pod["spec"]["containers"][0]["args"] = ["\0", *[""] * MAX_VALUES]
    review = a_review_object(pod)
    request = asked(review)
    assert request.uid == UID
    assert isinstance(request.subject, Unreadable)
    assert [(one.pointer, one.reason) for one in request.subject.faults] == [("", f"more than {MAX_VALUES} values")]
    review["request"]["operation"] = "x" * (MAX_NAME + 1)
    with pytest.raises(BadReview, match="the body cannot be read"):
        asked(review)
