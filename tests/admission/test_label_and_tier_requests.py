"""What reviews of Namespaces and Tiers ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import UID, Json, a_namespace_object, a_tier_object, faults
from tests.reviews import a_review
from tiergate.admission.request import AdmissionRequest, read
from tiergate.admission.review import BadReview
from tiergate.core.request import Endpoint, LabelChange, TierChange


def label_change(body: bytes) -> LabelChange:
    change = read("namespaces", body).subject
    assert isinstance(change, LabelChange)
    return change


def tier_request(body: bytes) -> tuple[AdmissionRequest, TierChange]:
    request = read("tiers", body)
    assert isinstance(request.subject, TierChange)
    return request, request.subject


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
    body = a_review(a_namespace_object(tier=new), old=stored, operation=operation)
    assert label_change(body) == LabelChange(before, after)
    assert (read("namespaces", body).namespace, read("namespaces", body).name) == ("dev", "dev")


@pytest.mark.parametrize("subresource", ["status", "finalize"])
def test_labels_written_through_a_subresource_are_seen(subresource: str) -> None:
    body = a_review(
        a_namespace_object(tier="prod"), old=a_namespace_object(), operation="UPDATE", subResource=subresource
    )
    assert label_change(body).after == "prod"


def test_a_namespace_that_has_no_name_yet_goes_by_nothing() -> None:
    """A-29: created with generateName, it has neither name nor namespace in the review."""
    created = a_namespace_object()
    del created["metadata"]["name"]
    assert read("namespaces", a_review(created, namespace=None)).namespace == ""


def test_a_written_tier_is_read_and_a_deleted_one_named() -> None:
    written, change = tier_request(a_review(a_tier_object({"limits": []})))
    assert (written.name, change.tier is None, change.spec_unchanged) == ("dev", False, False)
    deleted, change = tier_request(a_review(None, old=a_tier_object(), operation="DELETE"))
    assert (deleted.name, change.tier) == ("dev", None)


def test_a_collection_delete_names_the_tier_by_its_old_object() -> None:
    """A-13."""
    deleted, _ = tier_request(a_review(None, old=a_tier_object(name="prod"), operation="DELETE", name=""))
    assert deleted.name == "prod"


def test_an_unchanged_spec_is_recognised() -> None:
    spec = {"quotas": [{"name": "compute", "hard": {"pods": "1"}}]}
    _, same = tier_request(a_review(a_tier_object(spec), old=a_tier_object(spec), operation="UPDATE"))
    _, other = tier_request(a_review(a_tier_object(spec), old=a_tier_object({}), operation="UPDATE"))
    assert (same.spec_unchanged, other.spec_unchanged) == (True, False)


_BAD: Json = {"type": "Container", "max": {"cpu": "1x"}}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"quotas": [{"name": "gpu", "per": "Cluster", "hard": {"pods": "1"}}]}, id="a-word"),
        pytest.param({"limits": [_BAD]}, id="a-quantity"),
        pytest.param({"limits": [{**_BAD, "min": {"cpu": 1}}], "quotas": []}, id="a-quantity-beside-a-number"),
        pytest.param({"enforcement": 5, "limits": [_BAD]}, id="a-type"),
    ],
)
def test_a_stored_tier_of_a_later_version_can_be_labelled(spec: Json) -> None:
    """Its spec does not change, so nobody has to read it: finalizers and labels must not need us. By both decoders."""
    later = a_tier_object(spec)
    for note in ("", "\0"):
        new = a_tier_object({**spec, "note": note, "enforcement": spec.get("enforcement", "Enforce")})
        _, change = tier_request(a_review(new, old=later, operation="UPDATE"))
        assert change == TierChange(None, spec_unchanged=True)
    new["spec"]["limits"] = [{"type": "Pod"}, *spec.get("limits", [_BAD])]
    assert faults("tiers", a_review(new, old=later, operation="UPDATE"))
    later["metadata"]["name"] = 5  # nothing is known of it
    assert faults("tiers", a_review(a_tier_object({"limits": [_BAD]}), old=later, operation="UPDATE"))


def test_what_this_version_does_not_enforce_is_refused_with_every_place() -> None:
    body = a_review(a_tier_object({"enforcement": "Dryrun", "quotas": [{"name": "x", "per": "Tier"}]}))
    assert [fault.pointer for fault in faults("tiers", body)] == ["/spec/enforcement", "/spec/quotas/0/per"]


def test_all_unparsable_quantities_of_a_tier_are_refused_at_once() -> None:
    spec = {
        "limits": [{"type": "Container", "max": {"cpu": "1x"}}],
        "quotas": [{"name": "a", "hard": {"pods": "many"}}],
    }
    assert [fault.pointer for fault in faults("tiers", a_review(a_tier_object(spec)))] == [
        "/spec/limits/0/max/cpu",
        "/spec/quotas/0/hard/pods",
    ]


def test_the_old_object_of_a_creation_is_nobodys_business() -> None:
    """A creation has none; one that comes all the same must not look like a label that did not change."""
    shown = a_namespace_object("dev")
    for prefix in ("", None):  # null sends the review to the strict decoder
        shown["metadata"]["generateName"] = prefix
        assert label_change(a_review(shown, old=shown, operation="CREATE")) == LabelChange(None, "dev")


def test_no_annotation_keeps_a_namespace_in_its_tier() -> None:
    """Whoever may annotate a namespace could keep others from moving it: the API server takes NUL there."""
    old, new = a_namespace_object(), a_namespace_object(tier="prod")
    for one in (old, new):
        one["metadata"]["annotations"] = {"odd": "\0"}
        assert label_change(a_review(new, old=old, operation="UPDATE")) == LabelChange("dev", "prod")
    new["metadata"]["labels"]["tiergate.io/tier"] = "prod\0"
    assert faults("namespaces", a_review(new, old=old, operation="UPDATE"))


def test_a_stored_tier_that_cannot_be_read_can_be_repaired_and_deleted() -> None:
    """Both decoders: NUL sends the review to the strict one."""
    bad = a_tier_object({"limits": [{"type": "Container", "max": {"cpu": "1x"}}]})
    for note in ("", "\0"):
        bad["spec"]["note"] = note
        _, repaired = tier_request(a_review(a_tier_object({}), old=bad, operation="UPDATE"))
        assert (repaired.tier is not None, repaired.spec_unchanged) == (True, False)
        deleted, change = tier_request(a_review(None, old=bad, operation="DELETE"))
        assert (deleted.name, change.tier) == ("dev", None)
        one_of_many, _ = tier_request(a_review(None, old=bad, operation="DELETE", name=""))
        assert one_of_many.name == "dev"


def test_the_object_of_a_deletion_is_nobodys_business() -> None:
    """A deletion has none; one that comes all the same must not look like a Tier that is written."""
    for note in ("", "\0"):
        written = a_tier_object({"note": note})
        deleted, change = tier_request(a_review(written, old=a_tier_object(), operation="DELETE"))
        assert (deleted.name, change) == ("dev", TierChange(None))


@pytest.mark.parametrize(("endpoint", "made"), [("namespaces", a_namespace_object), ("tiers", a_tier_object)])
def test_a_request_is_judged_by_the_name_of_its_object(endpoint: Endpoint, made: Callable[..., dict[str, Any]]) -> None:
    """What is protected and who uses a tier goes by the name: another one beside it is no review of an API server."""
    shown = made(name="kube-system")
    for prefix in ("", None):  # null sends the review to the strict decoder
        shown["metadata"]["generateName"] = prefix
        for old, operation in ((None, "CREATE"), (shown, "UPDATE")):
            with pytest.raises(BadReview, match=r"^the request and its object have different names$") as refused:
                read(endpoint, a_review(shown, old=old, operation=operation, name="dev"))
            assert refused.value.uid == UID
    assert read(endpoint, a_review(made(name="prod"), name=None)).name == "prod"


def test_a_tier_is_in_no_namespace() -> None:
    assert read("tiers", a_review(a_tier_object(), namespace="")).namespace == ""
