"""A bad value anywhere in an object is found, named by its JSON pointer, and never allowed by accident."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.admission.positions import (
    Path,
    a_full_claim,
    a_full_pod,
    a_full_tier,
    is_quantity,
    pointer,
    positions,
    spoiled,
    wrong_values,
)
from tests.builders import UID, Json, faults
from tests.reviews import a_review_object
from tiergate.admission.request import AdmissionRequest, read
from tiergate.core.podspec import Pod
from tiergate.core.request import Endpoint, Unreadable
from tiergate.wire.tree import MAX_DEPTH

POD = {"group": "", "version": "v1", "resource": "pods"}
CLAIM = {"group": "", "version": "v1", "resource": "persistentvolumeclaims"}
TIER = {"group": "tiergate.io", "version": "v1alpha1", "resource": "tiers"}
NAMESPACE = {"group": "", "version": "v1", "resource": "namespaces"}
FULL: dict[str, tuple[Json, Json, Endpoint]] = {
    "pod": (a_full_pod(), POD, "validate"),
    "claim": (a_full_claim(), CLAIM, "validate"),
    "tier": (a_full_tier(), TIER, "tiers"),
    "namespace": (
        {"metadata": {"name": "dev", "labels": {"tiergate.io/tier": "dev"}, "deletionTimestamp": "x"}},
        NAMESPACE,
        "namespaces",
    ),
}
UNREAD_CONTENT = "namespaceSelector"
"""Only its presence is read."""


def body(kind: str, new: Any, **request: Any) -> bytes:  # noqa: ANN401  # JSON
    members: Json = {"resource": FULL[kind][1], "name": "dev", "namespace": "dev", "object": new, **request}
    return json.dumps(a_review_object(None, **members)).encode()


def readable(endpoint: Endpoint, raw: bytes) -> AdmissionRequest:
    """Return the request; fail for an object that cannot be read."""
    request = read(endpoint, raw)
    assert not isinstance(request.subject, Unreadable), request.subject
    return request


def shown(endpoint: Endpoint, raw: bytes) -> list[str]:
    """Return the faults of a review as the person who wrote the object reads them."""
    return [f"{fault.pointer or 'object'}: {fault.reason}" for fault in faults(endpoint, raw)]


CASES = [
    pytest.param(kind, path, wrong, id=f"{kind}{pointer(path)}={wrong!r}"[:120])
    for kind, (tree, _, _) in FULL.items()
    for path, value in positions(tree)
    if UNREAD_CONTENT not in path
    for wrong in wrong_values(value, path)
]


@pytest.mark.parametrize(("kind", "path", "wrong"), CASES)
def test_a_wrong_value_is_named_by_its_pointer(kind: str, path: Path, wrong: object) -> None:
    tree, _, endpoint = FULL[kind]
    raw = body(kind, spoiled(tree, path, wrong))
    assert [fault.pointer for fault in faults(endpoint, raw)] == [pointer(path)]
    assert read(endpoint, raw).uid == UID


def test_the_table_is_not_empty() -> None:
    assert len(CASES) > 500


NULLS = [
    pytest.param(kind, path, id=f"{kind}{pointer(path)}")
    for kind, (tree, _, _) in FULL.items()
    for path, _ in positions(tree)
]


@pytest.mark.rule("Q-18")
@pytest.mark.parametrize(("kind", "path"), NULLS)
def test_null_is_what_kubernetes_makes_of_it(kind: str, path: Path) -> None:
    """An absent field, an empty element, a zero quantity (Q-18): never an error."""
    tree, _, endpoint = FULL[kind]
    nulled = readable(endpoint, body(kind, spoiled(tree, path, None)))
    if is_quantity(path):
        assert shape(nulled) == shape(readable(endpoint, body(kind, spoiled(tree, path, "0"))))
    elif isinstance(path[-1], str):
        assert shape(nulled) == shape(readable(endpoint, body(kind, without(tree, path))))


def without(tree: Json, path: Path) -> Json:
    result: Json = spoiled(tree, path, None)
    parent: Any = result
    for token in path[:-1]:
        parent = parent[token]
    del parent[path[-1]]
    return result


def shape(value: object) -> str:
    return repr(value)


@pytest.mark.parametrize("kind", FULL)
def test_an_untouched_object_is_read(kind: str) -> None:
    tree, _, endpoint = FULL[kind]
    assert readable(endpoint, body(kind, tree)).uid == UID


@pytest.mark.parametrize("wrong", [[], "text", 5, True], ids=repr)
@pytest.mark.parametrize("kind", FULL)
def test_an_object_that_is_none_is_named(kind: str, wrong: object) -> None:
    (line,) = shown(FULL[kind][2], body(kind, wrong))
    assert line.startswith("object: expected an object, got")


@pytest.mark.parametrize("kind", FULL)
def test_a_missing_object_is_named(kind: str) -> None:
    assert shown(FULL[kind][2], body(kind, None)) == ["object: there is no object"]


@pytest.mark.rule("R-8")
def test_an_update_without_an_old_object_is_named() -> None:
    (line,) = shown("validate", body("claim", a_full_claim(), operation="UPDATE"))
    assert line == "/request/oldObject: there is no old object"


def test_a_review_without_a_namespace_is_named() -> None:
    (line,) = shown("validate", body("pod", a_full_pod(), namespace=None))
    assert line == "/request/namespace: there is no namespace"


@pytest.mark.rule("R-8")
def test_all_faults_of_both_objects_are_reported_at_once() -> None:
    new = spoiled(a_full_pod(), ("spec", "containers", 0, "resources", "limits", "cpu"), "1e999999999")
    new = spoiled(new, ("spec", "initContainers", 0, "name"), 5)
    old = spoiled(a_full_pod(), ("spec", "overhead", "cpu"), "lots")
    raw = body("pod", new, oldObject=old, operation="UPDATE", subResource="resize")
    assert [fault.pointer for fault in faults("validate", raw)] == [
        "/spec/containers/0/resources/limits/cpu",
        "/spec/initContainers/0/name",
        "/request/oldObject/spec/overhead/cpu",
    ]


def test_all_faults_of_a_claim_are_reported_at_once() -> None:
    """A claim is judged as a claim, also where it would be a faulty pod."""
    new = spoiled(a_full_claim(), ("metadata", "name"), 5)
    new = spoiled(new, ("spec", "storageClassName"), [])
    raw = body("claim", new | {"status": {"phase": 5}})
    assert [fault.pointer for fault in faults("validate", raw)] == ["/metadata/name", "/spec/storageClassName"]


def test_an_unparsable_quantity_says_why() -> None:
    path: Path = ("spec", "containers", 0, "resources", "limits", "nvidia.com/gpu")
    (line,) = shown("mutate", body("pod", spoiled(a_full_pod(), path, "1e999999999")))
    assert line == (
        "/spec/containers/0/resources/limits/nvidia.com~1gpu: "
        '"1e999999999" is not a quantity: exponents beyond 1000 are not supported'
    )


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\udc00x", "\ud800\u0041"], ids=ascii)
def test_what_is_no_text_is_refused_also_where_nobody_reads_it(text: str) -> None:
    pod = a_full_pod()
    pod["spec"]["containers"][0]["env"] = [{"name": "A", "value": text}]
    assert [fault.pointer for fault in faults("validate", body("pod", pod))] == ["/spec/containers/0/env/0/value"]


@pytest.mark.parametrize("text", ["a\0b", "\ud800"], ids=ascii)
def test_a_member_name_that_is_no_text_is_refused(text: str) -> None:
    pod = a_full_pod()
    pod["spec"]["containers"][0]["resources"]["limits"][text] = "1"
    (fault,) = faults("validate", body("pod", pod))
    assert fault.reason.startswith("in the member name")
    assert fault.pointer.startswith("/spec/containers/0/resources/limits/")
    assert fault.pointer.isprintable()


def test_a_surrogate_pair_and_an_escaped_backslash_are_text() -> None:
    pod = a_full_pod()
    pod["spec"]["containers"][0]["env"] = [{"name": "A", "value": "\N{GRINNING FACE} \\u0000"}]
    assert readable("validate", body("pod", pod)).uid == UID


@pytest.mark.parametrize("place", ["annotations", "name", "limits"])
def test_nesting_of_any_depth_is_refused(place: str) -> None:
    deep = "[" * 10_000 + "]" * 10_000
    pod = a_full_pod()
    where: Path = {
        "annotations": ("metadata", "managedFields"),
        "name": ("spec", "containers", 0, "name"),
        "limits": ("spec", "containers", 0, "resources", "limits", "cpu"),
    }[place]
    raw = body("pod", spoiled(pod, where, "DEEP")).replace(b'"DEEP"', deep.encode())
    (fault,) = faults("validate", raw)
    assert fault.reason == f"nested deeper than {MAX_DEPTH} levels"
    assert fault.pointer.startswith(pointer(where))


@pytest.mark.slow
def test_a_broken_value_far_inside_a_wide_document_takes_little_memory() -> None:
    """Pointers are made of faults alone, not of every value on the way."""
    import tracemalloc

    wide = "[" * 490 + ",".join(["[]"] * 20_000) + "]" * 490
    pod = spoiled(a_full_pod(), ("metadata", "managedFields"), "WIDE")
    pod["metadata"]["annotations"]["a"] = "\0"
    raw = body("pod", pod).replace(b'"WIDE"', wide.encode())
    tracemalloc.start()
    assert faults("validate", raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_giant_value_is_shown_shortened() -> None:
    path: Path = ("spec", "containers", 0, "resources", "limits", "cpu")
    (line,) = shown("validate", body("pod", spoiled(a_full_pod(), path, "x" * 1_000_000)))
    assert len(line) < 300
    assert "is not a quantity" in line


def test_duplicate_members_are_read_as_the_last_one() -> None:
    raw = body("pod", a_full_pod()).replace(b'"priorityClassName"', b'"priorityClassName": "low", "priorityClassName"')
    for one in (raw, raw.replace(b"Burstable", b"Burst\\u0061ble").replace(b'"u"', b"null")):
        subject = read("validate", one).subject
        assert isinstance(subject, Pod)
        assert subject.priority_class == "high"
