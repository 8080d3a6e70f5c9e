"""The policy of docs/teams.md: nobody takes a namespace out of its tier by deleting it and creating it anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.controlplane.api import Object
from tests.controlplane.cluster import Cluster, until

pytestmark = pytest.mark.cluster

POLICY: Final = Path(__file__).parents[2] / "docs" / "policies" / "namespaces-stay-in-tiers.yaml"
USER: Final = "maker"
ROLE: Final = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": USER},
    "rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create", "delete", "get"]}],
}


def a_namespace(name: str, tier: str | None) -> Object:
    labels = {} if tier is None else {"tiergate.io/tier": tier}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def created(cluster: Cluster, name: str, tier: str | None, *, flags: str = "--dry-run=server") -> str:
    """Return why the user may not create it, or ""."""
    return cluster.run(f"kubectl create -f - --as {USER} {flags}", stdin=json.dumps(a_namespace(name, tier))).err


def deleted(cluster: Cluster, name: str) -> str:
    return cluster.run(f"kubectl delete namespace {name} --as {USER} --dry-run=server").err


@pytest.fixture
def kept(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster with the policy in force, and a user who may create and delete namespaces."""
    cluster.apply(ROLE)
    cluster.kubectl(f"create clusterrolebinding {USER} --clusterrole={USER} --user={USER}")
    cluster.kubectl(f"apply -f {POLICY}")
    until(lambda: created(cluster, "free", None), "the policy is in force")
    yield cluster
    cluster.kubectl(f"delete -f {POLICY}")
    cluster.kubectl(f"delete clusterrole,clusterrolebinding {USER}")


def test_a_namespace_leaves_no_tier_by_being_made_anew(kept: Cluster, namespace: str) -> None:
    assert 'deleting a namespace of tier "dev" requires the verb "assign"' in deleted(kept, namespace)
    assert 'requires the verb "assign" on all tiers' in created(kept, "free", None)


def test_who_may_assign_a_tier_may_do_both_in_it(kept: Cluster, namespace: str) -> None:
    kept.kubectl(f"create clusterrole {USER}-dev --verb=assign --resource=tiers.tiergate.io --resource-name=dev")
    kept.kubectl(f"create clusterrolebinding {USER}-dev --clusterrole={USER}-dev --user={USER}")
    try:
        until(lambda: not deleted(kept, namespace), "the role is in force")
        assert not created(kept, "another", "dev")
        assert 'requires the verb "assign" on all tiers' in created(kept, "free", None)
    finally:
        kept.kubectl(f"delete clusterrole,clusterrolebinding {USER}-dev")
