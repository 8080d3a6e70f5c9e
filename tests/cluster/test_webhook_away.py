"""With no replica of the webhook: what controllers and people do to existing objects goes on."""

from __future__ import annotations

import json
from typing import Final

import pytest

from tests.cluster import story
from tests.cluster.narrator import Narrator
from tests.cluster.objects import a_pod
from tests.controlplane.api import Object
from tests.controlplane.cluster import NAMESPACE, Cluster, until

pytestmark = pytest.mark.cluster

LABELS: Final = {"tiergate.io/tier": "dev"}
OF_THE_CLUSTER: Final = "kube-flannel"
OURS: Final = {"app.kubernetes.io/managed-by": "tiergate", **LABELS}


GROWING: Final = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "growing"},
    "provisioner": "example.com/none",
    "allowVolumeExpansion": True,
}


CLASSLESS: Final = "classless"
HELD: Final = {"metadata": {"finalizers": ["example.com/held"]}}
GROWTH: Final = """-p '{"spec":{"resources":{"requests":{"storage":"9Gi"}}}}'"""


def a_claim(name: str) -> Object:
    resources = {"requests": {"storage": "1Gi"}}
    spec = {"storageClassName": "growing", "accessModes": ["ReadWriteOnce"], "resources": resources}
    if name == CLASSLESS:
        del spec["storageClassName"]
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def a_volume(name: str, claim: str) -> Object:
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "growing",
        "hostPath": {"path": "/tmp/nothing"},  # noqa: S108  # no node mounts it
        "claimRef": {"namespace": "dev", "name": claim},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


@pytest.fixture(scope="module")
def away(bare_cluster: Cluster) -> Cluster:
    """A cluster with the chart installed and no replica of the webhook any more.

    A namespace of the cluster was labelled before the installation, and a quota of ours is left there.
    """
    labelled = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OF_THE_CLUSTER, "labels": LABELS}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tier", "labels": OURS}}
    bare_cluster.apply(labelled)
    bare_cluster.apply({**quota, "spec": {"hard": {"pods": "0"}}}, namespace=OF_THE_CLUSTER)
    story.install(Narrator(bare_cluster, show=lambda _: None))
    bare_cluster.apply(GROWING)
    for name, namespace in (
        ("bound", "dev"),
        ("freed", "dev"),
        ("held", "dev"),
        (CLASSLESS, "dev"),
        ("left", "staging"),
    ):
        bare_cluster.apply(a_claim(name), namespace=namespace)
    send_away(bare_cluster)
    return bare_cluster


def send_away(cluster: Cluster) -> None:
    """End every replica of the webhook."""
    cluster.kubectl(f"scale deployment tiergate-webhook --replicas=0 -n {NAMESPACE}")
    selector = "app.kubernetes.io/component=webhook"
    cluster.kubectl(f"wait --for=delete pod -l {selector} -n {NAMESPACE} --timeout=60s")
    refused = cluster.run("kubectl run probe --image=x -n dev --dry-run=server")
    assert "failed calling webhook" in refused.err


def test_a_namespace_of_the_cluster_is_not_governed_though_it_has_the_label(away: Cluster) -> None:
    """No quota, no membership, and nobody is asked about its pods."""
    assert "No resources found" in away.kubectl(f"get resourcequota,limitrange -n {OF_THE_CLUSTER}").text
    assert away.kubectl("get tier dev -o jsonpath={.status.namespaces}").out == "1"
    away.kubectl(f"wait --for=create serviceaccount/default -n {OF_THE_CLUSTER} --timeout=30s")
    away.apply(a_pod("flannel"), namespace=OF_THE_CLUSTER)


def test_a_claim_is_bound_and_its_volume_goes(away: Cluster) -> None:
    """The volume controller writes ``volumeName``, and nobody is asked; of growth somebody is."""
    away.apply(a_volume("volume", "bound"))
    away.kubectl("wait --for=jsonpath={.status.phase}=Bound pvc/bound -n dev --timeout=30s")
    grown = away.run(f"kubectl patch pvc bound -n dev {GROWTH}")
    assert "failed calling webhook" in grown.err
    away.kubectl("delete pv volume --wait=false")
    away.kubectl("""patch pv volume --type=merge -p '{"metadata":{"finalizers":null}}'""")
    away.kubectl("wait --for=jsonpath={.status.phase}=Lost pvc/bound -n dev --timeout=30s")


