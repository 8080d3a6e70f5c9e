from __future__ import annotations

import json
import time

import pytest

from tests.cluster.story import COUNTS, HARD
from tests.controlplane.cluster import Cluster, until

pytestmark = pytest.mark.cluster
REPAIR_SECONDS = 2.0
DEV = HARD["dev"] | COUNTS["dev"]


def _is_whole(cluster: Cluster, namespace: str) -> bool:
    result = cluster.run(f"kubectl get resourcequota tier -n {namespace} -o json")
    return result.code == 0 and result.json["spec"]["hard"] == DEV


@pytest.mark.parametrize(
    "change",
    [
        pytest.param([{"op": "replace", "path": "/spec/hard/pods", "value": "2000"}], id="raised"),
        pytest.param([{"op": "remove", "path": "/spec/hard/limits.cpu"}], id="name-removed"),
        pytest.param([{"op": "add", "path": "/spec/hard/services", "value": "1"}], id="name-added"),
    ],
)
def test_an_edited_quota_is_repaired(cluster: Cluster, namespace: str, change: list[dict[str, str]]) -> None:
    cluster.kubectl(f"patch resourcequota tier -n {namespace} --type=json -p '{json.dumps(change)}'")
    begun = time.monotonic()
    until(lambda: _is_whole(cluster, namespace), "the quota is as the tier says", seconds=REPAIR_SECONDS)
    assert time.monotonic() - begun < REPAIR_SECONDS


def test_a_deleted_quota_is_made_again(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl(f"delete resourcequota tier -n {namespace}")
    until(lambda: _is_whole(cluster, namespace), "the quota is there again", seconds=REPAIR_SECONDS)


def test_a_changed_tier_changes_its_quotas(cluster: Cluster, namespace: str) -> None:
    """What the tier says is in force in all its namespaces within 2 s, and back again."""
    for value in ("21", "20"):
        patch = json.dumps([{"op": "replace", "path": "/spec/quotas/0/hard/pods", "value": value}])
        cluster.kubectl(f"patch tier dev --type=json -p '{patch}'")
        _until_pods(cluster, namespace, value)


def _until_pods(cluster: Cluster, namespace: str, value: str) -> None:
    line = f"get resourcequota tier -n {namespace} -o jsonpath={{.spec.hard.pods}}"
    until(lambda: cluster.kubectl(line).out == value, f"the quota says {value}", seconds=REPAIR_SECONDS)
