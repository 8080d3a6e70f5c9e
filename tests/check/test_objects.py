"""What is said of single objects: refused, warned, unproved; where, and by which tier."""

from __future__ import annotations

from typing import Final

import pytest

from tests.check.running import AROUND, KNOWN, NAMESPACE, TIERS, Folder, deployment, pod


def test_an_object_that_fits_passes(folder: Folder) -> None:
    folder.write({"pod.yaml": pod()})
    ran = folder.check(*KNOWN, "pod.yaml")
    assert (ran.code, ran.last) == (0, "1 object, 1 file: 1 pass, 0 fail, 0 warning, 0 unproved")


def test_every_problem_is_told_with_its_place(folder: Folder) -> None:
    folder.write({"a/pod.yaml": "# first\n---\n" + pod(resources="{requests: {cpu: 5m}, limits: {memory: 1Gi}}")})
    ran = folder.check(*KNOWN, "-o", "json", "a")
    assert ran.code == 1
    found = [(one["rule"], one["path"], one["line"], one["column"]) for one in ran.report["findings"]]
    assert found == [("request-min", "a/pod.yaml", 12, 28), ("limit-max", "a/pod.yaml", 12, 47)]
    assert "the tier allows at most 512Mi" in ran.report["findings"][1]["message"]


INVALID_IN_ITS_PODS: Final = (
    deployment()
    .replace("requests: {cpu: 100m}", "requests: {}")
    .replace("containers:", "resources: {requests: {cpu: 100m}}\n      containers:")
)
"""The API server stores the template, and refuses the pods: only in these does the limit become a request (D-3)."""


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param(deployment(cpu="5m"), "workload-never-runs", id="deployment"),
        pytest.param(deployment(cpu="5m", kind="StatefulSet"), "workload-never-runs", id="stateful-set"),
        pytest.param(deployment(cpu="5m", kind="Job"), "workload-never-runs", id="job"),
        pytest.param(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c, namespace: dev}\n"
            "spec: {resources: {requests: {storage: 11Gi}}}\n",
            "quota-exceeded",
            id="claim",
        ),
        pytest.param(pod(resources="{requests: {cpu: 1Zi}}"), "malformed", id="malformed"),
        pytest.param(pod(resources="{requests: {cpu: 2}, limits: {cpu: 1}}"), "api-validation", id="invalid-pod"),
        pytest.param(deployment(cpu="600m"), "api-validation", id="invalid-template"),
        pytest.param(INVALID_IN_ITS_PODS, "workload-never-runs", id="valid-template-of-invalid-pods"),
        pytest.param(NAMESPACE.replace("name: dev", "name: kube-x"), "namespace-protected", id="namespace"),
        pytest.param(TIERS.replace("cpu: 10m", "cpu: 900m"), "tier-invalid", id="tier"),
        pytest.param(TIERS.replace("cpu: 10m", "cpu: 1Zi"), "malformed", id="malformed-tier"),
    ],
)
def test_each_kind_that_a_tier_judges_can_be_refused(folder: Folder, text: str, rule: str) -> None:
    folder.write({"one.yaml": text})
    ran = folder.check(*KNOWN, "-o", "json", "one.yaml")
    assert ran.code == 1
    assert rule in [one.partition("/")[0] for one in ran.rules]
    assert ran.report["summary"]["fail"] == 1


def test_kinds_that_no_tier_judges_are_counted(folder: Folder) -> None:
    folder.write({"x.yaml": "apiVersion: v1\nkind: ConfigMap\n---\napiVersion: a.b/v1\nkind: Pod\n---\n- 1\n"})
    ran = folder.check(*KNOWN, "x.yaml")
    assert (ran.code, ran.out) == (
        0,
        "0 objects, 1 file: 0 pass, 0 fail, 0 warning, 0 unproved; 3 of other kinds\n",
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param((), "the tier of namespace dev is not known", id="unmapped"),
        pytest.param(AROUND, "what is used in dev is not known", id="usage"),
    ],
)
def test_what_is_not_known_is_said_and_never_passes(folder: Folder, arguments: tuple[str, ...], reason: str) -> None:
    folder.write({"pod.yaml": pod()})
    ran = folder.check(*arguments, "pod.yaml")
    assert ran.code == 0
    assert reason in ran.out
    assert ran.last == "1 object, 1 file: 0 pass, 0 fail, 0 warning, 1 unproved"
    assert folder.check(*arguments, "--strict", "pod.yaml").code == 1


def test_what_can_never_fit_is_refused_whatever_is_used(folder: Folder) -> None:
    folder.write({"one.yaml": pod(resources="{requests: {cpu: 2500m}, limits: {cpu: 2500m}}")})
    ran = folder.check(*AROUND, "-o", "json", "one.yaml")
    assert (ran.code, ran.rules.count("quota-exceeded")) == (1, 1)


