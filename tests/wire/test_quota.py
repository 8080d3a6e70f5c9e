"""A ResourceQuota's JSON as a core value, and a desired one as JSON."""

from __future__ import annotations

import json

import pytest

from tests.builders import a_tier, a_tier_quota, amounts, texts
from tiergate.core.desired import desired_quotas
from tiergate.core.quota import QuotaStatus
from tiergate.core.tier import ScopeRequirement
from tiergate.wire import Malformed
from tiergate.wire.decode import MAX_STORED
from tiergate.wire.quota import MAX_SCOPES, read_quota, unreadable_quota, write_quota

OBJECT = {
    "metadata": {
        "name": "tier",
        "namespace": "dev",
        "resourceVersion": "7",
        "labels": {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "dev"},
    },
    "spec": {
        "hard": {"pods": "20"},
        "scopes": ["NotBestEffort"],
        "scopeSelector": {
            "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]
        },
    },
    "status": {"hard": {"pods": "10"}, "used": {"pods": "3"}},
}  # fmt: skip


@pytest.mark.rule("R-1")
def test_status_is_what_is_enforced_and_spec_what_was_asked() -> None:
    """R-1."""
    quota = read_quota(json.dumps(OBJECT).encode())
    assert quota == QuotaStatus(
        "tier",
        namespace="dev",
        resource_version="7",
        hard=amounts({"pods": "10"}),
        used=amounts({"pods": "3"}),
        scopes=("NotBestEffort",),
        scope_selector=(ScopeRequirement("PriorityClass", "In", ("high",)),),
        managed=True,
        spec_hard=amounts({"pods": "20"}),
        labelled="dev",
    )


def test_a_scope_that_is_written_again_and_again_is_compared_once() -> None:
    raw = json.dumps({"spec": {"scopes": ["Terminating", *["NotBestEffort"] * (MAX_SCOPES - 1)]}}).encode()
    assert read_quota(raw).scopes == ("Terminating", "NotBestEffort")


def test_what_stands_in_for_one_that_cannot_be_read_has_its_identity_and_no_bounds() -> None:
    raw = json.dumps(OBJECT | {"spec": {"hard": {"pods": "many"}}, "status": 5}).encode()
    with pytest.raises(Malformed):
        read_quota(raw)
    stands_in = unreadable_quota(raw)
    assert stands_in == QuotaStatus("tier", namespace="dev", resource_version="7", managed=True, labelled="dev")


