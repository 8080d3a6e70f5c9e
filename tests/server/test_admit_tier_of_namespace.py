"""Which tier judges a request: no label, no such tier, a faulty one, an old one, exempt users."""

from __future__ import annotations

import base64
import json

import pytest

from tests.builders import UID, a_claim_object, a_pod_object, a_tier, an_item
from tests.reviews import a_review
from tests.server.admission_fakes import FakeState, answer, response, rules
from tiergate.core.request import Endpoint
from tiergate.server.admission import AdmissionFailed
from tiergate.wire import Malformed

BODY = a_review(a_pod_object())
STRICT = a_tier(an_item(low={"cpu": "1"}, high={"cpu": "1"}), users=["ops"], groups=["sre"])
BARE = a_review(a_pod_object({"name": "agent", "resources": {"limits": {"cpu": "3"}}}))
FAULT = Malformed("/spec/limits/0/min/cpu", "min value 2 is greater than max value 1")
BOTH: list[Endpoint] = ["mutate", "validate"]


@pytest.mark.parametrize("endpoint", BOTH)
async def test_a_namespace_without_the_label_is_left_alone(endpoint: Endpoint) -> None:
    facts = FakeState(tiers={"dev": STRICT}, namespaces={"dev": None})
    answered = await answer(endpoint, BARE, facts)
    assert response(answered) == {"uid": UID, "allowed": True}
    assert answered.record.outcome == "ungoverned"
    assert facts.calls == ["namespace dev"]


async def test_a_namespace_the_cache_does_not_know_or_knows_without_label_is_read_live() -> None:
    for known in ({}, {"dev": None}):
        facts = FakeState(tiers={"dev": STRICT}, namespaces=dict(known), namespaces_now={"dev": "dev"})
        assert rules(await answer("validate", BARE, facts)) == ["limit-max"]
        assert facts.calls == ["namespace dev"]


@pytest.mark.parametrize("endpoint", BOTH)
async def test_a_label_that_names_no_tier_refuses(endpoint: Endpoint) -> None:
    facts = FakeState(namespaces={"dev": "dve"})
    answered = await answer(endpoint, BODY, facts)
    assert rules(answered) == ["tier-missing"]
    assert 'names "dve", and there is no such tier' in response(answered)["status"]["message"]
    assert facts.calls == ["tier dve"]
    assert (answered.record.outcome, answered.record.tier) == ("denied", "dve")


async def test_an_empty_label_names_no_tier_and_nothing_is_read_for_it() -> None:
    """A live read of a tier without a name would list all tiers."""
    facts = FakeState(namespaces={"dev": ""}, tiers_now={"": a_tier()})
    assert rules(await answer("validate", BODY, facts)) == ["tier-missing"]
    assert facts.calls == []


async def test_a_tier_the_cache_does_not_know_yet_is_read_live() -> None:
    facts = FakeState(tiers_now={"dev": STRICT})
    assert rules(await answer("validate", BARE, facts)) == ["limit-max"]
    assert facts.calls == ["tier dev"]


@pytest.mark.parametrize("endpoint", BOTH)
async def test_a_tier_that_was_never_valid_refuses(endpoint: Endpoint) -> None:
    answered = await answer(endpoint, BODY, FakeState(tiers_now={"dev": FAULT}))
    assert rules(answered) == ["tier-invalid"]
    assert "min value 2 is greater than max value 1" in response(answered)["status"]["message"]


@pytest.mark.parametrize("stale", [False, True], ids=["fresh", "stale"])
async def test_the_last_good_version_stays_in_force(stale: bool) -> None:  # noqa: FBT001  # a table
    facts = FakeState(tiers={"dev": STRICT}, tiers_now={"dev": FAULT}, stale=stale)
    assert rules(await answer("validate", BARE, facts)) == ["limit-max"]


@pytest.mark.parametrize("endpoint", BOTH)
@pytest.mark.parametrize(
    ("user", "who"),
    [({"username": "ops"}, "user ops"), ({"username": "alice", "groups": ["dev", "sre"]}, "group sre")],
    ids=["user", "group"],
)
async def test_an_exempt_user_passes_and_is_audited(endpoint: Endpoint, user: dict[str, object], who: str) -> None:
    answered = await answer(endpoint, a_review(a_pod_object(), userInfo=user), FakeState(tiers={"dev": STRICT}))
    assert response(answered) == {"uid": UID, "allowed": True, "auditAnnotations": {"exempt": who}}
    assert answered.record.outcome == "exempt"


async def test_nobody_is_exempt_from_a_missing_tier() -> None:
    answered = await answer("validate", a_review(a_pod_object(), userInfo={"username": "ops"}), FakeState())
    assert rules(answered) == ["tier-missing"]


async def test_defaults_are_patched_at_the_mutate_endpoint() -> None:
    answered = await answer("mutate", BODY, FakeState(tiers={"dev": STRICT}))
    found = response(answered)
    assert answered.record.outcome == "patched"
    assert json.loads(base64.b64decode(found["patch"]))[0] == {
        "op": "add",
        "path": "/spec/containers/0/resources/limits",
        "value": {"cpu": "1"},
    }


async def test_a_complete_pod_is_not_patched() -> None:
    answered = await answer("mutate", BARE, FakeState(tiers={"dev": STRICT}))
    assert response(answered) == {"uid": UID, "allowed": True}
    assert answered.record.outcome == "allowed"


async def test_a_claim_is_judged() -> None:
    tier = a_tier(an_item("PersistentVolumeClaim", high={"storage": "1Gi"}))
    answered = await answer("validate", a_review(a_claim_object()), FakeState(tiers={"dev": tier}))
    assert rules(answered) == ["claim-max"]
    assert answered.record.kind == "persistentvolumeclaims"


async def test_the_record_says_what_happened_and_nothing_of_the_object() -> None:
    answered = await answer("validate", BARE, FakeState(tiers={"dev": STRICT}))
    record = answered.record
    assert (record.endpoint, record.uid, record.kind, record.operation) == ("validate", UID, "pods", "CREATE")
    assert (record.namespace, record.name, record.tier, record.outcome) == ("dev", "agent-7f9c", "dev", "denied")
    assert record.rules == ("limit-max",)


@pytest.mark.parametrize("endpoint", BOTH)
async def test_facts_that_cannot_be_had_are_a_failure_and_no_verdict(endpoint: Endpoint) -> None:
    gone = RuntimeError("no answer")
    with pytest.raises(AdmissionFailed) as namespace:
        await answer(endpoint, BODY, FakeState(namespaces={}, namespaces_now=gone))
    with pytest.raises(AdmissionFailed) as tier:
        await answer(endpoint, BODY, FakeState(tiers_now={"dev": gone}))
    for failed in (namespace, tier):
        assert failed.value.__cause__ is gone
        assert (failed.value.record.uid, failed.value.record.outcome) == (UID, "error")
