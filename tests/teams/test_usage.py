"""The teams at work on a real API server: what fits, what does not, and what they are told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster, Result, until
from tests.teams.matrix import EXPERIMENTATION, PIPELINE, SERVING, TEAMS
from tests.teams.page import WORKLOADS

pytestmark = pytest.mark.cluster

GPU = "nvidia.com/gpu"


def resources_of(name: str) -> Object:
    """Return the resources of a workload of docs/teams.md."""
    (asks,) = (each.asks for each in WORKLOADS if each.name == name)
    limits = {key.removeprefix("limits."): value for key, value in asks.items() if key.startswith("limits.")}
    requests = {key.removeprefix("requests."): value for key, value in asks.items() if key.startswith("requests.")}
    return {"requests": requests, "limits": {**requests, **limits}}


WORKER = resources_of("training worker")
REPLICA = resources_of("model replica")


def a_pod(name: str, resources: Mapping[str, Any] | None = None, **spec: object) -> Object:
    container: Object = {"name": "main", "image": "registry.example/any:1.0", "resources": resources or {}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"tried": "true"}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0, **spec},
    }


def create(cluster: Cluster, namespace: str, item: Object, *, dry_run: bool = False) -> Result:
    """Create as a member of the team that the namespace is named after."""
    person = f"--as=member --as-group=team-{namespace}"
    flags = " --dry-run=server" if dry_run else ""
    return cluster.run(f"kubectl create -n {namespace} {person}{flags} -o json -f -", stdin=json.dumps(item))


@pytest.fixture
def clean(teams: Cluster) -> Iterator[Cluster]:
    """A cluster in which no team uses anything yet, and no pod of the test stays behind."""
    until(lambda: not used(teams), "no team uses anything")
    yield teams
    for namespace in TEAMS:
        teams.kubectl(f"delete pod -l tried=true -n {namespace} --timeout=30s")


def used(cluster: Cluster) -> list[str]:
    """Return which namespaces of teams have pods, or had them a moment ago by their quota's account."""
    items = cluster.kubectl("get resourcequota --all-namespaces -o json").json["items"]
    busy = [each["metadata"]["namespace"] for each in items if each["status"]["used"].get("pods", "0") != "0"]
    return [name for name in busy if name in TEAMS]


def test_eight_training_workers_fit_and_a_ninth_is_told_why(clean: Cluster) -> None:
    """GPUs and memory end together; CPU is left for the pods that feed the workers."""
    for number in range(8):
        made = create(clean, PIPELINE, a_pod(f"worker-{number}", WORKER))
        assert made.code == 0, made.text
    ninth = create(clean, PIPELINE, a_pod("worker-8", WORKER))
    assert ninth.code != 0
    assert f'quota "compute": requests.{GPU} asks 1, used 8 of 8, over by 1' in ninth.err
    assert 'quota "compute": requests.memory asks 18Gi, used 144Gi of 160Gi, over by 2Gi' in ninth.err
    feeding = {"requests": {"cpu": "1", "memory": "4Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}}
    for number in range(4):
        made = create(clean, PIPELINE, a_pod(f"feeder-{number}", feeding))
        assert made.code == 0, made.text
    for resources in (feeding, {}):
        assert create(clean, PIPELINE, a_pod("one-more", resources)).code != 0


def test_memory_of_a_training_job_is_reserved_whole(clean: Cluster) -> None:
    """What a job may take of memory it has asked for: it is never ended for a neighbour's sake, nor they for its."""
    greedy = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "3", "memory": "4Gi"}}
    refused = create(clean, PIPELINE, a_pod("greedy", greedy), dry_run=True)
    assert refused.code != 0
    assert "limits.cpu / requests.cpu is 3 / 1, the tier allows at most 2" in refused.err
    assert "limits.memory / requests.memory is 4Gi / 2Gi, the tier allows at most 1" in refused.err


def test_a_replica_of_a_model_is_guaranteed(clean: Cluster) -> None:
    """Limits equal requests, with and without resources of its own; anything else is refused with the way out."""
    plain = create(clean, SERVING, a_pod("plain"), dry_run=True)
    assert plain.json["status"]["qosClass"] == "Guaranteed"
    bursting = {"requests": {"cpu": "250m"}, "limits": {"cpu": "500m"}}
    refused = create(clean, SERVING, a_pod("bursting", bursting), dry_run=True)
    assert refused.code != 0
    assert (
        "limits.cpu / requests.cpu is 500m / 250m, the tier allows at most 1; set requests.cpu to 500m" in refused.err
    )
    for number in range(8):
        made = create(clean, SERVING, a_pod(f"replica-{number}", REPLICA))
        assert made.json["status"]["qosClass"] == "Guaranteed"
    assert create(clean, SERVING, a_pod("replica-8", REPLICA)).code != 0


def test_only_two_experiments_live_without_a_deadline(clean: Cluster) -> None:
    """The third is refused, while those with a deadline have all the rest of the tier."""
    for number in range(2):
        made = create(clean, EXPERIMENTATION, a_pod(f"notebook-{number}"))
        assert made.code == 0, made.text
    third = create(clean, EXPERIMENTATION, a_pod("notebook-2"))
    assert third.code != 0
    assert 'quota "long-lived" (pods without activeDeadlineSeconds): pods asks 1, used 2 of 2' in third.err
    for number in range(20):
        made = create(clean, EXPERIMENTATION, a_pod(f"try-{number}", activeDeadlineSeconds=3600))
        assert made.code == 0, made.text
    last = create(clean, EXPERIMENTATION, a_pod("try-20", activeDeadlineSeconds=3600))
    assert last.code != 0
    assert 'quota "compute": pods asks 1, used 22 of 22' in last.err


@pytest.mark.parametrize("namespace", [SERVING, EXPERIMENTATION, "observability"])
def test_only_the_pipeline_has_gpus(teams: Cluster, namespace: str) -> None:
    """A quota that does not name GPUs would not bound them."""
    one = {
        "requests": {"cpu": "100m", "memory": "256Mi", GPU: "1"},
        "limits": {"cpu": "100m", "memory": "256Mi", GPU: "1"},
    }
    refused = create(teams, namespace, a_pod("gpu", one), dry_run=True)
    assert refused.code != 0
    assert f"requests.{GPU} asks 1, and none are allowed" in refused.err


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_no_service_opens_a_port_of_the_nodes(teams: Cluster, kind: str) -> None:
    """Through a node's port one comes in as the node, which no NetworkPolicy stops on the pod's own node."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "door"},
        "spec": {"type": kind, "ports": [{"port": 80}]},
    }
    refused = create(teams, SERVING, service)
    assert refused.code != 0
    assert "exceeded quota: tier" in refused.err
    assert "services.nodeports=0" in refused.err
