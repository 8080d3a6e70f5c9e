"""The tier label of a namespace: who may set, change and remove it, and where it may never be."""

from __future__ import annotations

import pytest

from tests.builders import RELEASE_NAMESPACE, UID, a_namespace_object, a_tier
from tests.reviews import a_review
from tests.server.admission_fakes import FakePermissions, FakeState, answer, response, rules
from tiergate.cluster.errors import Unreachable
from tiergate.server.admission import AdmissionFailed
from tiergate.wire import Malformed

ALL = {"dev": a_tier(), "prod": a_tier(name="prod")}


def change(before: str | None, after: str | None, *, name: str = "shop") -> bytes:
    return a_review(a_namespace_object(name, tier=after), old=a_namespace_object(name, tier=before), operation="UPDATE")


def created(tier: str | None, *, name: str = "shop") -> bytes:
    return a_review(a_namespace_object(name, tier=tier))


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        pytest.param(created("dev"), ["dev"], id="create"),
        pytest.param(change(None, "dev"), ["dev"], id="set"),
        pytest.param(change("dev", None), ["dev"], id="remove"),
        pytest.param(change("dev", "prod"), ["dev", "prod"], id="change"),
        pytest.param(change("dev", ""), ["", "dev"], id="empty-asks-for-all-tiers"),
        pytest.param(created(""), [""], id="create-empty"),
    ],
)
async def test_a_change_needs_the_verb_assign_on_the_old_and_the_new_tier(body: bytes, asked: list[str]) -> None:
    permissions = FakePermissions(*asked)
    answered = await answer("namespaces", body, FakeState(tiers=ALL), permissions)
    assert rules(answered) == []
    assert permissions.asked == [("alice", tier) for tier in asked]
    for missing in asked:
        others = FakePermissions(*(tier for tier in asked if tier != missing))
        refused = await answer("namespaces", body, FakeState(tiers=ALL), others)
        assert rules(refused) == ["tier-assign"]
        assert refused.record.outcome == "denied"


async def test_a_refusal_says_who_what_and_which_role() -> None:
    answered = await answer("namespaces", change("dev", "prod"), FakeState(tiers=ALL))
    status = response(answered)["status"]
    assert rules(answered) == ["tier-assign", "tier-assign"]
    assert status["message"].splitlines()[1] == (
        'user "alice" may not put namespace "shop" into or out of tier "prod"; '
        'this requires the verb "assign" on tiers.tiergate.io/prod (ClusterRole tiergate-tier-assigner)'
    )
    assert {cause["field"] for cause in status["details"]["causes"]} == {"/metadata/labels/tiergate.io~1tier"}


@pytest.mark.parametrize("body", [change("dev", "dev"), change(None, None), created(None)], ids=["same", "none", "new"])
async def test_a_label_that_stays_is_nobodys_business(body: bytes) -> None:
    permissions = FakePermissions()
    assert response(await answer("namespaces", body, FakeState(), permissions)) == {"uid": UID, "allowed": True}
    assert permissions.asked == []


@pytest.mark.parametrize("name", [RELEASE_NAMESPACE, "kube-system", "kube-public", "kube-node-lease", "kube-x"])
async def test_a_protected_namespace_never_joins_a_tier(name: str) -> None:
    everything = FakePermissions("dev", "")
    assert rules(await answer("namespaces", change(None, "dev", name=name), FakeState(tiers=ALL), everything)) == [
        "namespace-protected"
    ]
    assert rules(await answer("namespaces", created("", name=name), FakeState(tiers=ALL), everything)) == [
        "namespace-protected"
    ]


async def test_a_protected_namespace_may_leave_a_tier() -> None:
    body = change("dev", None, name="kube-system")
    assert rules(await answer("namespaces", body, FakeState(tiers=ALL), FakePermissions("dev"))) == []


async def test_a_namespace_that_only_sounds_protected_is_not() -> None:
    body = created("dev", name="kubernetes-lab")
    assert rules(await answer("namespaces", body, FakeState(tiers=ALL), FakePermissions("dev"))) == []


async def test_all_reasons_are_given_at_once() -> None:
    body = change(None, "dev", name="kube-system")
    assert rules(await answer("namespaces", body, FakeState(tiers=ALL))) == ["namespace-protected", "tier-assign"]


async def test_a_tier_that_does_not_exist_yet_is_allowed_with_a_warning_to_those_who_may() -> None:
    facts = FakeState()
    found = response(await answer("namespaces", created("dev"), facts, FakePermissions("dev")))
    assert found["allowed"]
    assert found["warnings"] == ['tier "dev" does not exist yet; until it does, pods in shop are refused']
    assert facts.calls == ["tier dev"]
    assert rules(await answer("namespaces", created("dev"), FakeState(), FakePermissions())) == ["tier-assign"]


async def test_an_empty_label_is_warned_of_like_a_missing_tier() -> None:
    found = response(await answer("namespaces", created(""), FakeState(), FakePermissions("")))
    assert "is empty: pods in shop are refused" in found["warnings"][0]


async def test_a_tier_the_cache_does_not_know_yet_needs_no_warning() -> None:
    facts = FakeState(tiers_now={"dev": a_tier()})
    assert "warnings" not in response(await answer("namespaces", created("dev"), facts, FakePermissions("dev")))


async def test_a_tier_that_cannot_be_in_force_is_warned_of() -> None:
    facts = FakeState(tiers_now={"dev": Malformed("/spec", "bad")})
    found = response(await answer("namespaces", created("dev"), facts, FakePermissions("dev")))
    assert found["warnings"] == ['tier "dev" cannot be in force, pods in shop are refused: /spec: bad']


async def test_a_read_that_is_only_for_a_warning_refuses_nothing_when_it_fails() -> None:
    """An HTTP 500 would be a refusal, as failurePolicy is Fail."""
    state = FakeState(tiers_now={"dev": Unreachable("no answer")})
    answered = await answer("namespaces", created("dev"), state, FakePermissions("dev"))
    assert response(answered)["warnings"] == [
        'tier "dev" could not be read; if it does not exist, pods in shop are refused'
    ]
    assert (answered.record.outcome, answered.record.detail) == ("allowed", "Unreachable: no answer")


async def test_a_bug_is_no_failed_read() -> None:
    with pytest.raises(AdmissionFailed):
        await answer(
            "namespaces", created("dev"), FakeState(tiers_now={"dev": RuntimeError("bug")}), FakePermissions("dev")
        )


async def test_a_removed_label_warns_of_nothing() -> None:
    found = response(await answer("namespaces", change("gone", None), FakeState(), FakePermissions("gone")))
    assert found == {"uid": UID, "allowed": True}


async def test_a_permission_that_cannot_be_asked_is_a_failure_and_no_verdict() -> None:
    gone = RuntimeError("no answer")
    with pytest.raises(AdmissionFailed) as failed:
        await answer("namespaces", created("dev"), FakeState(tiers=ALL), FakePermissions(failure=gone))
    assert failed.value.__cause__ is gone
    assert failed.value.record.name == "shop"
