"""What nobody judged is told and never counted as passed."""

from __future__ import annotations

import json
from typing import Final

import pytest
import yaml

from tests.check.running import KNOWN, NAMESPACE, TIERS, Folder, deployment, pod
from tiergate.manifests.load import MAX_LISTS

LARGE: Final = "{limits: {memory: 1Gi}}"
OWNED: Final = "  ownerReferences:\n  - {apiVersion: %s, kind: %s, name: x, uid: y, controller: true}\nspec:\n"
UNJUDGED: Final = {
    "a-replicaset-that-claims-an-owner": deployment(kind="ReplicaSet", replicas=90).replace(
        "spec:\n", OWNED % ("apps/v1", "Deployment"), 1
    ),
    "a-job-that-claims-an-owner": deployment(kind="Job", replicas=90).replace(
        "spec:\n", OWNED % ("batch/v1", "CronJob"), 1
    ),
    "a-job-of-another-controller": deployment(kind="Job", replicas=90, more="  managedBy: x.io/y\n"),
}
JUDGED: Final = {
    "a-pod-that-says-it-has-ended": (pod(resources=LARGE) + "status: {phase: Succeeded}\n", "limit-max"),
    "a-pod-that-asks-too-much-and-has-ended": (
        pod(resources="{requests: {cpu: 3}, limits: {cpu: 3}}") + "status: {phase: Failed}\n", "quota-exceeded",
    ),
    "a-pod-that-says-it-is-deleted": (
        pod(resources="{requests: {cpu: 3}, limits: {cpu: 3}}").replace(
            "metadata:\n",
            'metadata:\n  deletionTimestamp: "1960-01-01T00:00:00Z"\n  deletionGracePeriodSeconds: 0\n',
        ),
        "quota-exceeded",
    ),
    "a-job-that-says-it-is-done": (
        deployment(kind="Job", replicas=90, more="  completions: 90\n") + "status: {succeeded: 90}\n",
        "workload-does-not-fit",
    ),
    "an-ignored-fault": (
        pod(resources="{limits: {cpu: 1x}}", annotations="check.tiergate.io/ignore-malformed: known"), "malformed",
    ),
}  # fmt: skip
UNSTORABLE: Final = {
    "replicas-as-text": deployment().replace("replicas: 1", 'replicas: "1"'),
    "amount-of-a-template": deployment(cpu="100MB"),
    "amount-of-a-job": deployment(cpu="100MB", kind="Job"),
    "amount-of-a-pod": pod(resources="{limits: {memory: 1GB}}"),
    "template-as-text": deployment().partition("  template:")[0] + "  template: none\n",
}
FIELDS: Final = {
    "limit: []": "/spec/limit",
    "limits: [{type: Container, maximum: {cpu: 1}}]": "/spec/limits/0/maximum",
    "quotas: [{name: a, hard: {pods: 1}, scope: []}]": "/spec/quotas/0/scope",
    "exemptions: {user: [x]}": "/spec/exemptions/user",
    "quotas: [{name: a, hard: {pods: 1}, scopeSelector: {matchExpressions: [{scope: x}]}}]": (
        "/spec/quotas/0/scopeSelector/matchExpressions/0/scope"
    ),
}


@pytest.mark.parametrize("text", UNJUDGED.values(), ids=UNJUDGED)
def test_whose_pods_are_not_judged_is_unproved(folder: Folder, text: str) -> None:
    folder.write({"a.yaml": text})
    ran = folder.check(*KNOWN, "a.yaml")
    assert ran.last == "1 object, 1 file: 0 pass, 0 fail, 0 warning, 1 unproved"
    assert "they are not judged" in ran.out
    assert folder.check(*KNOWN, "--strict", "a.yaml").code == 1


def test_a_tier_that_leaves_workloads_alone_proves_nothing_of_them(folder: Folder) -> None:
    folder.write(
        {
            "t.yaml": TIERS.replace("spec:", "spec:\n  workloads: Ignore"),
            "a.yaml": deployment().replace("cpu: 500m", "memory: 1Gi"),
        }
    )
    around = ("--tiers", "t.yaml", "--namespaces", "around/namespaces.yaml", "--usage", "none")
    ran = folder.check(*around, "a.yaml")
    assert (ran.code, ran.last.endswith("0 pass, 0 fail, 0 warning, 1 unproved")) == (0, True)


