"""Whole reviews as data: ``cases/<endpoint>-<what>/{request.json,tier.yaml,usage.yaml,response.json}``.

``request.json`` is what a real API server asked (see `capture`). ``tier.yaml`` is the tier in force, ``usage.yaml``
what ``kubectl get resourcequota -A -o yaml`` prints: the namespaces of its quotas are those of their tiers. Who is in
``system:masters`` may assign tiers. ``response.json`` holds the response with its patch decoded, and the object that
the patch makes of the request's. ``pytest --update-golden`` rewrites it.
"""

from __future__ import annotations

import base64
import copy
import functools
import json
from pathlib import Path
from typing import Final

import jsonpatch
import pytest
import yaml

from tests.builders import Json
from tests.golden import rules
from tests.golden.objects import TIER_LABEL
from tests.golden.operations import CAPTURED
from tests.server.admission_fakes import FakePermissions, FakeState, answer
from tiergate.admission.request import read_quickly
from tiergate.core.quota import QuotaStatus
from tiergate.core.request import Endpoint
from tiergate.core.tier import Tier
from tiergate.core.tier_faults import faults
from tiergate.wire.quota import read_quota
from tiergate.wire.tier import read_tier

CASES = Path(__file__).parent / "cases"
FILES = {"request.json", "tier.yaml", "usage.yaml", "response.json"}
ENDPOINTS: dict[str, Endpoint] = {
    "mutate": "mutate",
    "validate": "validate",
    "workloads": "workloads",
    "namespaces": "namespaces",
    "tiers": "tiers",
}
HAND_MADE: Final = {
    "mutate-null-fields": "the API server writes objects anew and leaves nulls out; whoever reaches the port need not"
}
"""Cases that no API server sends, and why there are such."""
STRICT: Final = {
    "mutate-null-fields",  # null stands where no API server leaves it
    # The API server passes on a Tier as it was written, here with bare numbers as quantities.
    "tiers-apply-without-change",
    "tiers-create",
    "tiers-create-dry-run",
    "tiers-delete",
    "tiers-delete-collection",
    "tiers-delete-dry-run",
    "tiers-delete-in-use",
    "tiers-server-side-apply",
    "tiers-update",
    "tiers-update-dry-run",
    "tiers-update-with-faults",
}
"""Cases that the strict decoder reads; the fast one reads all others."""


def names() -> list[str]:
    return sorted(path.name for path in CASES.iterdir())


def endpoint_of(name: str) -> Endpoint:
    return ENDPOINTS[name.partition("-")[0]]


def request_of(name: str) -> Json:
    value: Json = json.loads((CASES / name / "request.json").read_text())["request"]
    return value


def as_json(value: object) -> bytes:
    """Return JSON as the API server writes it: without blanks, and characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@functools.cache
def loaded(name: str, file: str) -> Json:
    value: Json = yaml.load((CASES / name / file).read_text(), Loader=yaml.CSafeLoader)
    return value


def tier_of(name: str) -> Tier:
    tier = read_tier(as_json(loaded(name, "tier.yaml")))
    assert faults(tier) == ()
    return tier


def facts_of(name: str) -> FakeState:
    tier, request = tier_of(name), request_of(name)
    usage = loaded(name, "usage.yaml")["items"]
    quotas: tuple[QuotaStatus, ...] = tuple(read_quota(as_json(item)) for item in usage)
    namespaces: dict[str, str | None] = {
        item["metadata"]["namespace"]: item["metadata"]["labels"][TIER_LABEL]
        for item in usage
        if TIER_LABEL in item["metadata"].get("labels", {})
    }
    if endpoint_of(name) in {"mutate", "validate", "workloads"}:
        namespaces[request["namespace"]] = tier.name
    return FakeState(tiers={tier.name: tier}, namespaces=namespaces, quotas=quotas)


async def answered(name: str, review: Json | None = None) -> Json:
    """Return the answer to the case's review, or to another one under the facts of the case."""
    review = review or {"request": request_of(name)}
    request = review["request"]
    may = ("dev", "prod", "batch") if "system:masters" in request["userInfo"]["groups"] else ()
    body = body_of(review)
    reviewed = await answer(endpoint_of(name), body, facts_of(name), FakePermissions(*may))
    assert reviewed.status == 200
    return readable(json.loads(reviewed.body), request["object"])


def body_of(review: Json) -> bytes:
    return as_json({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", **review})


def readable(review: Json, obj: Json) -> Json:
    """Return the review with its patch decoded, and what the patch makes of the object."""
    response = review["response"]
    if "patch" not in response:
        return review
    response["patch"] = json.loads(base64.b64decode(response["patch"]))
    return review | {"object": jsonpatch.apply_patch(obj, response["patch"])}


@pytest.mark.parametrize("name", names())
async def test_the_answer_is_the_recorded_one(name: str, request: pytest.FixtureRequest) -> None:
    found = await answered(name, json.loads((CASES / name / "request.json").read_text()))
    recorded = CASES / name / "response.json"
    if request.config.getoption("--update-golden"):
        recorded.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    assert found == json.loads(recorded.read_text())


@pytest.mark.parametrize("name", names())
def test_a_review_is_read_by_the_decoder_that_reads_it_in_production(name: str) -> None:
    body = body_of({"request": request_of(name)})
    assert (read_quickly(endpoint_of(name), body) is None) == (name in STRICT)


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("mutate-")])
async def test_a_defaulted_object_needs_no_second_patch(name: str) -> None:
    """The API server may ask again about what our patch made (reinvocation)."""
    first = await answered(name)
    again = copy.deepcopy(request_of(name))
    again["object"] = first.get("object", again["object"])
    assert "patch" not in (await answered(name, {"request": again}))["response"]


@pytest.mark.parametrize("name", names())
def test_a_case_has_its_files_and_no_others(name: str, request: pytest.FixtureRequest) -> None:
    to_come = {"response.json"} if request.config.getoption("--update-golden") else set()
    assert {path.name for path in (CASES / name).iterdir()} | to_come == FILES
    assert name.partition("-")[0] in ENDPOINTS


def test_the_cases_are_those_of_the_operations_and_the_ones_made_by_hand() -> None:
    """A case that nobody captures any more goes, and one that is captured is there; each once."""
    assert sorted([*CAPTURED, *HAND_MADE]) == names()


@functools.cache
def captured_kinds() -> frozenset[rules.Kind]:
    return frozenset(rules.kind_of(name.partition("-")[0], request_of(name)) for name in CAPTURED)


@pytest.mark.parametrize(
    "kind", list(rules.sent()), ids=lambda kind: "-".join(str(part) for part in kind if part != "")
)
def test_every_kind_of_request_that_the_chart_sends_has_a_case(kind: rules.Kind) -> None:
    assert kind in captured_kinds()


def test_the_rules_send_what_they_are_known_to_send() -> None:
    """The list that asks for cases is not empty, and what it leaves out is still in the rules."""
    kinds = set(rules.sent())
    assert {(kind.endpoint, kind.resource, kind.operation) for kind in kinds} >= {
        ("mutate", "pods", "CREATE"),
        ("validate", "pods/resize", "UPDATE"),
        ("tiers", "tiers", "DELETE"),
    }
    assert {kind.dry_run for kind in kinds} == {False, True}
    matched = {
        (resource, operation)
        for entry in yaml.safe_load(rules.FILE.read_text())
        for rule in entry["rules"]
        for resource in rule["resources"]
        for operation in rule["operations"]
    }
    assert matched > rules.NO_SUCH_API