def test_a_claim_without_a_class_gets_the_default_one(away: Cluster) -> None:
    """The volume controller writes it when there is one, which may be much later than the claim."""
    away.kubectl("annotate storageclass growing storageclass.kubernetes.io/is-default-class=true")
    line = f"wait --for=jsonpath={{.spec.storageClassName}}=growing pvc/{CLASSLESS} -n dev --timeout=60s"
    away.kubectl(line)


def test_a_claim_is_labelled_freed_of_its_finalizer_and_deleted(away: Cluster) -> None:
    away.kubectl("label pvc freed -n dev team=a")
    away.kubectl("delete pvc freed -n dev --timeout=30s")
    assert "NotFound" in away.run("kubectl get pvc freed -n dev").err


@pytest.mark.rule("terminating")
def test_a_claim_that_is_being_deleted_is_bound_and_goes_but_does_not_grow(away: Cluster) -> None:
    """Nobody is asked about anything but growth, for as long as something holds it."""
    away.kubectl(f"patch pvc held -n dev --type=merge -p '{json.dumps(HELD)}'")
    away.apply(a_volume("late", "held"))
    away.kubectl("wait --for=jsonpath={.status.phase}=Bound pvc/held -n dev --timeout=30s")
    away.kubectl("delete pvc held -n dev --wait=false")
    assert "failed calling webhook" in away.run(f"kubectl patch pvc held -n dev {GROWTH}").err
    away.kubectl("annotate pvc held -n dev team=a")
    away.kubectl("""patch pvc held -n dev --type=merge -p '{"metadata":{"finalizers":null}}'""")
    away.kubectl("wait --for=delete pvc/held -n dev --timeout=30s")
    away.kubectl("delete pv late --wait=false")


def test_a_namespace_is_deleted(away: Cluster) -> None:
    """With a claim in it that never was bound."""
    away.kubectl("delete namespace staging --wait=false")
    until(lambda: "NotFound" in away.run("kubectl get namespace staging").err, "the namespace is gone", seconds=60)


def test_a_tier_that_was_stored_invalid_locks_nobody_when_replicas_return(away: Cluster) -> None:
    """The version before stays in force, as the status keeps it: none of the new replicas saw it."""
    before = away.kubectl("get tier dev -o json").json["spec"]["quotas"]
    too_small = {"spec": {"quotas": [{"name": "memory", "hard": {"limits.memory": "1Mi"}}]}}
    away.kubectl(f"patch tier dev --type=merge -p '{json.dumps(too_small)}'")
    away.kubectl(
        """wait --for=jsonpath='{.status.conditions[?(@.type=="Ready")].reason}'=Invalid tier/dev --timeout=30s"""
    )
    away.kubectl(f"scale deployment tiergate-webhook --replicas=2 -n {NAMESPACE}")
    away.kubectl(f"rollout status deployment/tiergate-webhook -n {NAMESPACE} --timeout=120s")
    away.kubectl("wait --for=condition=Enforcing tier dev --timeout=60s")
    away.apply(a_pod("welcome"), namespace="dev")
    huge = a_pod("huge")
    huge["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "100"}}
    refused = away.run("kubectl create -f - -n dev", stdin=json.dumps(huge))
    assert "the tier allows at most" in refused.err
    away.kubectl(f"patch tier dev --type=merge -p '{json.dumps({'spec': {'quotas': before}})}'")
    send_away(away)  # as the other tests find it


def test_a_workload_is_written_and_its_pods_are_still_guarded(away: Cluster) -> None:
    """Their failurePolicy is Ignore, that of pods is Fail."""
    for line in ("create deployment web --image=x", "scale deployment web --replicas=2", "annotate deployment web a=b"):
        away.kubectl(f"{line} -n dev")
    line = "get events -n dev --field-selector=reason=FailedCreate -o jsonpath={.items[*].message}"
    until(lambda: "failed calling webhook" in away.kubectl(line).out, "its pods wait for the webhook")
    away.kubectl("delete deployment web -n dev --cascade=foreground --timeout=60s")
