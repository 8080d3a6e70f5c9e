"""By what manifests are judged: what an option names is never replaced by what stands among the manifests."""

from __future__ import annotations

from typing import Final

import pytest

from tests.check.running import AROUND, KNOWN, NAMESPACE, TIERS, Folder, deployment, pod, quota
from tiergate.cli.entry import main

LARGE: Final = pod(resources="{limits: {memory: 1Gi}}")
WIDE_TIER: Final = TIERS.replace("memory: 512Mi", "memory: 64Gi")
OTHER: Final = TIERS.replace("name: dev", "name: big").replace("memory: 512Mi", "memory: 64Gi")
FREE: Final = "apiVersion: v1\nkind: Namespace\nmetadata: {name: dev}\n"
SETS: Final = {
    "a-wider-tier": (
        WIDE_TIER,
        "/spec",
        'it differs from tier "dev" of an option (--tiers, --namespaces or --usage), which is used',
    ),
    "another-label": (
        f"{NAMESPACE.replace('tier: dev', 'tier: big')}---\n{OTHER}",
        "/metadata/labels/tiergate.io~1tier",
        'its label names tier "big"; tier "dev" counts, as an option says',
    ),
    "no-label": (FREE, "/metadata/labels/tiergate.io~1tier", 'its label names no tier; tier "dev" counts'),
}


@pytest.mark.parametrize(("text", "pointer", "said"), SETS.values(), ids=SETS)
def test_what_an_option_names_counts_and_another_one_is_told(
    folder: Folder, text: str, pointer: str, said: str
) -> None:
    folder.write({"a.yaml": f"{LARGE}---\n{text}"})
    ran = folder.check(*KNOWN, "-o", "json", "a.yaml")
    found = {one["rule"]: one for one in ran.report["findings"]}
    assert (ran.code, "limit-max" in found) == (1, True)
    assert (found["differs-from-option"]["severity"], found["differs-from-option"]["pointer"]) == ("warning", pointer)
    assert said in found["differs-from-option"]["message"]


def test_the_file_of_usage_counts_as_well(folder: Folder) -> None:
    folder.write(
        {"usage.yaml": f"{quota({})}\n---\n{TIERS}---\n{NAMESPACE}", "a.yaml": f"{LARGE}---\n{WIDE_TIER}---\n{FREE}"}
    )
    ran = folder.check("--usage", "usage.yaml", "-o", "json", "a.yaml")
    assert sorted(ran.rules) == ["differs-from-option", "differs-from-option", "limit-max"]


CHANGED: Final = TIERS.replace("memory: 512Mi", "memory: 300Mi")
LABELLED: Final = f"{NAMESPACE}---\n{TIERS}"
BIG: Final = f"{NAMESPACE.replace('tier: dev', 'tier: big')}---\n{OTHER}"
TWICE: Final = {
    "tier-of-a-snapshot-of-namespaces": (("--tiers", CHANGED), ("--namespaces", LABELLED), "300Mi"),
    "tier-of-namespaces-alone": (("--namespaces", f"{NAMESPACE}---\n{CHANGED}"), ("--usage", LABELLED), "300Mi"),
    "tier-of-usage": (("--tiers", CHANGED), ("--usage", LABELLED), "300Mi"),
    "label-of-tiers": (("--tiers", BIG), ("--namespaces", LABELLED), "512Mi"),
    "label-of-usage": (("--namespaces", LABELLED), ("--usage", BIG), "512Mi"),
}


@pytest.mark.parametrize(("one", "other", "bound"), TWICE.values(), ids=TWICE)
@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
def test_each_option_counts_before_others_for_what_it_is_named_after(
    folder: Folder, one: tuple[str, str], other: tuple[str, str], bound: str, *, turned: bool
) -> None:
    folder.write({"one.yaml": one[1], "other.yaml": other[1], "a.yaml": LARGE})
    options = [(one[0], "one.yaml"), (other[0], "other.yaml")]
    words = [word for option in (reversed(options) if turned else options) for word in option]
    assert f"the tier allows at most {bound}" in folder.check(*words, "a.yaml").out


def test_a_snapshot_shows_what_a_changed_tier_would_refuse(folder: Folder) -> None:
    """As docs/operate.md has it: the objects of the cluster are the manifests, its tiers but the changed one count."""
    head = "apiVersion: check.tiergate.io/v1\nkind: Snapshot\nkubernetesVersion: '1.37'\n"
    labelled = NAMESPACE.replace("dev", "staging")
    tiers = (TIERS, TIERS.replace("dev", "staging"))
    workloads = (deployment(cpu="400m"), deployment(cpu="400m", namespace="staging"))
    folder.write({"cluster.yaml": "---\n".join((head, *tiers, NAMESPACE, labelled, *workloads))})
    folder.write({"dev.yaml": TIERS.replace("cpu: 500m", "cpu: 300m")})
    ran = folder.check("--tiers", "dev.yaml", "--usage", "none", "-o", "json", "cluster.yaml")
    failed = [one["namespace"] for one in ran.report["objects"] if one["outcome"] == "fail"]
    assert (ran.code, failed) == (1, ["dev"])


