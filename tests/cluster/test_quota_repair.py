from __future__ import annotations

import json

import pytest

from tests.cluster.story import COUNTS, HARD
from tests.controlplane.cluster import Cluster, until

pytestmark = pytest.mark.cluster
REPAIR_SECONDS = 10.0
"""It takes less than 2 s on a machine that does nothing else, and a full pass of the controller comes every 30 s."""
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
    until(lambda: _is_whole(cluster, namespace), "the quota is as the tier says", seconds=REPAIR_SECONDS)


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


MANAGED_BY = "app.kubernetes.io/managed-by"
NINE = {"spec": {"hard": {"pods": "9"}}}


def labels(cluster: Cluster, namespace: str) -> dict[str, str]:
    found: dict[str, str] = cluster.kubectl(f"get resourcequota tier -n {namespace} -o json").json["metadata"]["labels"]
    return found


@pytest.mark.parametrize("name", [MANAGED_BY, "tiergate.io/tier"])
def test_a_label_of_ours_that_is_removed_comes_back(cluster: Cluster, namespace: str, name: str) -> None:
    whole = labels(cluster, namespace)
    assert whole == {MANAGED_BY: "tiergate", "tiergate.io/tier": "dev"}
    cluster.kubectl(f"label resourcequota tier -n {namespace} {name}-")
    until(lambda: labels(cluster, namespace) == whole, "both labels are there again", seconds=REPAIR_SECONDS)


@pytest.fixture
def foreign(cluster: Cluster, namespace: str) -> str:
    """Somebody else's quota in the namespace: its name."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "own"}, "spec": {"hard": {"pods": "9"}}}
    cluster.apply(quota, namespace=namespace)
    return "own"


def names(cluster: Cluster, namespace: str) -> set[str]:
    return set(cluster.kubectl(f"get resourcequota -n {namespace} -o jsonpath={{.items[*].metadata.name}}").out.split())


def test_a_namespace_that_leaves_its_tier_loses_our_quota_alone(cluster: Cluster, namespace: str, foreign: str) -> None:
    before = cluster.kubectl(f"get resourcequota {foreign} -n {namespace} -o json").json["spec"]
    cluster.kubectl(f"label namespace {namespace} tiergate.io/tier-")
    until(lambda: names(cluster, namespace) == {foreign}, "ours is gone", seconds=REPAIR_SECONDS)
    assert cluster.kubectl(f"get resourcequota {foreign} -n {namespace} -o json").json["spec"] == before
    cluster.kubectl(f"label namespace {namespace} tiergate.io/tier=dev")
    until(lambda: names(cluster, namespace) == {foreign, "tier"}, "ours is there again", seconds=REPAIR_SECONDS)


def test_a_quota_that_the_tier_does_not_have_any_more_is_removed(
    cluster: Cluster, namespace: str, foreign: str
) -> None:
    """A scoped quota comes as an object of its own, and goes as soon as the tier drops it."""
    batch = {"name": "batch", "hard": {"pods": "5"}, "scopes": ["Terminating"]}
    add = json.dumps([{"op": "add", "path": "/spec/quotas/-", "value": batch}])
    cluster.kubectl(f"patch tier dev --type=json -p '{add}'")
    until(lambda: len(names(cluster, namespace)) == 3, "the scoped quota is there", seconds=REPAIR_SECONDS)
    last = len(cluster.kubectl("get tier dev -o json").json["spec"]["quotas"]) - 1
    remove = json.dumps([{"op": "remove", "path": f"/spec/quotas/{last}"}])
    cluster.kubectl(f"patch tier dev --type=json -p '{remove}'")
    until(lambda: names(cluster, namespace) == {foreign, "tier"}, "it is gone again", seconds=REPAIR_SECONDS)


def _reason(cluster: Cluster) -> str:
    """Return why the tier is Ready or not."""
    conditions = cluster.kubectl("get tier dev -o json").json["status"]["conditions"]
    return next(str(one["reason"]) for one in conditions if one["type"] == "Ready")


def test_a_foreign_quota_of_our_name_is_never_taken_over(cluster: Cluster, namespace: str) -> None:
    """An object without any label of ours is somebody's; the tier says so until it is gone."""
    foreign = json.dumps([{"op": "remove", "path": "/metadata/labels"}])
    cluster.kubectl(f"patch resourcequota tier -n {namespace} --type=json -p '{foreign}'")
    cluster.kubectl(f"patch resourcequota tier -n {namespace} --type=merge -p '{json.dumps(NINE)}'")
    until(lambda: _reason(cluster) == "ForeignResourceQuota", "the tier says so")
    quota = cluster.kubectl(f"get resourcequota tier -n {namespace} -o json").json
    assert quota["spec"]["hard"]["pods"] == "9"
    assert "labels" not in quota["metadata"]
    cluster.kubectl(f"delete resourcequota tier -n {namespace}")
    until(lambda: _is_whole(cluster, namespace), "ours takes the name", seconds=REPAIR_SECONDS)
    cluster.kubectl("wait --for=condition=Ready tier/dev --timeout=20s")
