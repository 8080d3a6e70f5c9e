"""`tiergate check` and a real API server, asked by dry-run about the same manifests: one answer."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
import yaml

from tests.check.running import Folder
from tests.controlplane.cluster import Cluster, Result
from tests.corpus.public import CORPUS
from tests.corpus.test_sets import SETS
from tiergate.check.reading import kind_of, subject_of
from tiergate.check.unchanged import change_of
from tiergate.core.request import WorkloadChange
from tiergate.core.workload import Workload
from tiergate.manifests.load import load, loaded_of

pytestmark = pytest.mark.cluster

SEED: Final = 7
CASES: Final = 42
WHAT_RUNS: Final = (
    "resourcequotas,limitranges,persistentvolumeclaims,deployments,statefulsets,daemonsets,jobs,cronjobs -A"
)
"""As docs/check.md says it."""
AMOUNTS: Final[dict[str, tuple[Any, ...]]] = {
    "cpu": ("5m", "100m", 0.25, "500m", 1, "2", "3", "1e-1"),
    "memory": ("16Mi", "64Mi", "512Mi", "1Gi", 134217728, "0.5Gi"),
    "ephemeral-storage": ("1Gi", "30Gi"),
}
KINDS: Final = ("Pod", "Deployment", "StatefulSet", "Job", "CronJob", "PersistentVolumeClaim")


def manifests(namespace: str) -> Iterator[dict[str, Any]]:
    """Yield random objects: few fit, and each kind is among them."""
    choose = random.Random(SEED)  # noqa: S311  # nothing secret
    for number in range(CASES):
        kind = KINDS[number % len(KINDS)]
        metadata = {"name": f"case-{number}", "namespace": namespace}
        yield {"apiVersion": _version(kind), "kind": kind, "metadata": metadata, "spec": _spec(kind, choose)}


def _version(kind: str) -> str:
    return "v1" if kind in ("Pod", "PersistentVolumeClaim") else "batch/v1" if "Job" in kind else "apps/v1"


def _spec(kind: str, choose: random.Random) -> dict[str, Any]:
    if kind == "PersistentVolumeClaim":
        size = choose.choice(("1Gi", "9Gi", "11Gi", 1e9))
        return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    pod = _pod(choose)
    if kind == "Pod":
        return pod
    template = {"metadata": {"labels": {"app": "case"}}, "spec": pod}
    if kind in ("Job", "CronJob"):
        pod["restartPolicy"] = "Never"
        job = {"template": template, "parallelism": choose.choice((1, 3, 30))}
        return job if kind == "Job" else {"schedule": "0 0 * * *", "jobTemplate": {"spec": job}}
    spec = {
        "replicas": choose.choice((0, 1, 3, 30)),
        "selector": {"matchLabels": {"app": "case"}},
        "template": template,
    }
    return spec if kind == "Deployment" else {**spec, "serviceName": "case"}


def _pod(choose: random.Random) -> dict[str, Any]:
    names = ["main", "side"][: choose.randint(1, 2)]
    containers = [{"name": name, "image": "registry.example/x:1.0", "resources": _resources(choose)} for name in names]
    pod: dict[str, Any] = {"containers": containers}
    if choose.random() < 0.2:
        pod["initContainers"] = [{"name": "init", "image": "registry.example/x:1.0", "resources": _resources(choose)}]
    return pod


def _resources(choose: random.Random) -> dict[str, Any]:
    sides = {side: {name: choose.choice(AMOUNTS[name]) for name in AMOUNTS if choose.random() < 0.4}
             for side in ("requests", "limits")}  # fmt: skip
    return {side: amounts for side, amounts in sides.items() if amounts}


@pytest.fixture
def known(folder: Folder, cluster: Cluster, namespace: str) -> Folder:
    """What the documentation says to ask the cluster for, in files."""
    folder.write(
        {
            "tiers.yaml": cluster.kubectl("get tiers -o yaml").out,
            "namespaces.yaml": cluster.kubectl("get namespaces -o yaml").out,
            "usage.yaml": cluster.kubectl(f"get {WHAT_RUNS} -o yaml").out,
            "objects.yaml": yaml.safe_dump_all(list(manifests(namespace)), sort_keys=False),
        }
    )
    return folder


def checked(folder: Folder) -> dict[str, list[dict[str, Any]]]:
    """Return the findings of the manifests by name of the object, without those of the change set."""
    options = ("--tiers", "tiers.yaml", "--namespaces", "namespaces.yaml", "--usage", "usage.yaml", "-o", "json")
    report = folder.check(*options, "objects.yaml").report
    assert report["unread"] == []
    assert not [one for one in report["objects"] if one["outcome"] == "unproved"]
    found: dict[str, list[dict[str, Any]]] = {one["name"]: [] for one in report["objects"]}
    for one in report["findings"]:
        if not one["rule"].startswith("change-set-"):
            found[one["object"].partition(" ")[2]].append(one)
    return found


def answer(cluster: Cluster, manifest: dict[str, Any]) -> Result:
    return cluster.run("kubectl create --dry-run=server -o yaml -f -", stdin=yaml.safe_dump(manifest, sort_keys=False))


def warnings(result: Result) -> set[str]:
    return {line.removeprefix("Warning: ") for line in result.err.splitlines() if line.startswith("Warning: ")}


def test_a_manifest_is_told_what_the_cluster_says(cluster: Cluster, known: Folder, namespace: str) -> None:
    """Refused by us, refused by the API server itself, or allowed with the same warnings."""
    findings, seen = checked(known), {"refused": 0, "invalid": 0, "warned": 0, "allowed": 0}
    for manifest in manifests(namespace):
        found, result = findings[manifest["metadata"]["name"]], answer(cluster, manifest)
        errors = [one for one in found if one["severity"] == "error"]
        if re.search(r"is invalid|\(Invalid\)", result.err):
            assert "api-validation" in {one["rule"] for one in errors}, (manifest, result.err, found)
            seen["invalid"] += 1
        elif result.code != 0:
            assert "denied the request" in result.err, result.err
            said = result.err.partition("denied the request: ")[2]
            lines = re.sub(r"^.*?\(tier [^)]*\): ", "", said).rstrip().splitlines()
            assert lines == [one["message"] for one in errors], (manifest, result.err)
            seen["refused"] += 1
        else:
            assert errors == [], (manifest, result.err)
            assert warnings(result) == {one["message"] for one in found}, manifest
            seen["warned" if found else "allowed"] += 1
    assert all(seen.values()), seen


def test_a_pod_gets_what_the_check_shows(cluster: Cluster, known: Folder, namespace: str) -> None:
    options = ("--tiers", "tiers.yaml", "--namespaces", "namespaces.yaml", "--usage", "usage.yaml", "-o", "json")
    report = known.check(*options, "objects.yaml").report
    shown = {one["name"]: one for one in report["objects"]}
    compared = 0
    for manifest in manifests(namespace):
        result = answer(cluster, manifest) if manifest["kind"] == "Pod" else None
        if result is None or result.code != 0:
            continue
        stored = yaml.safe_load(result.out)
        for pointer, value in shown[manifest["metadata"]["name"]]["defaults"].items():
            assert str(at(stored, pointer)) == value
            compared += 1
    assert compared


def at(value: Any, pointer: str) -> Any:  # noqa: ANN401  # any value of JSON
    """Return the value at a JSON pointer."""
    for token in pointer.split("/")[1:]:
        value = value[int(token)] if isinstance(value, list) else value[token.replace("~1", "/").replace("~0", "~")]
    return value


def of_the_corpus(namespace: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of both corpora that tiers judge, in a namespace, each under a name of its own."""
    loaded = load([str(SETS), *([] if CORPUS is None else [str(CORPUS)])])
    for number, manifest in enumerate(loaded.manifests):
        kind = kind_of(manifest)
        if kind is not None and kind.namespaced:
            one = json.loads(manifest.raw)
            metadata = {**one["metadata"], "name": f"corpus-{number}", "namespace": namespace}
            metadata.pop("generateName", None)
            yield {**one, "apiVersion": manifest.api_version, "kind": manifest.kind, "metadata": metadata}


