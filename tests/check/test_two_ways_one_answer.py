"""A manifest and the admission review of the same object get one answer, in each golden case that creates an object."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from tests.check.running import Folder
from tests.golden.test_golden import CASES, names, request_of

ENDPOINTS: Final = ("validate", "workloads", "tiers")
OTHERWISE: Final = {"validate-exempt-group": "a manifest does not say who applies it"}
"""Cases in which a manifest is not told what a review is, and why."""


def cases() -> Iterator[str]:
    for name in names():
        created = request_of(name)["operation"] == "CREATE" and not request_of(name).get("subResource")
        if created and name.partition("-")[0] in ENDPOINTS and name not in OTHERWISE:
            yield name


def told_by_the_webhook(name: str) -> tuple[list[dict[str, str]], list[str]]:
    """Return the causes of the recorded denial and its warnings."""
    response = json.loads((CASES / name / "response.json").read_text())["response"]
    causes = response.get("status", {}).get("details", {}).get("causes", [])
    return causes, response.get("warnings", [])


def checked(folder: Folder, name: str) -> dict[str, Any]:
    """Return the report on the object of a case, written as YAML."""
    case, request = CASES / name, request_of(name)
    tier = yaml.safe_load((case / "tier.yaml").read_text())["metadata"]["name"]
    folder.write({"object.yaml": yaml.safe_dump(request["object"], sort_keys=False)})
    arguments = ["--tiers", str(case / "tier.yaml"), "--tier", tier, "--usage", str(case / "usage.yaml")]
    arguments += ["-n", request.get("namespace", "")]
    return folder.check(*arguments, "-o", "json", "object.yaml").report


@pytest.mark.parametrize("name", list(cases()))
def test_a_manifest_is_told_what_a_review_is(folder: Folder, name: str) -> None:
    causes, warnings = told_by_the_webhook(name)
    object_findings = [
        one for one in checked(folder, name)["findings"] if not one["rule"].startswith(("change-set-", "api-"))
    ]
    errors = [one for one in object_findings if one["severity"] == "error"]
    assert [(one["rule"], one["pointer"], one["message"]) for one in errors] == [
        (one["reason"], one["field"], one["message"]) for one in causes
    ]
    if not causes:  # a denial leaves warnings out
        assert len([one for one in object_findings if one["severity"] == "warning"]) == len(warnings)


def test_the_cases_are_of_every_endpoint_and_what_is_left_out_differs(folder: Folder) -> None:
    assert {name.partition("-")[0] for name in cases()} == set(ENDPOINTS)
    for name in OTHERWISE:
        assert [one["rule"] for one in checked(folder, name)["findings"]] != [
            one["reason"] for one in told_by_the_webhook(name)[0]
        ]


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("mutate-")])
def test_a_manifest_gets_the_defaults_that_the_patch_sets(folder: Folder, name: str) -> None:
    answer = json.loads((CASES / name / "response.json").read_text())
    report = checked(folder, name)
    (result,) = report["objects"]
    patched: dict[str, str] = {}
    for operation in answer["response"].get("patch", ()):
        if "/resources" in operation["path"]:
            patched |= flat(operation["path"], operation["value"])
    assert result["defaults"] == patched


def flat(pointer: str, value: Any) -> dict[str, str]:  # noqa: ANN401  # any value of JSON
    """Return every text below a pointer by its own pointer."""
    if isinstance(value, str):
        return {pointer: value}
    return {
        key: text
        for name, one in value.items()
        for key, text in flat(f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}", one).items()
    }