def test_an_object_without_a_namespace_is_in_the_one_named(folder: Folder) -> None:
    folder.write({"pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: c}]}\n"})
    assert "it names no namespace: give -n" in folder.check(*KNOWN, "pod.yaml").out
    assert folder.check(*KNOWN, "-n", "dev", "pod.yaml").last.endswith("1 pass, 0 fail, 0 warning, 0 unproved")


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        pytest.param(pod(namespace="kube-system", resources="{limits: {memory: 1Ti}}"), "pass", id="never-governed"),
        pytest.param("apiVersion: v1\nkind: Namespace\n---\n" + pod(namespace='""'), "unproved", id="no-name"),
        pytest.param("apiVersion: v1\nkind: Pod\nmetadata: [1]\nspec: 3\n", "unproved", id="no-metadata"),
    ],
)
def test_what_has_no_tier_and_what_is_not_known_differ(folder: Folder, text: str, outcome: str) -> None:
    folder.write({"a.yaml": text})
    ran = folder.check(*KNOWN, "-o", "json", "a.yaml")
    assert ran.report["objects"][-1]["outcome"] == outcome


def test_a_namespace_without_a_tier_is_left_alone(folder: Folder) -> None:
    folder.write(
        {
            "all.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: free}\n---\n"
            + pod(namespace="free", resources="{limits: {memory: 1Ti}}")
        }
    )
    assert folder.check(*KNOWN, "all.yaml").last == "2 objects, 1 file: 2 pass, 0 fail, 0 warning, 0 unproved"


def test_a_tier_that_is_not_there_refuses_as_the_webhook_does(folder: Folder) -> None:
    folder.write({"pod.yaml": NAMESPACE + "---\n" + pod()})
    ran = folder.check("--usage", "none", "-o", "json", "pod.yaml")
    assert (ran.code, ran.rules) == (1, ["label-tier-missing", "tier-missing"])


MISSING, INVALID = "workload-never-runs/tier-missing", "workload-never-runs/tier-invalid"
TYPO = NAMESPACE.replace("tier: dev", "tier: dve")
CROSSED = TIERS.replace("cpu: 10m", "cpu: 900m")
OWNER = "metadata:\n  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: x, uid: y, controller: true}]\n"
IGNORES = "check.tiergate.io/ignore-workload-never-runs: known"


@pytest.mark.parametrize(
    ("around", "text", "outcome", "rules"),
    [
        pytest.param(TYPO, deployment(), "fail", [MISSING], id="deployment"),
        pytest.param(TYPO, deployment(kind="DaemonSet"), "fail", [MISSING], id="daemon-set-without-nodes"),
        pytest.param(TYPO, deployment(kind="Job"), "fail", [MISSING], id="job"),
        pytest.param(TYPO, deployment(cpu="1Zi"), "fail", [MISSING], id="one-that-cannot-be-read"),
        pytest.param(TYPO, deployment(annotations=IGNORES), "fail", [MISSING], id="ignored"),
        pytest.param(NAMESPACE + "---\n" + CROSSED, deployment(), "fail", [INVALID], id="under-an-invalid-tier"),
        pytest.param(TYPO, deployment(replicas=0), "pass", [], id="without-pods"),
        pytest.param(TYPO, deployment(kind="ReplicaSet").replace("metadata:\n", OWNER, 1), "unproved", [], id="owned"),
        pytest.param(TYPO.replace("dev,", "kube-x,"), deployment().replace("namespace: dev", "namespace: kube-x"),
            "pass", [], id="protected"),
    ],
)  # fmt: skip
def test_no_workload_passes_whose_namespace_names_no_usable_tier(
    folder: Folder, around: str, text: str, outcome: str, rules: list[str]
) -> None:
    folder.write({"a.yaml": f"{around}---\n{text}"})
    ran = folder.check("--usage", "none", "-o", "json", "a.yaml")
    assert ran.report["objects"][-1]["outcome"] == outcome
    assert [one for one in ran.rules if one.startswith("workload")] == rules


def test_tiers_and_namespaces_may_stand_among_the_manifests(folder: Folder) -> None:
    folder.write({"all.yaml": pod(resources="{limits: {memory: 1Gi}}") + "---\n" + NAMESPACE + "---\n" + TIERS})
    assert "limit-max" in folder.check("--usage", "none", "-o", "json", "all.yaml").rules


def test_the_values_of_the_chart_name_tiers_and_namespaces(folder: Folder) -> None:
    values = "tiers:\n  dev:\n    spec:\n      limits:\n      - {type: Container, max: {memory: 512Mi}}\n"
    folder.write(
        {
            "values.yaml": f"image: {{tag: x}}\n{values}namespaces:\n  dev: {{tier: dev}}\n",
            "pod.yaml": pod(resources="{limits: {memory: 1Gi}}"),
        }
    )
    ran = folder.check("--tiers", "values.yaml", "--usage", "none", "-o", "json", "pod.yaml")
    assert ran.rules == ["limit-max"]


def test_an_option_names_the_tier_of_every_namespace(folder: Folder) -> None:
    folder.write({"pod.yaml": pod(namespace="x", resources="{limits: {memory: 1Gi}}")})
    ran = folder.check(*KNOWN, "--tier", "dev", "-o", "json", "pod.yaml")
    assert ran.rules == ["limit-max"]


