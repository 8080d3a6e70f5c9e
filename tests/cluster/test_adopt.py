"""Adopting namespaces on a real API server, by the commands of the report as written: pods are judged as before."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.check.running import Folder
from tests.cluster.objects import a_pod
from tests.commands.running import Program
from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster, until

pytestmark = pytest.mark.cluster

CPU: Final[Object] = {"type": "Container", "min": {"cpu": "10m"}, "max": {"cpu": "1"}, "default": {"cpu": "100m"}}
LARGE: Final[Object] = {"type": "Container", "max": {"cpu": "2"}}
NO_EFFECT: Final[Object] = {"type": "example.com/Agent", "max": {"example.com/tokens": "1"}}
NATIVE: Final[dict[str, dict[str, Object]]] = {
    "adopt-a-dev": {
        "LimitRange limits": {"limits": [CPU]},
        "ResourceQuota compute": {"hard": {"limits.cpu": "2", "pods": "3"}},
    },
    "adopt-b-dev": {
        "LimitRange limits": {"limits": [{**CPU, "max": {"cpu": "1000m"}}]},
        "LimitRange wide": {"limits": [{"type": "Container", "max": {"cpu": "4"}, "default": {"cpu": "100m"}}]},
        "ResourceQuota cpu": {"hard": {"limits.cpu": "2"}},
        "ResourceQuota pods": {"hard": {"pods": "3", "nvidia.com/gpu": "1"}},
    },
    "adopt-named": {
        "ResourceQuota tier": {"hard": {"requests.memory": "1Gi", "count/widgets.example.com": "3"}},
        "ResourceQuota late": {"hard": {"pods": "1"}, "scopes": ["Terminating"]},
    },
    "adopt-storage": {
        "LimitRange claims": {"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "5Gi"}}]},
        "LimitRange pods": {"limits": [{"type": "Pod", "max": {"memory": "1Gi"}}, NO_EFFECT]},
        "ResourceQuota storage": {"hard": {"requests.storage": "8Gi"}},
    },
    "adopt-odd": {
        "LimitRange limits": {"limits": [{"type": "Container", "max": {"cpu": "3", "memory": "256m"}}]},
        "LimitRange more": {"limits": [{**LARGE, "maxLimitRequestRatio": {"cpu": "4"}}]},
        "ResourceQuota compute": {"hard": {"limits.cpu": "1", "configmaps": "20"}},
    },
}  # fmt: skip
PODS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "adopt-a-dev": {"bare": {}, "large": {"limits": {"cpu": "2"}}, "tiny": {"limits": {"cpu": "1m"}}},
    "adopt-b-dev": {"bare": {}, "large": {"limits": {"cpu": "2"}}, "good": {"limits": {"cpu": "900m"}}},
    "adopt-named": {"bare": {}, "good": {"requests": {"memory": "1Gi"}}, "large": {"requests": {"memory": "2Gi"}}},
    "adopt-storage": {"bare": {}, "good": {"limits": {"memory": "1Gi"}}, "large": {"limits": {"memory": "2Gi"}}},
    "adopt-odd": {
        "good": {"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}},
        "large": {"limits": {"cpu": "3"}},
        "apart": {"limits": {"cpu": "1"}, "requests": {"cpu": "1m"}},
    },
}
CLAIMS: Final = {"adopt-storage": {"good": "5Gi", "large": "6Gi"}}


def objects() -> Iterator[Object]:
    for namespace, specs in NATIVE.items():
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        for named, spec in specs.items():
            kind, name = named.split()
            yield {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


@pytest.fixture
def tiergate(capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(capsys)


@pytest.fixture
def teams(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster with namespaces that nobody has put into a tier, and their own bounds in force."""
    if cluster.plane is None:
        pytest.skip("the accounts of pods are made by hand")
    cluster.apply(*objects())
    for namespace in NATIVE:
        until(lambda n=namespace: cluster.run(f"kubectl get sa default -n {n}").code == 0, "pods can be created")  # type: ignore[misc]
        line = f"kubectl get resourcequota -n {namespace} -o json"
        until(lambda line=line: all(one["status"].get("used") for one in cluster.run(line).json["items"]), "quotas")  # type: ignore[misc]
    yield cluster
    cluster.kubectl(f"label namespace {' '.join(NATIVE)} tiergate.io/tier-")
    cluster.kubectl(f"delete namespace {' '.join(NATIVE)} --wait=false")
    cluster.kubectl("delete tier dev-adopted named-adopted adopt-storage adopt-odd --ignore-not-found --timeout=20s")


