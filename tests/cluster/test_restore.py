"""After a restore of etcd nothing goes on by what was before it."""

from __future__ import annotations

import json

import pytest

from tests.cluster import story
from tests.cluster.narrator import Narrator
from tests.cluster.objects import a_pod, resources_of
from tests.controlplane.cluster import Cluster, until
from tiergate.cluster.client import WATCH_SILENCE

pytestmark = [pytest.mark.cluster, pytest.mark.long]

ASKED = 8
"""Dry-run pods: more than one replica answers."""


def _patch_default(cluster: Cluster, cpu: str) -> None:
    patch = [{"op": "replace", "path": "/spec/limits/0/default/cpu", "value": cpu}]
    cluster.kubectl(f"patch tier dev --type=json -p '{json.dumps(patch)}'")


def _limits(cluster: Cluster) -> set[str]:
    """Return the default limits that the replicas set now."""
    line = "create -n dev --dry-run=server -o json -f -"
    pods = [cluster.run(f"kubectl {line}", stdin=json.dumps(a_pod("asks"))) for _ in range(ASKED)]
    return {"failed" if pod.code != 0 else str(resources_of(pod.json)["limits"]["cpu"]) for pod in pods}


def _quota_of(cluster: Cluster, namespace: str) -> str:
    return cluster.run(f"kubectl get resourcequota tier -n {namespace} -o jsonpath={{.status.hard.pods}}").out


def test_caches_follow_a_restored_cluster(bare_cluster: Cluster) -> None:
    """A watch from a version that the restored server has not reached is silent; webhook and controller list again."""
    cluster = bare_cluster
    if cluster.plane is None:
        pytest.skip("etcd can be restored on the harness's own control plane only")
    story.install(Narrator(cluster, show=lambda _: None))
    cluster.plane.save()
    until(lambda: _limits(cluster) == {"250m"}, "the replicas answer after the backup", seconds=60)
    _patch_default(cluster, "300m")
    until(lambda: _limits(cluster) == {"300m"}, "every replica knows the new default")
    for number in range(60):  # versions that the restored server does not reach by itself
        cluster.kubectl(f"annotate namespace dev example.com/number={number} --overwrite")
    cluster.plane.restore()
    until(
        lambda: _limits(cluster) == {"250m"},
        "every replica knows that the change is undone",
        seconds=WATCH_SILENCE + 60,
        pause=2,
    )
    _patch_default(cluster, "260m")
    until(lambda: _limits(cluster) == {"260m"}, "every replica follows again", seconds=30)
    metadata = {"name": "later", "labels": {"tiergate.io/tier": "dev"}}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    until(lambda: _quota_of(cluster, "later") == "20", "the controller follows again", seconds=WATCH_SILENCE + 60)
