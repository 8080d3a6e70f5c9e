"""Writing and deleting Tiers: all faults at once, warnings, never while in use."""

from __future__ import annotations

import pytest

from tests.builders import UID, Json, a_tier_object
from tests.reviews import a_review
from tests.server.admission_fakes import FakeState, answer, response, rules

BAD: Json = {
    "limits": [{"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}],
    "quotas": [{"name": "gpu", "hard": {"nvidia.com/gpu": "1"}}],
}
GOOD: Json = {"quotas": [{"name": "compute", "hard": {"pods": "20"}}]}


def deleted(name: str = "dev") -> bytes:
    return a_review(None, old=a_tier_object(name=name), operation="DELETE")


async def test_a_sound_tier_is_allowed() -> None:
    answered = await answer("tiers", a_review(a_tier_object(GOOD)), FakeState())
    assert response(answered) == {"uid": UID, "allowed": True}
    assert (answered.record.name, answered.record.tier, answered.record.kind) == ("dev", "dev", "tiers.tiergate.io")


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
async def test_all_faults_of_a_tier_are_told_at_once_with_their_places(operation: str) -> None:
    old = a_tier_object(GOOD) if operation == "UPDATE" else None
    answered = await answer("tiers", a_review(a_tier_object(BAD), old=old, operation=operation), FakeState())
    assert set(rules(answered)) == {"tier-invalid"}
    status = response(answered)["status"]
    assert status["message"].startswith('tier "dev": ')
    lines = status["message"].removeprefix('tier "dev": ').splitlines()
    assert "/spec/limits/0/min/cpu: min value 2 is greater than max value 1" in lines
    assert (
        "/spec/quotas/0/hard/nvidia.com~1gpu: never measured under this name: "
        'an extended resource is named "requests.nvidia.com/gpu"'
    ) in lines
    assert [cause["message"] for cause in status["details"]["causes"]] == lines
    assert "/spec/quotas/0/hard/nvidia.com~1gpu" in [cause["field"] for cause in status["details"]["causes"]]


async def test_a_faulty_tier_whose_spec_stays_can_still_be_written() -> None:
    """Its status, labels and finalizers must stay writable."""
    body = a_review(a_tier_object(BAD), old=a_tier_object(BAD), operation="UPDATE")
    assert rules(await answer("tiers", body, FakeState())) == []


async def test_an_author_is_warned_of_derived_defaults() -> None:
    spec: Json = {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}
    found = response(await answer("tiers", a_review(a_tier_object(spec)), FakeState()))
    assert found["warnings"] == [
        "tier dev: default.cpu is not written and becomes 1",
        "tier dev: defaultRequest.cpu is not written and becomes 1",
        "tier dev: Container has a max for cpu and no min",
    ]


async def test_a_tier_in_use_is_not_deleted_and_its_namespaces_are_named() -> None:
    facts = FakeState(namespaces={"shop": "dev", "blog": "dev", "other": "prod"})
    answered = await answer("tiers", deleted(), facts)
    assert rules(answered) == ["tier-in-use"]
    assert response(answered)["status"]["message"] == (
        'tier "dev": in use by blog, shop; '
        "move these namespaces to another tier or remove their label tiergate.io/tier first"
    )


@pytest.mark.parametrize("spec", [GOOD, {"quotas": "none"}, {"quotas": [{"hard": {"pods": "many"}}]}, None])
async def test_of_a_collection_too_no_tier_in_use_is_deleted_whatever_its_spec_says(spec: Json | None) -> None:
    """The review of a collection's delete has no name: it is that of the stored object, whose spec may be anything."""
    old = {**a_tier_object(GOOD), "spec": spec}
    review = a_review(None, old=old, operation="DELETE", name=None)
    assert rules(await answer("tiers", review, FakeState(namespaces={"shop": "dev"}))) == ["tier-in-use"]


async def test_a_long_list_of_namespaces_is_cut() -> None:
    facts = FakeState(namespaces={f"team-{number:02}": "dev" for number in range(13)})
    message = response(await answer("tiers", deleted(), facts))["status"]["message"]
    assert "team-00, team-01" in message
    assert "team-09 and 3 more;" in message
    assert "team-10" not in message


async def test_a_tier_nobody_uses_is_deleted() -> None:
    assert rules(await answer("tiers", deleted(), FakeState(namespaces={"other": "prod"}))) == []
