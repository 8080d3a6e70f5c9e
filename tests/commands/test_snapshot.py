"""``tiergate snapshot``, and ``tiergate check`` on a cluster or a snapshot of it: one answer, and nothing leaks."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
import yaml

from tests.check.running import NAMESPACE, Folder, deployment, pod
from tests.commands.cluster import SECRET, FakeCluster
from tests.commands.running import Program
from tiergate.check.surroundings import Surroundings
from tiergate.cluster.errors import ApiError
from tiergate.manifests.load import load

KINDS: Final = ["Snapshot", "Tier", "Namespace", "Namespace", "ResourceQuota", "Deployment", "Node"]
ALL_QUOTAS: Final = "/api/v1/resourcequotas"


def taken(tiergate: Program, folder: Folder, *words: str) -> list[dict[str, Any]]:
    ran = tiergate("snapshot", *words)
    assert ran.code == 0, ran.err
    folder.write({"cluster.yaml": ran.out})
    return list(yaml.safe_load_all(ran.out))


def test_no_annotation_keeps_a_namespace_out_of_a_snapshot(
    tiergate: Program, folder: Folder, cluster: FakeCluster
) -> None:
    """The API server takes NUL there; what cannot be read of one namespace leaves the others unproved, too."""
    cluster.put(
        "/api/v1/namespaces/odd", {"metadata": {"labels": {"tiergate.io/tier": "dev"}, "annotations": {"a": "\0"}}}
    )
    head, *found = taken(tiergate, folder)
    assert "missing" not in head
    assert {"name": "odd", "labels": {"tiergate.io/tier": "dev"}} in [one["metadata"] for one in found]


def test_a_snapshot_holds_what_decisions_read_and_nothing_else(
    tiergate: Program, folder: Folder, cluster: FakeCluster
) -> None:
    cluster.deployment("agent", replicas=3)
    found = taken(tiergate, folder)
    assert [one["kind"] for one in found] == KINDS
    head, tier, dev, free, quota, workload, node = found
    assert head == {"apiVersion": "check.tiergate.io/v1", "kind": "Snapshot", "kubernetesVersion": "1.36"}
    assert tier["spec"]["quotas"][0]["hard"]["pods"] == "20"
    assert dev["metadata"] == {"name": "dev", "labels": {"tiergate.io/tier": "dev"}}
    assert free["metadata"] == {"name": "free"}
    assert quota["status"]["used"]["pods"] == "0"
    assert set(quota["metadata"]) == {"name", "namespace", "labels"}
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    assert container == {"name": "agent", "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "500m"}}}
    assert node["metadata"]["labels"] == {"node-role.kubernetes.io/x": ""}
    assert SECRET not in (folder.path / "cluster.yaml").read_text()
    assert not [one for one in cluster.asked if not one.startswith("GET ") or "secrets" in one or "configmaps" in one]


def test_a_snapshot_of_the_same_cluster_is_the_same(tiergate: Program, folder: Folder, cluster: FakeCluster) -> None:
    first = taken(tiergate, folder)
    cluster.put("/api/v1/namespaces/free", {"metadata": {"annotations": {"touched": "yes"}}})
    assert taken(tiergate, folder) == first


def test_what_makes_objects_that_are_kept_anyway_is_left_out(
    tiergate: Program, folder: Folder, cluster: FakeCluster
) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "agent", "controller": True}
    path = "/apis/apps/v1/namespaces/dev/replicasets/agent-1"
    cluster.put(path, {"metadata": {"ownerReferences": [owner]}, "spec": {"replicas": 1}})
    cluster.put("/apis/apps/v1/namespaces/free/deployments/x", {"metadata": {}, "spec": {"replicas": 1}})
    assert [one["kind"] for one in taken(tiergate, folder) if one["kind"] in ("ReplicaSet", "Deployment")] == []


@pytest.mark.parametrize("source", ["cluster", "cluster.yaml"])
@pytest.mark.parametrize(("size", "code", "used", "steady"), [("9Gi", 0, "1Gi", "9Gi"), ("9500Mi", 1, "1Gi", "9500Mi")])
def test_a_claim_that_is_there_is_judged_by_its_increase(
    tiergate: Program, folder: Folder, cluster: FakeCluster, source: str, size: str, code: int, used: str, steady: str
) -> None:
    """Of 10Gi all are used, 9Gi of it by the claim itself."""
    cluster.quota({"requests.storage": "10Gi"})
    spec = {"resources": {"requests": {"storage": "9Gi"}}, "volumeName": SECRET}
    cluster.put("/api/v1/namespaces/dev/persistentvolumeclaims/data", {"metadata": {}, "spec": spec})
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: dev}\n"
    folder.write({"a.yaml": f"{claim}spec: {{resources: {{requests: {{storage: {size}}}}}}}\n"})
    taken(tiergate, folder)
    ran = tiergate("check", "--usage", source, "-o", "json", "a.yaml")
    (found,) = [one for one in ran.report["namespaces"][0]["quotas"] if one["resource"] == "requests.storage"]
    assert (ran.code, found["used"], found["steady"]) == (code, used, steady), ran.out
    assert SECRET not in (folder.path / "cluster.yaml").read_text()


def test_a_claim_that_may_be_there_is_unproved_and_nothing_else_is(
    tiergate: Program, folder: Folder, cluster: FakeCluster
) -> None:
    cluster.forbidden = {"/api/v1/persistentvolumeclaims", "/api/v1/namespaces/dev/persistentvolumeclaims"}
    claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: dev}\n"
    folder.write({"a.yaml": f"{claim}spec: {{resources: {{requests: {{storage: 1Gi}}}}}}\n---\n{pod()}"})
    ran = tiergate("check", "--usage", "cluster", "-o", "json", "a.yaml")
    assert [one["outcome"] for one in ran.report["objects"]] == ["unproved", "pass"]
    assert "PersistentVolumeClaim objects in dev: 403" in ran.err


@pytest.mark.parametrize("source", ["cluster", "cluster.yaml"])
def test_a_change_set_is_judged_beside_what_runs(
    tiergate: Program, folder: Folder, cluster: FakeCluster, source: str
) -> None:
    """Of 2 cpu 1500m are used, 500m of it by what the change set replaces."""
    cluster.quota({"requests.cpu": "1500m", "pods": "6"})
    cluster.deployment("agent", replicas=5)
    folder.write({"a.yaml": deployment(replicas=9), "b.yaml": deployment(replicas=12)})
    taken(tiergate, folder)
    ran = tiergate("check", "--usage", source, "-o", "json", "a.yaml")
    (used,) = [one for one in ran.report["namespaces"][0]["quotas"] if one["resource"] == "requests.cpu"]
    assert (used["used"], used["steady"]) == ("1", "900m")
    assert tiergate("check", "--usage", source, "b.yaml").code == 1


@pytest.mark.parametrize("source", ["cluster", "cluster.yaml"])
@pytest.mark.parametrize(
    ("forbidden", "told", "outcome"),
    [
        pytest.param({"/api/v1/resourcequotas"}, "", "pass", id="quotas-of-all"),
        pytest.param({ALL_QUOTAS, "/api/v1/namespaces/dev/resourcequotas"}, "ResourceQuota objects in dev", "unproved",
                     id="quotas"),
        pytest.param({"/apis/tiergate.io/v1alpha1/tiers"}, "Tier dev", "unproved", id="tiers"),
        pytest.param({"/api/v1/namespaces"}, "Namespace dev", "unproved", id="namespaces"),
        pytest.param({"/apis/apps/v1"}, "Deployment objects in dev", "unproved", id="workloads"),
        pytest.param({"/api/v1/nodes"}, "Node objects", "pass", id="nodes"),
    ],
)  # fmt: skip
def test_what_may_not_be_read_is_told_and_never_counted_as_passed(
    tiergate: Program, folder: Folder, cluster: FakeCluster, source: str, forbidden: set[str], told: str, outcome: str
) -> None:
    cluster.forbidden = forbidden
    folder.write({"a.yaml": deployment(), "ns.yaml": "kind: x\n"})
    words = ("-n", "dev") if "/api/v1/namespaces" in forbidden else ()
    ran = tiergate("snapshot", *words)
    folder.write({"cluster.yaml": ran.out})
    if source == "cluster":
        ran = tiergate("check", "--usage", source, "a.yaml")
    assert ran.code == 0
    assert (told in ran.err) if told else ran.err == ""
    report = tiergate("check", "--usage", source, "-o", "json", "a.yaml").report
    assert [one["outcome"] for one in report["objects"]] == [outcome]
    assert report["findings"] == []


@pytest.mark.parametrize("source", ["cluster", "cluster.yaml"])
def test_a_workload_whose_tier_the_cluster_does_not_have_fails(
    tiergate: Program, folder: Folder, cluster: FakeCluster, source: str
) -> None:
    cluster.delete("/apis/tiergate.io/v1alpha1/tiers/dev")
    folder.write({"a.yaml": deployment()})
    taken(tiergate, folder)
    ran = tiergate("check", "--usage", source, "-o", "json", "a.yaml")
    assert (ran.code, ran.rules) == (1, ["workload-never-runs/tier-missing"])


@pytest.mark.parametrize("words", [("usage",), ("snapshot",), ("check", "--usage", "cluster", "a.yaml")])
def test_a_cluster_without_tiergate_is_called_so(
    tiergate: Program, folder: Folder, cluster: FakeCluster, words: tuple[str, ...]
) -> None:
    cluster.refuse["GET tiers"] = ApiError(404, "", "404 page not found")
    folder.write({"a.yaml": deployment()})
    told = "not read from the cluster  Tier objects: Tiergate is not installed there"
    assert [one.startswith(told) for one in tiergate(*words).err.splitlines()] == [True]


def test_a_workload_that_may_not_be_seen_is_not_counted_twice(
    tiergate: Program, folder: Folder, cluster: FakeCluster
) -> None:
    """What runs may be what is replaced: nothing is refused for it."""
    cluster.quota({"requests.cpu": "2"})
    cluster.forbidden = {"/apis/apps/v1"}
    folder.write({"a.yaml": deployment(replicas=2)})
    assert tiergate("check", "--usage", "cluster", "a.yaml").code == 0
    assert tiergate("check", "--usage", "cluster", "--strict", "a.yaml").code == 1


def test_a_namespace_that_is_to_come_uses_nothing(tiergate: Program, folder: Folder, cluster: FakeCluster) -> None:
    new = NAMESPACE.replace("name: dev", "name: new")
    folder.write({"a.yaml": f"{new}---\n{pod(namespace='new')}"})
    report = tiergate("check", "--usage", "cluster", "-o", "json", "a.yaml").report
    assert [one["outcome"] for one in report["objects"]] == ["pass", "pass"]
    cluster.forbidden = {"/api/v1/namespaces"}
    report = tiergate("check", "--usage", "cluster", "-o", "json", "a.yaml").report
    assert [one["outcome"] for one in report["objects"]] == ["pass", "unproved"]


def test_tiers_that_are_named_come_before_those_of_the_cluster(
    tiergate: Program, folder: Folder, cluster: FakeCluster
) -> None:
    folder.write({"a.yaml": pod(resources="{limits: {cpu: 400m}}")})
    assert tiergate("check", "--usage", "cluster", "a.yaml").code == 0
    smaller = (folder.path / "around/tiers.yaml").read_text().replace("cpu: 500m", "cpu: 300m")
    folder.write({"tiers.yaml": smaller})
    assert tiergate("check", "--usage", "cluster", "--tiers", "tiers.yaml", "a.yaml").code == 1
    assert cluster.asked


@pytest.mark.usefixtures("cluster")
def test_the_release_is_the_cluster_s(tiergate: Program, folder: Folder) -> None:
    folder.write({"a.yaml": pod()})
    taken(tiergate, folder)
    surroundings = Surroundings(usage="file")
    surroundings.add(load(["cluster.yaml"]).manifests, named=True, running=True)
    assert surroundings.stored.minor == 36
    folder.write({"bad.yaml": (folder.path / "cluster.yaml").read_text().replace('"1.36"', "next")})
    ran = tiergate("check", "--usage", "bad.yaml", "a.yaml")
    assert (ran.code, "/kubernetesVersion: next is not a release" in ran.out) == (3, True)


@pytest.mark.parametrize("words", [("snapshot",), ("check", "--usage", "cluster", "a.yaml")])
def test_a_cluster_that_does_not_answer_has_an_exit_code(
    tiergate: Program, folder: Folder, cluster: FakeCluster, words: tuple[str, ...]
) -> None:
    folder.write({"a.yaml": pod()})
    cluster.away = True
    ran = tiergate(*words)
    assert (ran.code, ran.out, ran.err) == (4, "", f"tiergate {words[0]}: no answer in time\n")


def test_an_invalid_tier_is_kept_as_it_is_in_force(tiergate: Program, folder: Folder, cluster: FakeCluster) -> None:
    valid = cluster.get("/apis/tiergate.io/v1alpha1/tiers/dev")
    kept = {"generation": 1, "spec": yaml.safe_dump(valid["spec"], default_flow_style=True)}
    bad = {**valid, "spec": {"limits": [{"type": "Init"}]}, "status": {"inForce": kept}}
    cluster.put("/apis/tiergate.io/v1alpha1/tiers/dev", bad)
    found = taken(tiergate, folder)
    assert found[1]["spec"] == bad["spec"]  # what is kept is no JSON: the tier stays as it is
    bad["status"]["inForce"]["spec"] = json.dumps(valid["spec"])
    cluster.put("/apis/tiergate.io/v1alpha1/tiers/dev", bad)
    assert taken(tiergate, folder)[1]["spec"]["limits"] == valid["spec"]["limits"]


def test_a_file_that_cannot_be_written_is_told(tiergate: Program, folder: Folder, cluster: FakeCluster) -> None:
    ran = tiergate("snapshot", "--output-file", "no/such/file")
    assert (ran.code, ran.err) == (2, "tiergate snapshot: no/such/file: No such file or directory\n")
    assert tiergate("snapshot", "--output-file", "x.yaml").out == ""
    assert (folder.path / "x.yaml").read_text().startswith("apiVersion: check.tiergate.io/v1\n")
    assert cluster.asked