@pytest.mark.parametrize("mode", ["Warn", "Audit"])
def test_a_tier_that_refuses_nothing_warns(folder: Folder, mode: str) -> None:
    folder.write(
        {
            "tiers.yaml": TIERS.replace("spec:", f"spec:\n  enforcement: {mode}"),
            "pod.yaml": pod(resources="{limits: {memory: 1Gi}}"),
        }
    )
    arguments = ("--tiers", "tiers.yaml", "--namespaces", "around/namespaces.yaml", "--usage", "none", "pod.yaml")
    ran = folder.check(*arguments)
    assert (ran.code, ran.last) == (0, "1 object, 1 file: 0 pass, 0 fail, 1 warning, 0 unproved")
    assert folder.check("--fail-on", "warning", *arguments).code == 1
    assert folder.check("--fail-on", "never", *arguments).code == 0


def test_errors_may_be_told_without_failing(folder: Folder) -> None:
    folder.write({"pod.yaml": pod(resources="{limits: {memory: 1Gi}}")})
    assert folder.check(*KNOWN, "--fail-on", "never", "pod.yaml").code == 0


def test_the_release_of_the_server_matters(folder: Folder) -> None:
    """Up to 1.36 pod-level values are completed before the tier's defaults are set (D-5a, D-9)."""
    text = pod().replace("spec:\n", "spec:\n  resources: {requests: {cpu: 400m}}\n")
    folder.write({"pod.yaml": text, "quota.yaml": quota_less_tier()})
    arguments = ("--tiers", "quota.yaml", "--namespaces", "around/namespaces.yaml", "--usage", "none")
    sums = {
        minor: folder.check(*arguments, "--kubernetes-version", minor, "-o", "json", "pod.yaml").report["namespaces"]
        for minor in ("1.36", "1.37.2")
    }
    assert sums["1.36"] != sums["1.37.2"]


def quota_less_tier() -> str:
    return TIERS.replace('pods: "20"', "limits.memory: 4Gi, requests.memory: 2Gi").replace(
        "max: {cpu: 500m, memory: 512Mi}", ""
    )


def test_what_a_tier_sets_is_shown(folder: Folder) -> None:
    folder.write({"one.yaml": deployment()})
    ran = folder.check(*KNOWN, "--show-defaults", "one.yaml")
    assert "default /spec/template/spec/containers/0/resources/limits/memory = 256Mi" in ran.out
    assert "default /spec/template/spec/containers/0/resources/requests/cpu" not in ran.out


def test_an_annotation_leaves_a_rule_out_and_is_shown(folder: Folder) -> None:
    ignore = "check.tiergate.io/ignore-limit-max: known"
    folder.write({"pod.yaml": pod(resources="{requests: {cpu: 5m}, limits: {memory: 1Gi}}", annotations=ignore)})
    ran = folder.check(*KNOWN, "pod.yaml")
    assert ran.code == 1
    assert "ignored limit-max: known" in ran.out
    assert "request-min" in ran.out
    assert "limits.memory is 1Gi" not in ran.out
    assert "limits.memory is 1Gi" in folder.check(*KNOWN, "--no-ignores", "pod.yaml").out


def test_an_annotation_without_a_reason_leaves_nothing_out(folder: Folder) -> None:
    folder.write(
        {"pod.yaml": pod(resources="{limits: {memory: 1Gi}}", annotations='check.tiergate.io/ignore-limit-max: " "')}
    )
    assert folder.check(*KNOWN, "-o", "json", "pod.yaml").rules == ["limit-max"]


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_the_largest_amounts_do_not_fill_the_screen(folder: Folder, form: str) -> None:
    folder.write({"a.yaml": deployment(replicas=2**60).replace("cpu: 500m", "cpu: 1e900")})
    out = folder.check(*KNOWN, "-o", form, "a.yaml").out
    assert "115e916" in out
    assert max(map(len, out.splitlines())) < 400


NOT_SERVED: Final = {
    "kind: pod": ("kind: Pod", "/kind", 'no kind "pod" in version "v1", only Pod in v1'),
    "kind: POD": ("kind: Pod", "/kind", 'no kind "POD" in version "v1", only Pod in v1'),
    "apiVersion: V1": ("apiVersion: v1", "/apiVersion", 'no kind "Pod" in version "V1", only Pod in v1'),
    "apiVersion: v2": ("apiVersion: v1", "/apiVersion", 'no kind "Pod" in version "v2", only Pod in v1'),
}


@pytest.mark.parametrize(("written", "case"), NOT_SERVED.items(), ids=NOT_SERVED)
def test_a_kind_that_the_server_does_not_have_is_refused(
    folder: Folder, written: str, case: tuple[str, str, str]
) -> None:
    """As kubectl refuses it: the names of kinds and versions are exact."""
    right, pointer, said = case
    folder.write({"a.yaml": pod().replace(right, written)})
    ran = folder.check(*KNOWN, "-o", "json", "a.yaml")
    (one,) = ran.report["findings"]
    assert (ran.code, one["rule"], one["pointer"]) == (1, "api-validation", pointer)
    assert one["message"] == f"the API server refuses {pointer}: {said}"
    assert ran.report["namespaces"] == []
