"""Objects and steps that the golden operations are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.builders import Json
from tests.controlplane.cluster import Cluster, until

Act = Callable[[Cluster], object]
IMAGE: Final = "registry.example.com/agent:1.4.2"
SMALL: Final[Json] = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}}
TIER_LABEL: Final = "tiergate.io/tier"
INJECTED: Final = {"example.com/inject": "sidecar"}
"""The label that asks the other mutating webhook for a sidecar."""
ALICE: Final = "--as=alice --as-group=team --as-group=system:authenticated"
TIERS: Final = "/apis/tiergate.io/v1alpha1/tiers"


@dataclass(frozen=True)
class Operation:
    """Something done to the cluster, and the case that each review becomes in the order of arrival; "" for none.

    No reviews means that there may be none. Reviews of ``prepare`` are not recorded.
    """

    what: str
    act: Act
    reviews: tuple[str, ...] = ()
    prepare: Act | None = None


def create(obj: Json, flags: str = "") -> Act:
    """Create an object with kubectl."""
    return lambda cluster: cluster.kubectl(f"create -f - {flags}", stdin=json.dumps(obj))


def apply(obj: Json, flags: str = "") -> Act:
    """Apply an object on the server's side."""
    return lambda cluster: cluster.kubectl(f"apply --server-side -f - {flags}", stdin=json.dumps(obj))


def patch(what: str, change: Json, flags: str = "") -> Act:
    """Patch an object, by strategic merge unless the flags say otherwise."""
    return lambda cluster: cluster.kubectl(f"patch {what} --patch-file=/dev/stdin {flags}", stdin=json.dumps(change))


def kubectl(line: str) -> Act:
    """Run kubectl."""
    return lambda cluster: cluster.kubectl(line)


def in_order(*acts: Act) -> Act:
    """Do one after the other."""

    def all_of_them(cluster: Cluster) -> None:
        for act in acts:
            act(cluster)

    return all_of_them


def container(name: str = "agent", resources: Json | None = None, **fields: object) -> Json:
    """Return a container; without resources the field is left out."""
    return {"name": name, "image": IMAGE, **({} if resources is None else {"resources": resources}), **fields}


def pod(name: str, *containers: Json, metadata: Json | None = None, **spec: object) -> Json:
    """Return a pod of the namespace ``dev``."""
    merged = ({"name": name} if name else {}) | {"namespace": "dev", "labels": {"app": "agent"}} | (metadata or {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": merged, "spec": {"containers": list(containers), **spec}}


def claim(name: str, storage: str, *, volume: str = "", storage_class: str = "standard") -> Json:
    """Return a claim of the namespace ``dev``, with the volume that it is to be bound to if there is one."""
    spec: Json = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    spec |= {"storageClassName": storage_class} | ({"volumeName": volume} if volume else {})
    metadata = {"name": name, "namespace": "dev"}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def volume(name: str, storage: str, *, claimed_by: str) -> Json:
    """Return a volume that is kept for a claim of ``dev``."""
    spec = {
        "capacity": {"storage": storage},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "local",
        "hostPath": {"path": "/data"},
        "claimRef": {"namespace": "dev", "name": claimed_by},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def workload(kind: str, name: str, *, version: str = "apps/v1", template: Json | None = None, **spec: Any) -> Json:  # noqa: ANN401  # JSON
    """Return a workload of ``dev`` whose pods have one bare container."""
    labels = {"app": name}
    inside = {"metadata": {"labels": labels}, "spec": {"containers": [container()], **(template or {})}}
    selector = {} if kind == "Job" else {"selector": {"matchLabels": labels}}
    metadata = {"name": name, "namespace": "dev", "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": {**selector, "template": inside, **spec}}


def namespace(name: str, tier: str | None = None) -> Json:
    """Return a namespace, in a tier or in none."""
    labels = {} if tier is None else {TIER_LABEL: tier}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def tier(name: str, spec: Json, **metadata: object) -> Json:
    """Return a Tier."""
    return {
        "apiVersion": "tiergate.io/v1alpha1",
        "kind": "Tier",
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def running(obj: Json) -> Act:
    """Create a pod and wait until it runs, with the resources in its status that a kubelet reports."""
    name = obj["metadata"]["name"]
    statuses = [
        {"name": each["name"], "resources": each["resources"], "allocatedResources": each["resources"]["requests"]}
        for each in obj["spec"]["containers"]
    ]
    return in_order(
        create(obj),
        kubectl(f"wait --for=condition=Ready pod/{name} -n dev --timeout=60s"),
        patch(f"pod {name} -n dev --subresource=status", {"status": {"containerStatuses": statuses}}),
    )


def resized(name: str, resources: Json, flags: str = "") -> Act:
    """Resize the container of a running pod."""
    change = {"spec": {"containers": [{"name": "agent", "resources": resources}]}}
    return patch(f"pod {name} -n dev --subresource=resize", change, flags)


def bound(name: str, storage: str) -> Act:
    """Create a claim and its volume, and wait until one has the other."""
    return in_order(
        create(volume(name, "20Gi", claimed_by=name)),
        create(claim(name, storage, volume=name, storage_class="local")),
        kubectl(f"wait --for=jsonpath={{.status.phase}}=Bound pvc/{name} -n dev --timeout=60s"),
    )


def grown(name: str, storage: str, flags: str = "") -> Act:
    """Ask for more storage."""
    return patch(f"pvc {name} -n dev", {"spec": {"resources": {"requests": {"storage": storage}}}}, flags)


def relabelled(what: str, value: str | None, flags: str = "") -> Act:
    """Set the tier label of a namespace, or remove it."""
    return patch(f"namespace {what}", {"metadata": {"labels": {TIER_LABEL: value}}}, flags)


def finalized(name: str, tier_name: str, query: str = "") -> Act:
    """Write a namespace with a new tier label through its subresource ``finalize``."""

    def write(cluster: Cluster) -> None:
        found = cluster.kubectl(f"get namespace {name} -o json").json
        found["metadata"].setdefault("labels", {})[TIER_LABEL] = tier_name
        path = f"/api/v1/namespaces/{name}/finalize{query}"
        cluster.kubectl(f"replace --raw '{path}' -f -", stdin=json.dumps(found))

    return write


def debugged(cluster: Cluster) -> None:
    """Put an ephemeral container into a pod."""
    cluster.kubectl(f"debug complete-pod -n dev --image={IMAGE} --container=probe --attach=false -- sh")
    line = "get pod complete-pod -n dev -o jsonpath={.spec.ephemeralContainers[*].name}"
    until(lambda: cluster.kubectl(line).out == "probe", "the ephemeral container is there")


def both(case: str) -> tuple[str, str]:
    return f"mutate-{case}", f"validate-{case}"


DRY: Final = "--dry-run=server"
LOW: Final[Json] = {"requests": {"cpu": "5m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}}
GREEDY: Final[Json] = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "2Gi"}}
NULLS: Final = pod(
    "null-fields",
    container("agent", {"limits": None, "requests": {"memory": "64Mi", "cpu": None}}, env=None),
    container("web", env=None) | {"resources": None},
    metadata={"labels": None, "annotations": None},
    initContainers=None,
    resources=None,
    overhead=None,
)