@pytest.mark.parametrize(
    ("spec", "pointer"),
    [
        ({"scopes": ["Terminating"] * (MAX_SCOPES + 1)}, "/spec/scopes"),
        ({"scopeSelector": {"matchExpressions": [{}] * (MAX_SCOPES + 1)}}, "/spec/scopeSelector/matchExpressions"),
    ],
    ids=["scopes", "expressions"],
)
def test_more_scopes_than_are_judged_are_a_fault_at_their_place(spec: dict[str, object], pointer: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_quota(json.dumps(OBJECT | {"spec": spec}).encode())
    assert refused.value.pointer == pointer


def test_an_object_without_our_label_is_not_ours() -> None:
    assert not read_quota(b'{"metadata": {"name": "tier"}}').managed
    other = {"metadata": {"name": "tier", "labels": {"app.kubernetes.io/managed-by": "Helm"}}}
    assert not read_quota(json.dumps(other).encode()).managed


@pytest.mark.parametrize(
    ("labels", "managed", "labelled"),
    [
        pytest.param({"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "dev"}, True, "dev", id="whole"),
        pytest.param({"app.kubernetes.io/managed-by": "tiergate"}, True, "", id="tier-removed"),
        pytest.param({"tiergate.io/tier": "dev"}, False, "dev", id="manager-removed"),
        pytest.param({"app.kubernetes.io/managed-by": "Helm", "tiergate.io/tier": "dev"}, False, "", id="claimed"),
        pytest.param({}, False, "", id="both-removed"),
    ],
)
def test_the_two_labels_say_whose_an_object_is(labels: dict[str, str], managed: bool, labelled: str) -> None:  # noqa: FBT001
    """Another manager's label claims the object, whatever else it says."""
    quota = read_quota(json.dumps({"metadata": {"name": "tier", "labels": labels}}).encode())
    assert (quota.managed, quota.labelled) == (managed, labelled)


@pytest.mark.rule("R-1")
def test_a_fresh_quota_constrains_nothing() -> None:
    """R-1."""
    fresh = read_quota(b'{"metadata": {"name": "tier"}, "spec": {"hard": {"pods": "1"}}, "status": {}}')
    assert (fresh.hard, fresh.used) == ({}, {})


def test_a_written_quota_is_read_back_as_it_was_meant() -> None:
    tier = a_tier(
        quotas=[
            a_tier_quota({"requests.cpu": "2000m", "pods": "20"}),
            a_tier_quota(
                {"pods": "5"},
                name="high",
                scopes=["NotBestEffort"],
                selector=[ScopeRequirement("PriorityClass", "In", ("high",)), ScopeRequirement("Terminating")],
            ),
        ]
    )
    for desired in desired_quotas(tier):
        body = write_quota(desired, namespace="dev", tier="dev")
        back = read_quota(body)
        assert (back.name, back.namespace, back.resource_version, back.managed) == (desired.name, "dev", "", True)
        assert texts(back.spec_hard) == texts(desired.hard)
        assert (back.scopes, back.scope_selector) == (desired.scopes, desired.scope_selector)
        assert back.annotated == desired.annotated
        assert (back.name == "tier") == (back.annotated == "")


def test_a_quota_with_scopes_names_those_of_the_tier_that_it_is_made_of() -> None:
    """Kubernetes' own refusal names the object alone."""
    scoped = [a_tier_quota({name: "5"}, name=quota, scopes=["Terminating"]) for name, quota in (("pods", "batch"),)]
    scoped += [a_tier_quota({"requests.cpu": "5"}, name="night", scopes=["Terminating"])]
    (desired,) = desired_quotas(a_tier(quotas=scoped))
    annotations = {"tiergate.io/quota": "batch, night"}
    assert json.loads(write_quota(desired, namespace="dev", tier="dev"))["metadata"]["annotations"] == annotations


def test_what_somebody_else_writes_under_that_name_is_not_kept() -> None:
    """It would cost memory that nobody counts."""
    metadata = {"name": "tier-a", "annotations": {"tiergate.io/quota": "x" * 1000}}
    assert read_quota(json.dumps({"metadata": metadata}).encode()).annotated == ""


def test_a_new_quota_is_written_without_what_it_does_not_have() -> None:
    (desired,) = desired_quotas(a_tier(quotas=[a_tier_quota({"requests.cpu": "2000m", "pods": "20"})]))
    assert json.loads(write_quota(desired, namespace="dev", tier="dev")) == {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {
            "name": "tier",
            "namespace": "dev",
            "labels": {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "dev"},
        },
        "spec": {"hard": {"pods": "20", "requests.cpu": "2"}},
    }


@pytest.mark.parametrize(("more", "said"), [(0, "/spec/hard/pods"), (1, "")], ids=["small", "large"])
def test_what_is_wrong_in_a_large_stored_object_is_not_looked_for(more: int, said: str) -> None:
    """Whoever stores it could have it read again and again; a file that somebody checks is explained."""
    start = b'{"spec": {"hard": {"pods": "many"}}, "x": "'
    raw = start + b"x" * (MAX_STORED + more - len(start) - 2) + b'"}'
    for read, pointer in ((read_quota.stored, said), (read_quota, "/spec/hard/pods")):
        with pytest.raises(Malformed) as refused:
            read(raw)
        assert refused.value.pointer == pointer
