"""``tiergate replay``: for every recorded review the answer that the webhook gave, and what became of each rule."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
import yaml

from tests.check.running import KNOWN, TIERS, Folder, Ran, deployment, quota
from tests.commands.running import Program
from tests.golden.objects import TIER_LABEL
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


def test_a_cluster_is_not_read_and_the_message_says_what_to_give(tiergate: Program) -> None:
    ran = tiergate("replay", str(CASES / "validate-bare-pod" / "request.json"), "--usage", "cluster")
    assert (ran.code, ran.out) == (2, "")
    assert "tiergate snapshot > cluster.yaml" in ran.err


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
    words = ("replay", str(CASES / "validate-bare-pod/request.json"), "--usage", "none")
    folder.write({"free.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: dev}\n"})
    ran = tiergate(*words, "--namespaces", "free.yaml")
    assert (ran.code, "no tier governs it" in ran.out) == (0, True)
    ran = tiergate(*words)
    assert (ran.code, "/validate: unproved\n  the tier of namespace dev is not known" in ran.out) == (3, True)


REVIEWED: Final = {"uid": "x", "namespace": "dev", "operation": "UPDATE", "userInfo": {"username": "alice"}}
BROKEN: Final = {"userInfo": [1], "namespace": {}, "dryRun": "x", "object": [1]}


def review_of(request: dict[str, Any]) -> str:
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})


@pytest.mark.parametrize("field", BROKEN)
def test_a_review_of_wrong_types_is_refused_as_the_webhook_refuses_it(
    tiergate: Program, folder: Folder, field: str
) -> None:
    request = {**REVIEWED, "operation": "CREATE", "resource": {"group": "", "version": "v1", "resource": "pods"}}
    folder.write({"review.json": review_of({**request, field: BROKEN[field]})})
    ran = tiergate("replay", "review.json", *KNOWN)
    assert (ran.code, "/validate: refused\n  broken      malformed" in ran.out) == (1, True)


def scale(to: int) -> dict[str, Any]:
    sizes = {name: {"spec": {"replicas": count}} for name, count in (("object", to), ("oldObject", 1))}
    return {"resource": {"group": "apps", "resource": "deployments"}, "subResource": "scale", "name": "agent", **sizes}


def created(text: str, resource: str) -> dict[str, Any]:
    group = "batch" if resource == "jobs" else "apps"
    return {"resource": {"group": group, "resource": resource}, "operation": "CREATE", "object": yaml.safe_load(text)}


OWNER: Final = "  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: x, controller: true}]\nspec:\n"
OWNED: Final = deployment(kind="ReplicaSet", replicas=90).replace("spec:\n", OWNER, 1)
ELSEWHERE: Final = deployment(kind="Job", replicas=90, more="  managedBy: x.io/y\n")
LEFT_ALONE: Final = {
    "scaled-unknown": (scale(90), "Warn", "", "unproved"),
    "scaled-known": (scale(90), "Warn", deployment(), "warned"),
    "scaled-down": (scale(0), "Warn", deployment(), "not judged"),
    "owned": (created(OWNED, "replicasets"), "Warn", "", "not judged"),
    "elsewhere": (created(ELSEWHERE, "jobs"), "Warn", "", "not judged"),
    "ignored": (created(deployment(replicas=90), "deployments"), "Ignore", "", "not judged"),
    "nodes-unknown": (created(deployment(kind="DaemonSet"), "daemonsets"), "Warn", "", "unproved"),
    "judged": (created(deployment(), "deployments"), "Warn", "", "ok"),
}


@pytest.mark.parametrize(("request_", "policy", "runs", "state"), LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_what_nobody_judged_is_not_called_ok(
    tiergate: Program, folder: Folder, request_: dict[str, Any], policy: str, runs: str, state: str
) -> None:
    tier = TIERS.replace("spec:", f"spec:\n  workloads: {policy}")
    usage = f"{quota({})}\n---\n{runs}"
    folder.write({"review.json": review_of({**REVIEWED, **request_}), "tiers.yaml": tier, "usage.yaml": usage})
    around = ("--tiers", "tiers.yaml", "--namespaces", "around/namespaces.yaml", "--usage", "usage.yaml")
    ran = tiergate("replay", "review.json", *around)
    (line,) = [line for line in ran.out.splitlines() if "workload-does-not-fit" in line]
    assert (ran.code, line.strip().startswith(f"{state} ")) == (0, True), ran.out


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
