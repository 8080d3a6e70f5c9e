"""Bad input at every door: a 400 for what is no review, a denial with the pointer for the rest, never an allowance."""

from __future__ import annotations

import pytest

from tests.builders import UID, a_namespace_object, a_pod_object, a_review, a_tier_object
from tests.server.admit_fakes import FakeFacts, FakePermissions, answer, response
from tiergate.server.admit import Door

DOORS: list[Door] = ["mutate", "validate", "namespaces", "tiers"]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"null", b"{}", b'{"kind": "AdmissionReview"}', b"\xff", b"[" * 20_000], ids=repr
)
def test_what_is_no_review_is_a_400_with_one_line_of_text(door: Door, body: bytes) -> None:
    given = answer(door, body, FakeFacts(), FakePermissions())
    assert given.status == 400
    assert given.record.outcome == "bad-request"
    assert given.body.endswith(b"\n")
    assert given.body.decode().strip().isprintable()
    assert len(given.body) < 1000


@pytest.mark.parametrize("door", DOORS)
def test_a_resource_we_do_not_handle_is_a_400_that_names_it_and_its_uid(door: Door) -> None:
    body = a_review(a_pod_object(), resource={"group": "apps", "version": "v1", "resource": "deployments"})
    given = answer(door, body, FakeFacts())
    assert given.status == 400
    assert f"/{door} does not judge CREATE of deployments.apps" in given.body.decode()
    assert given.record.uid == UID


BROKEN = {
    "mutate": a_review(a_pod_object({"name": "a", "resources": {"limits": {"cpu": "1e999999999"}}})),
    "validate": a_review(a_pod_object({"name": 5})),
    "namespaces": a_review(a_namespace_object() | {"metadata": {"name": "dev", "labels": {"tiergate.io/tier": 5}}}),
    "tiers": a_review(a_tier_object({"limits": "none"})),
}
POINTERS = {
    "mutate": "/spec/containers/0/resources/limits/cpu",
    "validate": "/spec/containers/0/name",
    "namespaces": "/metadata/labels/tiergate.io~1tier",
    "tiers": "/spec/limits",
}


@pytest.mark.parametrize("door", DOORS)
def test_a_bad_value_is_a_denial_with_its_pointer_whatever_the_facts(door: Door) -> None:
    facts = FakeFacts(namespaces={"dev": None})
    given = answer(door, BROKEN[door], facts, FakePermissions("dev"))
    found = response(given)
    assert (found["uid"], found["allowed"], found["status"]["code"]) == (UID, False, 403)
    (cause,) = found["status"]["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("malformed", POINTERS[door])
    assert found["status"]["message"] == cause["message"]
    assert (given.record.uid, given.record.outcome) == (UID, "malformed")
    assert facts.calls == []