def verdicts(cluster: Cluster) -> dict[str, bool]:
    """Return of each pod and claim whether it may be created."""
    with cluster.raw_api() as api:
        return {
            f"{namespace} {path} {one['metadata']['name']}": api.call(
                "POST", f"/api/v1/namespaces/{namespace}/{path}?dryRun=All", one
            )[0]
            == 201
            for namespace, path, one in asked()
        }


def asked() -> Iterator[tuple[str, str, Object]]:
    """Yield namespace, resource and object of everything that is tried."""
    for namespace, pods in PODS.items():
        yield from ((namespace, "pods", a_pod(name, **resources)) for name, resources in pods.items())
        for name, size in CLAIMS.get(namespace, {}).items():
            spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
            yield namespace, "persistentvolumeclaims", {"metadata": {"name": name}, "spec": spec}


def own_quotas(cluster: Cluster) -> list[str]:
    """Return the namespace of each ResourceQuota of a tier that is in force."""
    listed = cluster.kubectl("get resourcequota -A -l app.kubernetes.io/managed-by=tiergate -o json").json["items"]
    found = [one["metadata"]["namespace"] for one in listed if one.get("status", {}).get("used")]
    return [name for name in found if name in NATIVE]


def steps(report: str) -> list[list[str]]:
    """Return the shell commands of each step of the report."""
    _, _, order = report.partition("steps, in an order that leaves no namespace without bounds\n")
    parts = re.split(r"^  [0-9]\. ", order, flags=re.MULTILINE)[1:]
    return [[line for line in part.splitlines()[1:] if line.startswith("     ")] for part in parts]


def shell(cluster: Cluster, lines: list[str]) -> None:
    path = f"{Path(cluster.programs['kubectl']).parent}{os.pathsep}{os.environ['PATH']}"
    script = "\n".join(["set -eu", *lines])
    ran = subprocess.run(
        ["bash", "-c", script], env={**cluster.environment, "PATH": path}, capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, (script, ran.stdout, ran.stderr)


def test_what_passed_passes_and_what_was_refused_is_refused(tiergate: Program, folder: Folder, teams: Cluster) -> None:
    before = verdicts(teams)
    assert {False, True} == set(before.values())
    words = [word for name in NATIVE for word in ("-n", name)]
    names = ("--name", "adopt-a-dev=dev-adopted", "--name", "adopt-named=named-adopted")
    files = ("--output-file", "tiers.yaml", "--report", "report.txt")
    ran = tiergate("adopt", "--kubeconfig", str(teams.kubeconfig), *words, *names, *files)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    written = list(yaml.safe_load_all((folder.path / "tiers.yaml").read_text()))
    labels = {one["metadata"]["name"]: one["metadata"]["labels"] for one in written if one["kind"] == "Namespace"}
    assert labels["adopt-a-dev"] == labels["adopt-b-dev"] == {"tiergate.io/tier": "dev-adopted"}
    free, _, _, enforce, remove = steps((folder.path / "report.txt").read_text())
    shell(teams, free)
    teams.kubectl(f"apply --server-side -f {folder.path / 'tiers.yaml'}")
    assert verdicts(teams) == before
    shell(teams, enforce)
    assert set(own_quotas(teams)) == set(NATIVE)
    assert verdicts(teams) == before
    shell(teams, remove)
    assert teams.kubectl("get tiers -o json").json["items"]
    for namespace in NATIVE:
        left = teams.kubectl(f"get resourcequota,limitrange -n {namespace} -o json").json["items"]
        assert {one["metadata"]["labels"]["app.kubernetes.io/managed-by"] for one in left} <= {"tiergate"}
    until(lambda: verdicts(teams) == before, "the same verdicts from the tiers alone", seconds=15)
