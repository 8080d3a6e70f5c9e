"""What a review asks: the object, the stored object beside it, and the name it goes by."""

from __future__ import annotations

import pytest

from tests.builders import UID, Json, a_claim_object, a_pod_object, texts
from tests.reviews import a_resize, a_review
from tiergate.admission.request import read
from tiergate.admission.review import UserInfo
from tiergate.core.claim import Claim
from tiergate.core.podspec import Pod


def sized(cpu: str) -> Json:
    return a_pod_object({"name": "agent", "resources": {"requests": {"cpu": cpu}}})


@pytest.mark.rule("A-11", "A-25")
def test_a_resize_shows_the_pod_as_it_is_stored() -> None:
    """A-11, A-25."""
    asked = read("validate", a_resize(sized("2"), sized("1")))
    assert isinstance(asked.subject, Pod)
    assert isinstance(asked.old, Pod)
    assert [texts(one.containers[0].requests) for one in (asked.subject, asked.old)] == [{"cpu": "2"}, {"cpu": "1"}]
    assert (asked.resource, asked.operation) == ("pods/resize", "UPDATE")


@pytest.mark.rule("A-11")
def test_an_update_of_a_claim_shows_the_claim_as_it_is_stored() -> None:
    """A-11."""
    asked = read("validate", a_review(a_claim_object("9Gi"), old=a_claim_object("5Gi"), operation="UPDATE"))
    assert isinstance(asked.subject, Claim)
    assert isinstance(asked.old, Claim)
    assert [str(one.storage) for one in (asked.subject, asked.old)] == ["9Gi", "5Gi"]


def test_a_create_has_nothing_stored() -> None:
    assert read("validate", a_review(sized("1"), old=sized("2"))).old is None


@pytest.mark.parametrize("note", ["", "\0"], ids=["quickly", "strictly"])
@pytest.mark.parametrize("resources", [{}, 5], ids=["sound", "unreadable"])
def test_who_asks_for_what_is_known_whatever_the_object(note: str, resources: object) -> None:
    """NUL sends the review to the strict decoder, and is a fault itself."""
    pod = a_pod_object({"name": "agent", "resources": resources}) | {"note": note}
    user = {"username": "bob", "uid": "u-1", "groups": ["a", "b"], "extra": {"scopes": ["x"]}}
    asked = read("validate", a_review(pod, userInfo=user, dryRun=True))
    assert (asked.endpoint, asked.resource, asked.operation) == ("validate", "pods", "CREATE")
    assert (asked.namespace, asked.name, asked.uid, asked.dry_run) == ("dev", "agent-7f9c", UID, True)
    assert (asked.user, asked.groups) == ("bob", ("a", "b"))
    assert asked.user_info == UserInfo("bob", "u-1", ["a", "b"], {"scopes": ["x"]})


@pytest.mark.rule("A-21")
def test_what_has_no_name_yet_goes_by_its_prefix() -> None:
    """A-21."""
    pod = sized("1")
    pod["metadata"] = {"generateName": "agent-", "namespace": "dev"}
    assert read("mutate", a_review(pod, name=None)).name == "agent-"
    claim = a_claim_object() | {"metadata": {"generateName": "data-"}}
    assert read("validate", a_review(claim, name=None, namespace="dev")).name == "data-"
    assert read("validate", a_review(pod, name="agent-x7")).name == "agent-x7"