def test_the_same_in_both_is_not_told(folder: Folder) -> None:
    folder.write({"a.yaml": f"{pod()}---\n{NAMESPACE}---\n{TIERS}"})
    ran = folder.check(*KNOWN, "-o", "json", "a.yaml")
    assert (ran.code, ran.rules) == (0, [])


def test_nodes_and_runtime_classes_are_those_of_options(folder: Folder) -> None:
    """A change set has no Nodes: with one that it brings, a DaemonSet would seem to have a single pod."""
    node = "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n"
    overhead = "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: vm}\noverhead: {podFixed: {cpu: %s}}\n"
    daemon = deployment(kind="DaemonSet", cpu="300m")
    in_vm = deployment(name="vm", cpu="300m").replace("    spec:\n", "    spec:\n      runtimeClassName: vm\n")
    folder.write(
        {
            "a.yaml": "---\n".join((daemon, in_vm, node, overhead % "0")),
            "usage.yaml": f"{quota({})}\n---\n{overhead % 3}",
        }
    )
    ran = folder.check(*AROUND, "--usage", "usage.yaml", "-o", "json", "a.yaml")
    outcomes = {one["name"]: one["outcome"] for one in ran.report["objects"]}
    assert outcomes == {"agent": "unproved", "vm": "fail"}


OURS: Final = quota({"requests.cpu": "1900m"})
FULL: Final = quota({"requests.cpu": "1900m"}, managed=False)
QUOTAS: Final = {
    "ours-claimed-by-a-manifest": (OURS, quota({}, managed=False), ("fail", "quota-exceeded")),
    "ours-again-among-manifests": (OURS, quota({}), ("fail", "quota-exceeded")),
    "ours-only-among-manifests": ("kind: List\n", quota({}), ("unproved", "")),
    "one-of-our-name-among-manifests": ("kind: List\n", quota({}, managed=False), ("fail", "quota-pending")),
    "one-of-our-name-in-the-cluster": (FULL, "", ("fail", "quota-pending")),
}


@pytest.mark.parametrize(("used", "text", "expected"), QUOTAS.values(), ids=QUOTAS)
def test_a_quota_is_ours_by_its_label_and_its_usage_is_the_cluster_s(
    folder: Folder, used: str, text: str, expected: tuple[str, str]
) -> None:
    folder.write(
        {"usage.yaml": used, "a.yaml": pod(resources="{requests: {cpu: 400m}, limits: {cpu: 400m}}"), "b.yaml": text}
    )
    ran = folder.check(*AROUND, "--usage", "usage.yaml", "-o", "json", "a.yaml", "b.yaml")
    (one,) = ran.report["objects"]
    assert (one["outcome"], ran.rules[0] if ran.rules else "") == expected


@pytest.mark.parametrize("mode", ["Enforce", "Warn"])
def test_a_quota_of_our_name_is_counted_once(folder: Folder, mode: str) -> None:
    """Its bound and the tier's are two, each with what the change set asks, not one with twice as much."""
    folder.write(
        {
            "tiers.yaml": TIERS.replace("spec:", f"spec:\n  enforcement: {mode}"),
            "usage.yaml": FULL,
            "a.yaml": pod(resources="{requests: {cpu: 400m}, limits: {cpu: 400m}}"),
        }
    )
    around = ("--tiers", "tiers.yaml", "--namespaces", "around/namespaces.yaml", "--usage", "usage.yaml")
    (namespace,) = folder.check(*around, "-o", "json", "a.yaml").report["namespaces"]
    steady = [one["steady"] for one in namespace["quotas"] if one["resource"] == "requests.cpu"]
    assert steady == ["400m"] * (1 if mode == "Enforce" else 2)


@pytest.mark.parametrize("command", ["check", "defaults", "replay"])
@pytest.mark.parametrize(
    ("tiers", "known"),
    [(("--tiers", "around/tiers.yaml"), "dev"), ((), "none")],
    ids=["a-typo", "no-tiers-at-all"],
)
def test_an_option_that_names_no_tier_is_wrong_usage(
    folder: Folder, capsys: pytest.CaptureFixture[str], command: str, tiers: tuple[str, ...], known: str
) -> None:
    """Nothing is judged by it: no label is wrong, as a refusal would say."""
    folder.write({"a.yaml": pod()})
    assert main([command, *tiers, "--tier", "dve", "a.yaml"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f'tiergate {command}: --tier: there is no tier "dve" (there is: {known})\n')


def test_a_named_tier_that_could_not_be_read_is_not_wrong_usage(folder: Folder) -> None:
    folder.write({"a.yaml": pod(), "broken.yaml": "kind: [\n"})
    assert folder.check("--tiers", "broken.yaml", "--tier", "dev", "a.yaml").code == 3
