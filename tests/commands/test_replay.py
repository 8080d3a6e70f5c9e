"""``tiergate replay``: for every recorded review the answer that the webhook gave, and what became of each rule."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
import yaml

from tests.check.running import Folder, Ran
from tests.commands.running import Program
from tests.golden.operations import TIER_LABEL
from tests.golden.test_golden import CASES, endpoint_of, names, request_of
from tiergate.core.rules import RULES

UNKNOWN: Final = ("namespaces-create-not-permitted", "namespaces-label-removed-not-permitted")
"""Cases that were refused as the user may not assign the tier, which nobody knows here."""


def replayed(tiergate: Program, folder: Folder, name: str) -> Ran:
    """Replay a case on the facts that it was answered on."""
    case, request = CASES / name, request_of(name)
    tier = yaml.safe_load((case / "tier.yaml").read_text())["metadata"]["name"]
    usage = yaml.safe_load((case / "usage.yaml").read_text())["items"]
    labels = {
        item["metadata"]["namespace"]: item["metadata"]["labels"][TIER_LABEL]
        for item in usage
        if TIER_LABEL in item["metadata"].get("labels", {})
    }
    if endpoint_of(name) in ("mutate", "validate", "workloads"):
        labels[request["namespace"]] = tier
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": key, "labels": {TIER_LABEL: label}}}
        for key, label in labels.items()
    ]
    folder.write({"namespaces.yaml": yaml.safe_dump_all(namespaces)})
    words = ["--tiers", str(case / "tier.yaml"), "--usage", str(case / "usage.yaml"), "--namespaces", "namespaces.yaml"]
    return tiergate("replay", str(case / "request.json"), *words)


def sections(out: str) -> dict[str, list[str]]:
    """Return the lines below each endpoint, its answer first."""
    found: dict[str, list[str]] = {}
    for line in out.splitlines():
        if line.startswith("/"):
            endpoint, _, answer = line[1:].partition(": ")
            lines = found[endpoint] = [answer]
        elif found:
            lines.append(line)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_a_recorded_review_gets_its_recorded_answer(tiergate: Program, folder: Folder, name: str) -> None:
    response: dict[str, Any] = json.loads((CASES / name / "response.json").read_text())["response"]
    ran = replayed(tiergate, folder, name)
    assert ran.err == ""
    answer, *lines = sections(ran.out)[endpoint_of(name)]
    assert (answer != "refused") == (response["allowed"] or name in UNKNOWN)
    if name in UNKNOWN:
        assert any(line.split()[:2] == ["unproved", "tier-assign"] for line in lines)
        return
    causes = response.get("status", {}).get("details", {}).get("causes", [])
    broken = {line.split()[1] for line in lines if line.startswith("  broken")}
    if not response["allowed"]:
        assert broken == {one["reason"].partition("/")[0] for one in causes}
        assert all(one["message"] in ran.out for one in causes)


def test_every_rule_of_a_pod_is_named_with_what_became_of_it(tiergate: Program, folder: Folder) -> None:
    ran = replayed(tiergate, folder, "validate-bare-pod")
    lines = [line.split() for line in sections(ran.out)["validate"][1:]]
    stated = {line[-1] if line[0] == "ok" else line[1]: line[0] for line in lines if line[0] in ("ok", "broken")}
    stated |= {line[2]: "no bound" for line in lines if line[:2] == ["no", "bound"]}
    assert set(stated) == {rule.id for rule in RULES if rule.pod or rule.usage}
    assert set(stated.values()) == {"ok", "no bound"}


def test_a_review_for_the_defaults_shows_them_and_what_follows(tiergate: Program, folder: Folder) -> None:
    ran = replayed(tiergate, folder, "mutate-bare-pod")
    found = sections(ran.out)
    assert list(found) == ["mutate", "validate"]
    assert found["mutate"][0] == "allowed"
    assert "tiergate set: " in found["mutate"][1]
    assert ran.out.startswith("CREATE of pods ")


def test_without_usage_nothing_that_rests_on_it_is_called_ok(tiergate: Program, folder: Folder) -> None:
    review = CASES / "validate-bare-pod/request.json"
    tier = CASES / "validate-bare-pod/tier.yaml"
    name = yaml.safe_load(tier.read_text())["metadata"]["name"]
    ran = tiergate("replay", str(review), "--tiers", str(tier), "--tier", name)
    assert ran.code == 0
    (line,) = [line for line in ran.out.splitlines() if "quota-exceeded" in line]
    assert line.split()[0] == "unproved"
    assert folder.path.is_dir()


def test_an_exempt_user_and_a_namespace_without_a_tier_are_said(tiergate: Program, folder: Folder) -> None:
    assert "  exempt: " in replayed(tiergate, folder, "mutate-exempt-group").out
    ran = tiergate("replay", str(CASES / "validate-bare-pod/request.json"), "--usage", "none")
    assert (ran.code, "no tier governs it" in ran.out) == (0, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{", "no AdmissionReview", id="no-json"),
        pytest.param("[" * 5000, "no AdmissionReview", id="deep"),
        pytest.param("{}", "no AdmissionReview", id="no-request"),
        pytest.param('{"request": {}}', "no operation of no resource is not judged", id="empty"),
        pytest.param(
            '{"request": {"operation": "CREATE", "resource": {"resource": "secrets"}}}',
            "CREATE of secrets is not judged", id="of-something-else",
        ),
        pytest.param(
            '{"request": {"operation": "CREATE", "resource": {"resource": "pods"}}}', "review.json: ", id="no-version"
        ),
    ],
)  # fmt: skip
def test_what_is_no_review_is_unreadable(tiergate: Program, folder: Folder, text: str, said: str) -> None:
    folder.write({"review.json": text})
    ran = tiergate("replay", "review.json", "--usage", "none")
    assert (ran.code, ran.out) == (3, "")
    assert said in ran.err


def test_what_is_around_must_be_read_whole(tiergate: Program, folder: Folder) -> None:
    folder.write({"tiers.yaml": "a: [\n"})
    ran = tiergate("replay", str(CASES / "validate-bare-pod/request.json"), "--tiers", "tiers.yaml")
    assert (ran.code, ran.out, ran.err.startswith("unreadable  tiers.yaml:")) == (3, "", True)
    ran = tiergate("replay", "missing.json")
    assert (ran.code, ran.err) == (3, "unreadable  missing.json: No such file or directory\n")
