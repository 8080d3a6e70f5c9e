from __future__ import annotations

import json

import pytest

from tests.cluster.objects import a_tier
from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster

pytestmark = pytest.mark.cluster

# What the schema of the CRD refuses by itself, and what takes a look across fields.
FOR_THE_SCHEMA: Object = {
    "limits": [{"type": "Container", "min": {"cpu": "500m"}, "max": {"cpu": "100m"}}],
    "quotas": [{"name": "compute", "hard": {"hats": "20"}}],
}
FOR_THE_WEBHOOK: Object = {
    "limits": [{"type": "Container", "default": {"memory": "2Gi"}}],
    "quotas": [{"name": "compute", "hard": {"limits.memory": "1Gi", "nvidia.com/gpu": "8", "pods": "1500m"}}],
}


@pytest.mark.parametrize(
    ("spec", "code", "fields"),
    [
        pytest.param(FOR_THE_SCHEMA, 422, {"spec.limits[0].min", "spec.quotas[0].hard"}, id="by-the-schema"),
        pytest.param(
            FOR_THE_WEBHOOK,
            403,
            {
                "/spec/limits/0/default/memory",
                "/spec/quotas/0/hard/nvidia.com~1gpu",
                "/spec/quotas/0/hard/pods",
            },
            id="by-the-webhook",
        ),
    ],
)
def test_a_bad_tier_is_refused_with_all_faults_at_once(
    cluster: Cluster, spec: Object, code: int, fields: set[str]
) -> None:
    with cluster.raw_api() as raw_api:
        answered, status = raw_api.call("POST", "/apis/tiergate.io/v1alpha1/tiers", a_tier("faulty", spec))
    assert answered == code, status
    named = {cause["field"] for cause in status["details"]["causes"]}
    assert fields <= named, status
    assert "NotFound" in cluster.run("kubectl get tier faulty").err


def test_a_tier_with_a_malformed_quantity_is_not_stored(cluster: Cluster) -> None:
    tier = a_tier("malformed", {"quotas": [{"name": "compute", "hard": {"pods": "1K"}}]})
    result = cluster.run("kubectl create -f -", stdin=json.dumps(tier))
    assert result.code != 0
    assert "/spec/quotas/0/hard/pods" in result.err or "spec.quotas[0].hard" in result.err
    assert "NotFound" in cluster.run("kubectl get tier malformed").err


def test_a_tier_in_use_cannot_be_deleted(cluster: Cluster, namespace: str) -> None:
    """The refusal names the namespaces; a dry run would have said the same."""
    for flags in ("--dry-run=server", ""):
        result = cluster.run(f"kubectl delete tier dev {flags} --wait=false")
        assert result.code != 0
        assert namespace in result.err


def test_a_tier_without_namespaces_can_be_deleted(cluster: Cluster) -> None:
    cluster.apply(a_tier("unused", {"quotas": [{"name": "compute", "hard": {"pods": "1"}}]}))
    cluster.kubectl("delete tier unused --timeout=20s")


def test_describe_says_what_is_in_force_and_how_full_it_is(cluster: Cluster) -> None:
    """Conditions with sentences, and used/hard of every name of the quota."""
    told = [" ".join(line.split()) for line in cluster.kubectl("describe tier staging").out.splitlines()]
    for line in (
        "Message: ResourceQuotas are in force in namespace staging",
        "Message: the webhooks are registered as released, trust the current certificate, and a replica answers",
        "Mode: Enforce",
        "Namespaces: 1",
        "requests.storage: 0/30Gi",
    ):
        assert line in told
