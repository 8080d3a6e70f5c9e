"""Whole reviews as data: ``cases/<door>-<what>/{request.json,tier.yaml,usage.yaml,response.json}``.

``usage.yaml`` is what ``kubectl get resourcequota -o yaml`` prints. ``response.json`` holds the response with its
patch decoded, and the object that the patch makes of the request's. ``pytest --update-golden`` rewrites it.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import jsonpatch
import pytest
import yaml

from tests.builders import Json
from tests.server.admit_fakes import FakeFacts, answer
from tiergate.core.tier import faults
from tiergate.server.admit import Door
from tiergate.wire.quota import read_quota
from tiergate.wire.tier import read_tier

CASES = Path(__file__).parent / "cases"
FILES = {"request.json", "tier.yaml", "usage.yaml", "response.json"}
DOORS: dict[str, Door] = {"mutate": "mutate", "validate": "validate"}


def names() -> list[str]:
    return sorted(path.name for path in CASES.iterdir())


def as_json(path: Path) -> bytes:
    return json.dumps(yaml.safe_load(path.read_text())).encode()


def answered(case: Path) -> Json:
    body = (case / "request.json").read_bytes()
    tier = read_tier(as_json(case / "tier.yaml"))
    assert faults(tier) == ()
    usage = yaml.safe_load((case / "usage.yaml").read_text())
    quotas = tuple(read_quota(json.dumps(item).encode()) for item in usage["items"])
    request = json.loads(body)["request"]
    facts = FakeFacts(tiers={tier.name: tier}, namespaces={request["namespace"]: tier.name}, quotas=quotas)
    given = answer(DOORS[case.name.partition("-")[0]], body, facts)
    assert given.status == 200
    return readable(json.loads(given.body), request["object"])


def readable(review: Json, obj: Json) -> Json:
    """Return the review with its patch decoded, and what the patch makes of the object."""
    response = review["response"]
    if "patch" not in response:
        return review
    response["patch"] = json.loads(base64.b64decode(response["patch"]))
    return review | {"object": jsonpatch.apply_patch(obj, response["patch"])}


@pytest.mark.parametrize("name", names())
def test_the_answer_is_the_recorded_one(name: str, request: pytest.FixtureRequest) -> None:
    case = CASES / name
    found = answered(case)
    recorded = case / "response.json"
    if request.config.getoption("--update-golden"):
        recorded.write_text(json.dumps(found, indent=2) + "\n")
    assert found == json.loads(recorded.read_text())


@pytest.mark.parametrize("name", names())
def test_a_case_has_its_files_and_no_others(name: str, request: pytest.FixtureRequest) -> None:
    to_come = {"response.json"} if request.config.getoption("--update-golden") else set()
    assert {path.name for path in (CASES / name).iterdir()} | to_come == FILES
    assert name.partition("-")[0] in DOORS


def test_there_are_cases() -> None:
    assert len(names()) >= 12
