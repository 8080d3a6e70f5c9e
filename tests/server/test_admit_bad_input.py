"""Bad input at every endpoint: a 400 for what is not a review, a denial with the pointer for the rest."""

from __future__ import annotations

import pytest

from tests.builders import UID, a_namespace_object, a_pod_object, a_tier_object
from tests.reviews import a_review
from tests.server.admission_fakes import FakePermissions, FakeState, answer, response
from tiergate.core.request import Endpoint

ENDPOINTS: list[Endpoint] = ["mutate", "validate", "namespaces", "tiers"]


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"[]", b"null", b"{}", b'{"kind": "AdmissionReview"}', b"\xff", b"[" * 20_000], ids=repr
)
async def test_what_is_no_review_is_a_400_with_one_line_of_text(endpoint: Endpoint, body: bytes) -> None:
    answered = await answer(endpoint, body, FakeState(), FakePermissions())
    assert answered.status == 400
    assert answered.record.outcome == "bad-request"
    assert answered.body.endswith(b"\n")
    assert answered.body.decode().strip().isprintable()
    assert len(answered.body) < 1000


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_resource_we_do_not_handle_is_a_400_that_names_it_and_its_uid(endpoint: Endpoint) -> None:
    body = a_review(a_pod_object(), resource={"group": "apps", "version": "v1", "resource": "deployments"})
    answered = await answer(endpoint, body, FakeState())
    assert answered.status == 400
    assert f"/{endpoint} does not judge CREATE of deployments.apps" in answered.body.decode()
    assert answered.record.uid == UID


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


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_bad_value_is_a_denial_with_its_pointer_whatever_the_facts(endpoint: Endpoint) -> None:
    facts = FakeState(namespaces={"dev": None})
    answered = await answer(endpoint, BROKEN[endpoint], facts, FakePermissions("dev"))
    found = response(answered)
    assert (found["uid"], found["allowed"], found["status"]["code"]) == (UID, False, 403)
    (cause,) = found["status"]["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("malformed", POINTERS[endpoint])
    assert found["status"]["message"] == cause["message"]
    assert (answered.record.uid, answered.record.outcome) == (UID, "malformed")
    assert facts.calls == []