@pytest.mark.parametrize(("text", "rule"), JUDGED.values(), ids=JUDGED)
def test_what_an_object_says_of_itself_proves_nothing(folder: Folder, text: str, rule: str) -> None:
    folder.write({"a.yaml": text})
    assert rule in folder.check(*KNOWN, "-o", "json", "a.yaml").rules


@pytest.mark.parametrize("mode", ["Enforce", "Warn", "Audit"])
@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
def test_what_the_api_server_cannot_read_fails_in_every_mode(folder: Folder, text: str, mode: str) -> None:
    folder.write({"t.yaml": TIERS.replace("spec:", f"spec:\n  enforcement: {mode}"), "a.yaml": text})
    ran = folder.check("--tiers", "t.yaml", "--tier", "dev", "--usage", "none", "-o", "json", "a.yaml")
    assert (ran.code, {*ran.rules}) == (1, {"malformed"})


def test_a_workload_that_is_larger_than_what_is_judged_is_a_warning_as_in_the_cluster(folder: Folder) -> None:
    containers = ", ".join(f"{{name: c{number}}}" for number in range(300))
    text = deployment().partition("      containers:")[0] + f"      containers: [{containers}]\n"
    folder.write({"a.yaml": text})
    ran = folder.check(*KNOWN, "-o", "json", "a.yaml")
    assert (ran.code, ran.rules) == (0, ["malformed"])


@pytest.mark.parametrize("field", FIELDS)
def test_an_unknown_field_of_a_tier_is_a_fault(folder: Folder, field: str) -> None:
    """A misspelled bound bounds nothing."""
    tier = f"apiVersion: tiergate.io/v1alpha1\nkind: Tier\nmetadata: {{name: dev}}\nspec:\n  {field}\n"
    folder.write({"t.yaml": tier, "a.yaml": f"{pod()}---\n{NAMESPACE}"})
    named = folder.check("--tiers", "t.yaml", "--usage", "none", "a.yaml")
    assert (named.code, f"{FIELDS[field]}: no such field" in named.out) == (3, True)
    among = folder.check("--usage", "none", "-o", "json", "a.yaml", "t.yaml")
    assert (among.code, {*among.rules}) == (1, {"tier-invalid", "label-tier-invalid", "api-validation"})
    assert FIELDS[field] in among.report["findings"][-1]["message"]


def test_a_text_that_is_none_hides_nothing(folder: Folder) -> None:
    text = json.dumps(yaml.safe_load(pod(resources=LARGE, annotations='a: "x"'))).replace('"x"', '"\\ud800"')
    folder.write({"a.json": text})
    assert folder.check(*KNOWN, "-o", "json", "a.json").rules == ["limit-max"]


@pytest.mark.parametrize(
    ("lists", "code", "said"), [(MAX_LISTS, 1, "limit-max"), (MAX_LISTS + 1, 3, "lists in each other")]
)
def test_lists_in_lists_hide_nothing(folder: Folder, lists: int, code: int, said: str) -> None:
    text = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": "dev"}, "spec": {"containers": '
    text += '[{"name": "a", "resources": {"limits": {"memory": "1Gi"}}}]}}'
    for _ in range(lists):
        text = f'{{"apiVersion": "v1", "kind": "List", "items": [{text}]}}'
    folder.write({"a.json": text})
    ran = folder.check(*KNOWN, "a.json")
    assert (ran.code, said in ran.out) == (code, True)


@pytest.mark.parametrize("namespace", [" ", "-", "\ud800", "\0", "default"])
def test_no_name_of_a_namespace_is_left_alone(folder: Folder, namespace: str) -> None:
    """But kube-*: which one is the release's is not known here."""
    folder.write({"a.json": json.dumps(yaml.safe_load(pod(resources=LARGE)) | {"metadata": {"namespace": namespace}})})
    ran = folder.check("--tiers", "around/tiers.yaml", "--tier", "dev", "--usage", "none", "a.json")
    assert ran.code == 1


def test_an_object_of_no_known_kind_is_counted_as_such(folder: Folder) -> None:
    folder.write({"a.yaml": "kind: Pod\n"})
    assert " 0 pass" in folder.check(*KNOWN, "a.yaml").last
