"""Decisions as AdmissionReviews: what the API server needs, and nothing it would choke on (A-41 to A-54)."""

from __future__ import annotations

import base64
import json

import pytest

from tests.builders import (
    UID,
    Json,
    a_container,
    a_pod,
    a_pod_object,
    a_quota,
    a_tier,
    a_tier_quota,
    an_admission_request,
    an_item,
    the_facts,
    validated,
)
from tests.reviews import a_review
from tiergate.admission.request import read
from tiergate.admission.response import MAX_CAUSES, MAX_DENIAL, MAX_WARNING, headline, respond
from tiergate.core.decide import decide
from tiergate.core.decision import Decision, Finding
from tiergate.core.jsonpatch import JSONPatchOp
from tiergate.core.rules import sentence
from tiergate.core.text import one_line


def answered(decision: Decision) -> Json:
    review: Json = json.loads(respond(an_admission_request(), decision))
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    response: Json = review["response"]
    assert response["uid"] == UID
    return response


def test_an_allowance_says_just_that() -> None:
    assert answered(Decision()) == {"uid": UID, "allowed": True}


@pytest.mark.rule("A-41", "A-42", "A-47")
def test_a_patch_is_base64_of_its_operations_with_its_type() -> None:
    """A-41, A-42."""
    response = answered(Decision(patch=(JSONPatchOp("add", "/metadata/annotations", {"a": "b"}),)))
    assert response["patchType"] == "JSONPatch"
    assert json.loads(base64.b64decode(response.pop("patch"))) == [
        {"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}
    ]
    assert response == {"uid": UID, "allowed": True, "patchType": "JSONPatch"}


def the_refusal() -> Decision:
    tier = a_tier(
        an_item(high={"memory": "512Mi"}),
        quotas=[a_tier_quota({"limits.cpu": "4"})],
    )
    pod = a_pod(a_container(requests={"memory": "1Mi"}, limits={"memory": "2Gi", "cpu": "1"}))
    return validated(pod, old=None, tier=tier, quotas=(a_quota({"limits.cpu": "4"}, {"limits.cpu": "3500m"}),))


LIMIT = 'container "agent": limits.memory is 2Gi, the tier allows at most 512Mi; set limits.memory to 512Mi or less'
QUOTA = (
    'quota "compute": limits.cpu asks 1, used 3500m of 4, over by 500m; '
    "set limits.cpu to 500m or less, or free 500m in dev"
)


@pytest.mark.rule("A-52", "A-53")
def test_a_denial_is_a_forbidden_with_a_line_for_each_problem_and_the_first_on_the_first() -> None:
    status = answered(the_refusal())["status"]
    assert (status["code"], status["reason"]) == (403, "Forbidden")
    assert status["message"] == f'pod "agent-7f9c" in namespace "dev" (tier dev): {LIMIT}\n{QUOTA}'
    assert status["details"]["name"] == "agent-7f9c"
    assert status["details"]["kind"] == "pods"


def test_each_problem_is_a_cause_with_its_rule_and_its_pointer() -> None:
    assert answered(the_refusal())["status"]["details"]["causes"] == [
        {"reason": "limit-max", "field": "/spec/containers/0/resources/limits/memory", "message": LIMIT},
        {"reason": "quota-exceeded", "field": "/spec", "message": QUOTA},
    ]


def test_a_denial_never_carries_a_patch() -> None:
    """A-49."""
    refused = Decision(the_refusal().findings, patch=(JSONPatchOp("remove", "/x", ""),))
    response = answered(refused)
    assert not response["allowed"]
    assert "patch" not in response
    assert "patchType" not in response


def test_an_exemption_is_audited() -> None:
    response = answered(Decision(tier="dev", exempt="group sre"))
    assert response == {"uid": UID, "allowed": True, "auditAnnotations": {"exempt": "group sre"}}


@pytest.mark.rule("A-54")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain", "plain", id="plain"),
        pytest.param("two\nlines\tand \x1b", "two lines and  ", id="A-54-control-characters-would-drop-it"),
        pytest.param("x" * 1000, "x" * 247 + "...", id="A-54-long-ones-would-be-cut"),
        pytest.param("x" * 250, "x" * 250, id="A-54-just-fits"),
    ],
)
def test_a_warning_is_one_printable_line(text: str, shown: str) -> None:
    assert one_line(text, MAX_WARNING) == shown


@pytest.mark.rule("A-52", "A-53")
def test_a_value_that_cannot_be_read_is_denied_with_its_pointer() -> None:
    pod = a_pod_object({"name": "agent", "resources": {"limits": {"cpu": "1e999999999"}}}, initContainers=5)
    request = read("validate", a_review(pod))
    response = json.loads(respond(request, decide(request, the_facts(None))))["response"]
    assert (response["uid"], response["allowed"]) == (UID, False)
    assert response["status"]["code"] == 403
    cpu = "/spec/containers/0/resources/limits/cpu"
    first = f'{cpu}: "1e999999999" is not a quantity: exponents beyond 1000 are not supported'
    second = "/spec/initContainers: expected an array, got a number"
    assert response["status"]["message"] == f"{first}\n{second}"
    assert response["status"]["details"]["causes"] == [
        {"reason": "malformed", "field": "/spec/containers/0/resources/limits/cpu", "message": first},
        {"reason": "malformed", "field": "/spec/initContainers", "message": second},
    ]


def test_a_denial_lists_a_bounded_number_of_problems_and_counts_the_rest() -> None:
    findings = tuple(Finding("quota-pending", "", quota=f"q{index}") for index in range(MAX_CAUSES + 2))
    status = answered(Decision(findings))["status"]
    assert len(status["details"]["causes"]) == MAX_CAUSES
    *_, last, rest = status["message"].splitlines()
    assert f'quota "q{MAX_CAUSES - 1}"' in last
    assert rest == "and 2 more problems"


@pytest.mark.parametrize(("longer", "listed"), [(0, 20), (1, 19)], ids=["just-fit", "one-character-too-many"])
def test_a_denial_lists_as_many_problems_as_there_is_room_for(longer: int, listed: int) -> None:
    """Sentences and pointers count together."""
    said = len(sentence(Finding("quota-pending", "", quota="q"), namespace="dev"))
    pointer = "/" + "x" * (MAX_DENIAL // 20 - said - 1 + longer)
    status = answered(Decision((Finding("quota-pending", pointer, quota="q"),) * 30))["status"]
    assert len(status["details"]["causes"]) == listed
    assert status["message"].splitlines()[-1] == f"and {30 - listed} more problems"


@pytest.mark.parametrize(
    ("resource", "tier", "expected"),
    [
        ("pods", "dev", 'pod "agent-7f9c" in namespace "dev" (tier dev):'),
        ("pods/resize", "dev", 'resize of pod "agent-7f9c" in namespace "dev" (tier dev):'),
        ("persistentvolumeclaims", "dev", 'persistentvolumeclaim "agent-7f9c" in namespace "dev" (tier dev):'),
        ("pods", "", 'pod "agent-7f9c" in namespace "dev":'),
        ("configmaps", "dev", 'object "agent-7f9c" in namespace "dev" (tier dev):'),
    ],
)
def test_the_first_line_says_which_object_where(resource: str, tier: str, expected: str) -> None:
    assert [*headline(an_admission_request(resource=resource), Decision(tier=tier))] == [expected]
