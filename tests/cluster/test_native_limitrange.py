"""`nativeLimitRange: true` on a real API server, which completes what is written and would be rewritten for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.cluster.objects import a_pod, a_tier
from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster, until

pytestmark = pytest.mark.cluster

SECONDS = 2.0
NAMESPACE = "ranged"
LIMITS = [
    {"type": "Container", "min": {"cpu": "10m"}, "max": {"cpu": "0.5", "memory": "512Mi"}, "default": {"cpu": "250m"}},
    {"type": "Pod", "max": {"cpu": "2"}},
    {"type": "PersistentVolumeClaim", "max": {"storage": "10Gi"}},
]
LABELS = {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "ranged"}


@pytest.fixture
def ranged(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster with a tier that asks for a LimitRange, and one namespace of it."""
    cluster.apply(a_tier("ranged", {"limits": LIMITS, "nativeLimitRange": True, "quotas": []}))
    labels = {"tiergate.io/tier": "ranged"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    until(lambda: limit_range(cluster) is not None, "the LimitRange is there", seconds=SECONDS)
    yield cluster
    cluster.kubectl(f"delete namespace {NAMESPACE} --timeout=60s")
    cluster.kubectl("delete tier ranged --timeout=20s")


def limit_range(cluster: Cluster) -> Object | None:
    found = cluster.run(f"kubectl get limitrange tier -n {NAMESPACE} -o json")
    return found.json if found.code == 0 else None


def spec(cluster: Cluster) -> Object:
    found = limit_range(cluster)
    return {} if found is None else found["spec"]


def patch_tier(cluster: Cluster, spec: Object) -> None:
    cluster.kubectl(f"patch tier ranged --type=merge -p '{json.dumps({'spec': spec})}'")


def reason(cluster: Cluster) -> str:
    conditions = cluster.kubectl("get tier ranged -o json").json.get("status", {}).get("conditions", ())
    return next((str(one["reason"]) for one in conditions if one["type"] == "Ready"), "")


def test_the_server_completes_it_and_it_is_left_alone(ranged: Cluster) -> None:
    """Derived defaults and canonical quantities are no drift: the object keeps its first version."""
    first = limit_range(ranged)
    assert first is not None
    assert first["metadata"]["labels"] == LABELS
    container = next(one for one in first["spec"]["limits"] if one["type"] == "Container")
    assert container["default"] == {"cpu": "250m", "memory": "512Mi"}
    assert container["max"]["cpu"] == "500m"
    until(lambda: reason(ranged) == "QuotasInForce", "the tier is ready")
    ranged.kubectl(f"annotate namespace {NAMESPACE} example.com/touched=1")
    time.sleep(SECONDS)
    assert limit_range(ranged) == first


def test_it_refuses_by_itself_and_sets_defaults(ranged: Cluster) -> None:
    """LimitRanger is the last guard; a pod without resources is complete before any webhook sees it."""
    pod = json.dumps(a_pod("large", limits={"cpu": "1"}))
    refused = ranged.run(f"kubectl create -n {NAMESPACE} -f -", stdin=pod)
    assert "maximum cpu usage per Container is 500m, but limit is 1" in refused.err


def test_it_is_repaired(ranged: Cluster) -> None:
    """Deleted, edited, a label taken away: two seconds later it is right again."""
    whole = spec(ranged)
    ranged.kubectl(f"delete limitrange tier -n {NAMESPACE}")
    until(lambda: spec(ranged) == whole, "it is there again", seconds=SECONDS)
    removal = json.dumps([{"op": "remove", "path": "/spec/limits/0"}])
    ranged.kubectl(f"patch limitrange tier -n {NAMESPACE} --type=json -p '{removal}'")
    until(lambda: spec(ranged) == whole, "the item is there again", seconds=SECONDS)
    ranged.kubectl(f"label limitrange tier -n {NAMESPACE} app.kubernetes.io/managed-by-")
    until(lambda: (limit_range(ranged) or {})["metadata"]["labels"] == LABELS, "the label is back", seconds=SECONDS)


def test_it_goes_when_the_tier_does_not_ask_or_does_not_enforce(ranged: Cluster) -> None:
    """Switched off and on, then through a mode in which nothing may refuse."""
    for off, on in (
        ({"nativeLimitRange": False}, {"nativeLimitRange": True}),
        ({"enforcement": "Warn"}, {"enforcement": "Enforce"}),
    ):
        patch_tier(ranged, off)
        until(lambda: limit_range(ranged) is None, f"it is gone after {off}", seconds=SECONDS)
        patch_tier(ranged, on)
        until(lambda: limit_range(ranged) is not None, f"it is there after {on}", seconds=SECONDS)


def test_a_foreign_one_of_our_name_is_never_taken_over(ranged: Cluster) -> None:
    """The tier says so, and takes the name when it is free."""
    patch_tier(ranged, {"nativeLimitRange": False})
    until(lambda: limit_range(ranged) is None, "ours is gone", seconds=SECONDS)
    theirs = {"limits": [{"type": "Pod", "max": {"cpu": "64"}}]}
    ranged.apply(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "tier"}, "spec": theirs}, namespace=NAMESPACE
    )
    patch_tier(ranged, {"nativeLimitRange": True})
    until(lambda: reason(ranged) == "ForeignLimitRange", "the tier says so")
    assert spec(ranged) == theirs
    ranged.kubectl(f"delete limitrange tier -n {NAMESPACE}")
    until(lambda: reason(ranged) == "QuotasInForce", "ours has taken the name")
    assert spec(ranged) != theirs
