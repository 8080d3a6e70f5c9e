from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.objects import a_pod, a_tier, resources_of
from tests.cluster.replicas import replicas
from tests.cluster.story import CONTAINER
from tests.controlplane.cluster import Cluster, until

pytestmark = pytest.mark.cluster
# Written as \u003c by the API server, so six times as long in reviews and watch events.
ANGLES = "<" * 1_200_000
QUARTER = "<" * 250_000
STORED = 40
"""Pods of ANGLES: 290 MB in one list."""
MOST_MEMORY = 300 * 1024
"""KiB of a process, at its peak: the chart's limit is 512 MiB."""


def _keeps_up(cluster: Cluster, namespace: str) -> None:
    """Assert that tiers, quotas and namespaces are still followed by every replica, each time asked anew."""
    patch = [{"op": "replace", "path": "/spec/limits/0/default/cpu", "value": "260m"}]
    cluster.kubectl(f"patch tier dev --type=json -p '{json.dumps(patch)}'")
    line = f"create -n {namespace} --dry-run=server -o json -f -"

    def limit() -> str:
        pod = cluster.kubectl(line, stdin=json.dumps(a_pod("asks"))).json
        return str(resources_of(pod)["limits"]["cpu"])

    try:
        until(lambda: [limit() for _ in range(6)] == ["260m"] * 6, "every replica knows the new default", seconds=5)
    finally:
        patch[0]["value"] = CONTAINER["dev"]["default"]["cpu"]
        cluster.kubectl(f"patch tier dev --type=json -p '{json.dumps(patch)}'")
    until(lambda: [limit() for _ in range(6)] == ["250m"] * 6, "every replica knows the old default", seconds=5)


def test_a_pod_of_huge_escaped_text_disturbs_no_cache(cluster: Cluster, namespace: str) -> None:
    """A pod with 1.2 MB of < is admitted, gets its defaults, and every cache goes on."""
    before = {each.name: each.restarts for each in replicas(cluster)}
    with cluster.raw_api() as raw_api:
        code, pod = raw_api.call("POST", f"/api/v1/namespaces/{namespace}/pods", a_pod("huge", env=ANGLES))
    assert code == 201, pod
    assert resources_of(pod)["limits"] == CONTAINER["dev"]["default"]
    _keeps_up(cluster, namespace)
    assert {each.name: each.restarts for each in replicas(cluster)} == before


@pytest.mark.parametrize("kind", ["namespace", "tier", "resourcequota"])
def test_huge_escaped_text_in_a_watched_object_disturbs_no_cache(cluster: Cluster, namespace: str, kind: str) -> None:
    """A watch event of 1.5 MB in one line, for each kind that the server and the controller watch."""
    names = {"namespace": namespace, "tier": "dev", "resourcequota": f"tier -n {namespace}"}
    patch = {"metadata": {"annotations": {"example.com/text": QUARTER}}}
    line = f"patch {kind} {names[kind]} --type=merge --patch-file=/dev/stdin"
    cluster.kubectl(line, stdin=json.dumps(patch))
    _keeps_up(cluster, namespace)
    cluster.kubectl(line, stdin=json.dumps({"metadata": {"annotations": {"example.com/text": None}}}))


@pytest.fixture
def crowded(cluster: Cluster) -> Iterator[str]:
    """A namespace of a tier in mode Warn, for which the webhook indexes all pods, with many large ones."""
    cluster.apply(a_tier("crowded", {"enforcement": "Warn", "quotas": [{"name": "compute", "hard": {"pods": "1"}}]}))
    metadata = {"name": "crowded", "labels": {"tiergate.io/tier": "crowded"}}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    with cluster.raw_api() as raw_api:
        for number in range(STORED):
            pod = a_pod(f"large-{number}", env=ANGLES)
            assert raw_api.call("POST", "/api/v1/namespaces/crowded/pods", pod)[0] == 201
    yield "crowded"
    cluster.kubectl("delete namespace crowded --timeout=120s")
    cluster.kubectl("delete tier crowded --timeout=20s")


def _peak(pid: int) -> int:
    """Return the largest memory that a process and its children each had, in KiB."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = re.search(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{pid}/status").read_text())
    assert own is not None
    return max(int(own[1]), *map(_peak, map(int, children)), 0)


@pytest.mark.long
def test_a_replica_that_starts_beside_large_pods_stays_small(cluster: Cluster, crowded: str) -> None:
    if cluster.plane is None:
        pytest.skip("the memory of a replica is seen on the harness's own control plane only")
    cluster.kubectl("rollout restart deployment tiergate-webhook -n tiergate-system")
    cluster.kubectl("rollout status deployment tiergate-webhook -n tiergate-system --timeout=120s")
    known = f"pods asks 1, used {STORED} of 1"
    line = f"kubectl create -n {crowded} --dry-run=server -f -"

    def answers() -> list[bool]:
        return [known in cluster.run(line, stdin=json.dumps(a_pod("asks"))).err for _ in range(6)]

    until(lambda: all(answers()), "every replica knows the usage", seconds=60)
    peaks = [_peak(each.pid) for each in replicas(cluster)]
    assert max(peaks) < MOST_MEMORY, peaks
    print(f"peaks: {peaks} KiB")
