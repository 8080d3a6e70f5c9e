"""What our code takes for granted about reviews, shown on the captured ones; A-ids are rules of admission."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.builders import Json
from tests.golden.operations import CAPTURED

CASES: Final = Path(__file__).parent / "cases"
MUTATED: Final = [case for case in CAPTURED if case.startswith("mutate-")]
CREATED: Final = [case for case in CAPTURED if case.startswith("validate-")]
RESIZED: Final = [case for case in CAPTURED if "-resize-" in case]


def request_of(case: str) -> Json:
    value: Json = json.loads((CASES / case / "request.json").read_text())["request"]
    return value


def resources(case: str) -> list[Any]:
    return [each["resources"] for each in request_of(case)["object"]["spec"]["containers"]]


@pytest.mark.parametrize("case", MUTATED)
def test_the_mutating_pass_sees_no_uid_generation_or_version(case: str) -> None:
    """A-10."""
    metadata = request_of(case)["object"]["metadata"]
    assert not {"uid", "generation", "resourceVersion", "creationTimestamp"} & metadata.keys()
    assert "managedFields" in metadata


@pytest.mark.parametrize("case", CREATED)
def test_the_validating_pass_sees_name_and_uid(case: str) -> None:
    """A-10, A-23: the uid of the object is not that of the review."""
    request = request_of(case)
    assert request["name"] == request["object"]["metadata"]["name"]
    assert request["object"]["metadata"]["uid"] != request["uid"]


@pytest.mark.parametrize("case", ["bare-pod", "pod-of-a-daemonset", "pod-of-a-job", "generated-name"])
def test_a_generated_name_is_there_in_the_validating_pass_alone(case: str) -> None:
    """A-10, A-21."""
    before, after = request_of(f"mutate-{case}"), request_of(f"validate-{case}")
    assert "name" not in before
    assert "name" not in before["object"]["metadata"]
    prefix = before["object"]["metadata"]["generateName"]
    assert after["name"].startswith(prefix)
    assert after["name"] != prefix


@pytest.mark.parametrize(
    ("case", "controller", "has_name"),
    [
        pytest.param("bare-pod", "replicaset-controller", False, id="replicaset"),
        pytest.param("pod-of-a-statefulset", "statefulset-controller", True, id="statefulset"),
        pytest.param("pod-of-a-daemonset", "daemon-set-controller", False, id="daemonset"),
        pytest.param("pod-of-a-job", "job-controller", False, id="job"),
    ],
)
def test_controllers_create_pods_under_their_own_names(case: str, controller: str, *, has_name: bool) -> None:
    """A-25a: with one owner that is their controller."""
    request = request_of(f"mutate-{case}")
    assert request["userInfo"]["username"] == f"system:serviceaccount:kube-system:{controller}"
    assert ("name" in request["object"]["metadata"]) is has_name
    (owner,) = request["object"]["metadata"]["ownerReferences"]
    assert owner["controller"] is True


def test_the_validating_pass_sees_the_result_of_the_mutating_one() -> None:
    """A-3, A-33: our patch, and requests that the server filled in from limits (D-3)."""
    assert resources("mutate-request-over-default-limit") == [{"requests": {"cpu": "400m"}}]
    complete = {"requests": {"cpu": "400m", "memory": "128Mi"}, "limits": {"cpu": "400m", "memory": "256Mi"}}
    assert resources("validate-request-over-default-limit") == [complete]


def test_pod_level_values_are_completed_after_the_mutating_pass() -> None:
    """D-5a, D-6a: from 1.37 on."""
    assert request_of("mutate-pod-level-resources")["object"]["spec"]["resources"].keys() == {"limits"}
    assert request_of("validate-pod-level-resources")["object"]["spec"]["resources"].keys() == {"limits", "requests"}


def test_a_null_quantity_is_a_zero() -> None:
    """Q-18, D-3: and no default takes its place."""
    assert resources("mutate-nulls-as-the-server-reads-them")[0]["requests"] == {"cpu": "0", "memory": "64Mi"}
    assert resources("validate-nulls-as-the-server-reads-them")[0]["requests"] == {"cpu": "0", "memory": "64Mi"}


def test_quantities_arrive_canonical_in_objects_of_the_server_and_as_written_in_ours() -> None:
    """Q-20, D-1."""
    (limits,) = (each["limits"] for each in resources("mutate-exotic-resources-in-odd-spellings"))
    assert limits == {"cpu": "250m", "memory": "100e6", "ephemeral-storage": "1536Mi", "hugepages-2Mi": "4Mi"}
    spec = request_of("tiers-create")["object"]["spec"]
    assert spec["limits"][0]["max"] == {"cpu": 1, "memory": "1e9"}
    assert spec["quotas"][0]["hard"]["pods"] == 20


def test_a_later_webhooks_sidecar_is_shown_when_ours_is_asked_again() -> None:
    """A-31: with what we set the first time, and a uid of its own for each call (A-12)."""
    first, second = resources("mutate-before-injection"), resources("mutate-reinvocation-after-injection")
    assert first == [{}]
    assert second == [
        {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "250m", "memory": "256Mi"}},
        {},
    ]


@pytest.mark.parametrize("case", RESIZED)
def test_a_resize_shows_the_whole_pod_and_the_next_generation(case: str) -> None:
    """A-24, A-25: a dry run too."""
    request = request_of(case)
    assert (request["subResource"], request["kind"]["kind"]) == ("resize", "Pod")
    old, new = request["oldObject"]["metadata"], request["object"]["metadata"]
    assert new["generation"] == old["generation"] + 1
    assert (new["uid"], new["resourceVersion"]) == (old["uid"], old["resourceVersion"])
    assert "status" in request["object"]


@pytest.mark.parametrize(
    ("case", "operation", "options"),
    [
        pytest.param("validate-server-side-apply", "CREATE", "CreateOptions", id="a-new-pod"),
        pytest.param("tiers-server-side-apply", "CREATE", "CreateOptions", id="a-new-tier"),
        pytest.param("tiers-apply-without-change", "UPDATE", "UpdateOptions", id="nothing-new"),
        pytest.param("namespaces-label-set", "UPDATE", "UpdateOptions", id="a-patch"),
    ],
)
def test_applies_and_patches_are_shown_as_creates_and_updates(case: str, operation: str, options: str) -> None:
    """A-11."""
    request = request_of(case)
    assert (request["operation"], request["options"]["kind"]) == (operation, options)


def test_an_apply_that_changes_nothing_is_asked_about() -> None:
    """A-11."""
    request = request_of("tiers-apply-without-change")
    assert request["object"]["spec"] == request["oldObject"]["spec"]


def test_a_deletion_has_no_object_and_that_of_a_collection_no_name() -> None:
    """A-13."""
    for case in ("tiers-delete", "tiers-delete-collection"):
        request = request_of(case)
        assert request["object"] is None
        assert request["oldObject"]["metadata"]["name"]
        assert request["options"]["kind"] == "DeleteOptions"
    assert request_of("tiers-delete")["name"]
    assert "name" not in request_of("tiers-delete-collection")


@pytest.mark.parametrize("case", CAPTURED)
def test_dry_run_is_always_said(case: str) -> None:
    """A-70."""
    assert request_of(case)["dryRun"] is ("dry-run" in case or case == "namespaces-protected")
