"""What reviews of Namespaces and Tiers ask."""

from __future__ import annotations

import pytest

from tests.builders import a_namespace_object, a_review, a_tier, a_tier_object, an_item
from tiergate.admission.guard import ask_namespace, ask_tier, tier_warnings
from tiergate.admission.review import Unreadable


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        pytest.param(None, "dev", None, "dev", id="created-with-label"),
        pytest.param(None, None, None, None, id="created-without"),
        pytest.param("dev", "prod", "dev", "prod", id="changed"),
        pytest.param("dev", None, "dev", None, id="removed"),
        pytest.param("dev", "", "dev", "", id="emptied"),
    ],
)
def test_a_label_change_has_a_before_and_an_after(
    old: str | None, new: str | None, before: str | None, after: str | None
) -> None:
    stored = None if old is None else a_namespace_object(tier=old)
    operation = "CREATE" if stored is None else "UPDATE"
    change = ask_namespace(a_review(a_namespace_object(tier=new), old=stored, operation=operation))
    assert (change.namespace, change.before, change.after) == ("dev", before, after)


@pytest.mark.parametrize("subresource", ["status", "finalize"])
def test_labels_written_through_a_subresource_are_seen(subresource: str) -> None:
    body = a_review(
        a_namespace_object(tier="prod"), old=a_namespace_object(), operation="UPDATE", subResource=subresource
    )
    assert ask_namespace(body).after == "prod"


def test_a_namespace_that_has_no_name_yet_goes_by_nothing() -> None:
    """A-29: created with generateName, it has neither name nor namespace in the review."""
    created = a_namespace_object()
    del created["metadata"]["name"]
    assert ask_namespace(a_review(created, namespace=None)).namespace == ""


def test_a_written_tier_is_read_and_a_deleted_one_named() -> None:
    change = ask_tier(a_review(a_tier_object({"limits": []})))
    assert (change.name, change.tier is None, change.spec_unchanged) == ("dev", False, False)
    deleted = ask_tier(a_review(None, old=a_tier_object(), operation="DELETE"))
    assert (deleted.name, deleted.tier) == ("dev", None)


def test_a_collection_delete_names_the_tier_by_its_old_object() -> None:
    """A-13."""
    assert ask_tier(a_review(None, old=a_tier_object(name="prod"), operation="DELETE", name="")).name == "prod"


def test_an_unchanged_spec_is_recognised() -> None:
    spec = {"quotas": [{"name": "compute", "hard": {"pods": "1"}}]}
    same = ask_tier(a_review(a_tier_object(spec), old=a_tier_object(spec), operation="UPDATE"))
    other = ask_tier(a_review(a_tier_object(spec), old=a_tier_object({}), operation="UPDATE"))
    assert (same.spec_unchanged, other.spec_unchanged) == (True, False)


def test_what_this_version_does_not_enforce_is_refused_with_every_place() -> None:
    with pytest.raises(Unreadable) as refused:
        ask_tier(a_review(a_tier_object({"enforcement": "Dryrun", "quotas": [{"name": "x", "per": "Tier"}]})))
    assert [one.pointer for one in refused.value.malformed.every()] == ["/spec/enforcement", "/spec/quotas/0/per"]


def test_all_unparsable_quantities_of_a_tier_are_refused_at_once() -> None:
    spec = {
        "limits": [{"type": "Container", "max": {"cpu": "1x"}}],
        "quotas": [{"name": "a", "hard": {"pods": "many"}}],
    }
    with pytest.raises(Unreadable) as refused:
        ask_tier(a_review(a_tier_object(spec)))
    assert [one.pointer for one in refused.value.malformed.every()] == [
        "/spec/limits/0/max/cpu",
        "/spec/quotas/0/hard/pods",
    ]


def test_the_author_is_warned_of_what_is_rarely_meant() -> None:
    tier = a_tier(an_item(high={"cpu": "1"}), an_item("Pod", low={"cpu": "1"}, high={"cpu": "2", "memory": "1Gi"}))
    assert tier_warnings(tier) == (
        "tier dev: default.cpu is not written and becomes 1",
        "tier dev: defaultRequest.cpu is not written and becomes 1",
        "tier dev: Container has a max for cpu and no min",
        "tier dev: Pod has a max for memory and no min",
    )


def test_the_old_object_of_a_creation_is_nobodys_business() -> None:
    """A creation has none; one that comes all the same must not look like a label that did not change."""
    shown = a_namespace_object("dev")
    change = ask_namespace(a_review(shown, old=shown, operation="CREATE"))
    assert (change.before, change.after) == (None, "dev")