def collection(manifest: dict[str, Any]) -> str:
    """Return where an object is created by dry-run."""
    version, plural = manifest["apiVersion"], f"{manifest['kind'].lower()}s"
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{base}/namespaces/{manifest['metadata']['namespace']}/{plural}?dryRun=All"


def workload_of(one: dict[str, Any]) -> Workload | None:
    """Return an object as a workload, None where it is none."""
    (manifest,) = loaded_of(json.dumps(one).encode(), "one").manifests
    kind = kind_of(manifest)
    subject = None if kind is None else subject_of(manifest, kind)
    return subject.workload if isinstance(subject, WorkloadChange) else None


def test_the_corpus_and_random_objects_get_the_same_verdict_rules_and_defaults(
    cluster: Cluster, folder: Folder, namespace: str
) -> None:
    """By ``status.details.causes``, wherever the API server's own validation passes."""
    objects = [*of_the_corpus(namespace), *manifests(namespace)]
    folder.write(
        {
            "cluster.yaml": cluster.kubectl(f"get tiers,namespaces,{WHAT_RUNS} -o yaml").out,
            "objects.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
        }
    )
    report = folder.check("--usage", "cluster.yaml", "-o", "json", "objects.json").report
    shown = {one["name"]: one for one in report["objects"]}
    seen = {"refused": 0, "invalid": 0, "stored": 0, "workloads": 0, "defaults": 0}
    with cluster.raw_api() as api:
        for one in objects:
            name = one["metadata"]["name"]
            told = [it for it in report["findings"] if it["object"].partition(" ")[2] == name]
            errors = [
                it["rule"] for it in told if it["severity"] == "error" and not it["rule"].startswith("change-set-")
            ]
            status, answered = api.call("POST", collection(one), one)
            if status in (400, 404, 422):  # also of a version that there was once
                seen["invalid"] += 1
                continue
            causes = answered.get("details", {}).get("causes", []) if status == 403 else []
            assert errors == [cause["reason"] for cause in causes], (one, status, answered)
            assert (status == 403) == (shown[name]["outcome"] == "fail"), (one, answered)
            seen["refused" if status == 403 else "stored"] += 1
            if status == 201 and (new := workload_of(one)) and (stored := workload_of(answered)):
                assert change_of(new, stored) == "unchanged", (one, answered)
                seen["workloads"] += 1
            for pointer, value in shown[name]["defaults"].items() if one["kind"] == "Pod" and status == 201 else ():
                assert str(at(answered, pointer)) == value
                seen["defaults"] += 1
    assert all(seen.values()), seen
    assert len(objects) > CASES + 10
