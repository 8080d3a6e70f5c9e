"""The fixed list of real operations whose reviews are the golden cases.

Each is done with kubectl to a cluster that has only our CRD and a recording webhook under the chart's rules; `capture`
writes what the API server asked meanwhile.
"""

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


def _both(case: str) -> tuple[str, str]:
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
INIT_AND_SIDECAR: Final = pod(
    "init-containers",
    container("agent"),
    container("metrics", {"limits": {"cpu": "50m"}}),
    initContainers=[
        container("migrate"),
        container("mesh", {"requests": {"memory": "64Mi"}}, restartPolicy="Always"),
    ],
)
INIT_MAKES_THE_CHARGE: Final = pod(
    "heavy-init",
    container("agent", SMALL),
    initContainers=[
        container("migrate", {"requests": SMALL["limits"], "limits": SMALL["limits"]}),
    ],
)
PODS: Final = (
    Operation(
        "the ReplicaSet controller creates a Deployment's pod",
        create(workload("Deployment", "agent-api", replicas=1)),
        ("", *_both("bare-pod")),
    ),
    Operation(
        "the StatefulSet controller creates a claim and a pod",
        create(
            workload(
                "StatefulSet",
                "agent-db",
                serviceName="agent-db",
                volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": claim("data", "1Gi")["spec"]}],
            )
        ),
        ("", "validate-claim-of-a-statefulset", *_both("pod-of-a-statefulset")),
    ),
    Operation(
        "the DaemonSet controller creates a pod",
        create(workload("DaemonSet", "agent-log")),
        ("", *_both("pod-of-a-daemonset")),
    ),
    Operation(
        "the Job controller creates a pod, which terminates",
        create(
            workload(
                "Job",
                "agent-batch",
                version="batch/v1",
                template={"restartPolicy": "Never", "activeDeadlineSeconds": 600},
            )
        ),
        ("", *_both("pod-of-a-job")),
    ),
    Operation(
        "kubectl creates a complete pod",
        create(pod("complete-pod", container("agent", SMALL))),
        ("mutate-complete-pod", "validate-pod-that-fits"),
    ),
    Operation(
        "the same for a namespace whose quota is used up",
        create(pod("used-up", container("agent", SMALL))),
        ("", "validate-quota-used-up"),
    ),
    Operation(
        "the same beside somebody else's quota",
        create(pod("foreign-quota", container("agent", SMALL))),
        ("", "validate-foreign-quota"),
    ),
    Operation("the same by an exempt group", create(pod("exempt", container("agent", GREEDY))), _both("exempt-group")),
    Operation(
        "a name that is still to be generated",
        create(pod("", container(), metadata={"generateName": "agent-"})),
        _both("generated-name"),
    ),
    Operation("init containers and a native sidecar", create(INIT_AND_SIDECAR), _both("init-containers-and-sidecar")),
    Operation(
        "an init container larger than the rest",
        create(INIT_MAKES_THE_CHARGE),
        ("", "validate-init-container-makes-the-charge"),
    ),
    Operation(
        "a request over the default limit",
        create(pod("request-over-default", container("agent", {"requests": {"cpu": "400m"}}))),
        _both("request-over-default-limit"),
    ),
    Operation(
        "pod-level limits",
        create(
            pod("pod-level", container(), container("web"), resources={"limits": {"cpu": "400m", "memory": "400Mi"}})
        ),
        _both("pod-level-resources"),
    ),
    Operation(
        "pod-level requests over the quota",
        create(pod("pod-level-requests", container(), container("web"), resources={"requests": {"cpu": "900m"}})),
        _both("pod-level-requests"),
    ),
    Operation("nulls in every place", create(NULLS), _both("nulls-as-the-server-reads-them")),
    Operation(
        "resource names with a slash",
        create(pod("trainer", container("trainer", {"limits": {"memory": "2Gi"}}))),
        _both("slash-in-resource-name"),
    ),
    Operation(
        "ephemeral storage and huge pages",
        create(
            pod(
                "exotic",
                container(
                    "agent",
                    {"limits": {"ephemeral-storage": "1.5Gi", "hugepages-2Mi": "4Mi", "cpu": "0.25", "memory": "1e8"}},
                ),
            )
        ),
        _both("exotic-resources-in-odd-spellings"),
    ),
    Operation(
        "the overhead of a runtime class, and a priority class",
        create(pod("sandboxed", container("agent", SMALL), runtimeClassName="sandboxed", priorityClassName="urgent")),
        ("", "validate-overhead-and-priority"),
    ),
    Operation(
        "no resources where the quota is for best effort alone",
        create(pod("best-effort", container())),
        ("", "validate-defaults-end-best-effort"),
    ),
    Operation(
        "a limit over the maximum",
        create(pod("limit-over-max", container("agent", GREEDY))),
        ("", "validate-limit-over-max"),
    ),
    Operation(
        "a limit over the maximum where the quota is used up",
        create(pod("both", container("agent", GREEDY))),
        ("", "validate-range-and-quota-at-once"),
    ),
    Operation(
        "two faults in two containers",
        create(
            pod(
                "two-faults",
                container("agent", LOW),
                container("web", {"requests": {"memory": "128Mi"}, "limits": {"cpu": "800m", "memory": "512Mi"}}),
            )
        ),
        ("", "validate-two-faults-in-two-containers"),
    ),
    Operation("a dry run", create(pod("dry-run", container()), DRY), _both("dry-run")),
    Operation("a server-side apply of a new pod", apply(pod("applied", container())), _both("server-side-apply")),
    Operation(
        "a sidecar that a later webhook injects",
        create(pod("meshed", container(), metadata={"labels": INJECTED})),
        ("mutate-before-injection", "mutate-reinvocation-after-injection", "validate-injected-sidecar"),
    ),
    Operation(
        "a server-side apply of a pod that is there",
        apply(pod("applied", container(), metadata={"labels": {"app": "agent", "tier": "web"}})),
    ),
    Operation("an ephemeral container", debugged),
    Operation("a pod's deletion", kubectl("delete pod used-up foreign-quota -n dev --timeout=60s")),
)
RESIZES: Final = (
    Operation(
        "a resize that fits",
        resized("resized", {"requests": {"cpu": "400m"}}),
        ("validate-resize-that-fits",),
        running(pod("resized", container("agent", SMALL))),
    ),
    Operation(
        "a resize over the quota",
        resized("resized-over", {"requests": {"cpu": "400m"}}),
        ("validate-resize-over-quota",),
        running(pod("resized-over", container("agent", SMALL))),
    ),
    Operation(
        "a resize over the maximum, as a dry run",
        resized("resized", {"limits": {"memory": "1Gi"}}, DRY),
        ("validate-resize-over-max-dry-run",),
    ),
    Operation(
        "a resize to less",
        resized("resized-down", {"requests": {"cpu": "50m"}, "limits": {"cpu": "200m"}}),
        ("validate-resize-to-less",),
        running(pod("resized-down", container("agent", SMALL))),
    ),
)
CLAIMS: Final = (
    Operation("a claim", create(claim("data", "5Gi")), ("validate-claim-that-fits",)),
    Operation(
        "a claim over the maximum and the quota", create(claim("huge", "8Gi")), ("validate-claim-over-max-and-quota",)
    ),
    Operation("a claim as a dry run", create(claim("dry", "1Gi"), DRY), ("validate-claim-dry-run",)),
    Operation(
        "the binder writes the volume's name into a claim above the maximum",
        create(volume("found", "10Gi", claimed_by="found")),
        prepare=create(claim("found", "8Gi", storage_class="local")),
    ),
    Operation("a claim grows", grown("grown", "5Gi"), ("validate-claim-expansion",), bound("grown", "2Gi")),
    Operation("a claim would grow", grown("grown", "6Gi", DRY), ("validate-claim-expansion-dry-run",)),
    Operation("a server-side apply of a claim", apply(claim("applied", "1Gi")), ("validate-claim-server-side-apply",)),
    Operation("a claim's label", kubectl("label pvc grown -n dev team=web")),
    Operation("a claim's deletion", kubectl("delete pvc huge -n dev --timeout=60s")),
)
NAMESPACES: Final = (
    Operation("a labelled namespace", create(namespace("made", "dev")), ("namespaces-create",)),
    Operation(
        "a labelled namespace by one who may not",
        create(namespace("alices", "dev"), ALICE),
        ("namespaces-create-not-permitted",),
    ),
    Operation("a label without such a tier", create(namespace("early", "batch")), ("namespaces-tier-to-come",)),
    Operation(
        "a labelled namespace as a dry run", create(namespace("dry", "dev"), DRY), ("namespaces-create-dry-run",)
    ),
    Operation(
        "a server-side apply of a labelled namespace",
        apply(namespace("applied", "dev")),
        ("namespaces-server-side-apply",),
    ),
    Operation(
        "a generated name",
        create({**namespace("", "dev"), "metadata": {"generateName": "made-", "labels": {TIER_LABEL: "dev"}}}),
        ("namespaces-generated-name",),
    ),
    Operation("a label set", relabelled("plain", "dev"), ("namespaces-label-set",), create(namespace("plain"))),
    Operation("a label changed", relabelled("plain", "prod"), ("namespaces-label-changed",)),
    Operation(
        "a label removed by one who may not",
        relabelled("plain", None, ALICE),
        ("namespaces-label-removed-not-permitted",),
    ),
    Operation("a label set as a dry run", relabelled("plain", "dev", DRY), ("namespaces-label-set-dry-run",)),
    Operation(
        "a label of a namespace of the cluster's own", relabelled("kube-public", "dev", DRY), ("namespaces-protected",)
    ),
    Operation(
        "a label through the status",
        relabelled("plain", "dev", "--subresource=status"),
        ("namespaces-label-through-status",),
    ),
    Operation(
        "a label through the status as a dry run",
        relabelled("plain", "prod", f"--subresource=status {DRY}"),
        ("namespaces-label-through-status-dry-run",),
    ),
    Operation("a label through finalize", finalized("plain", "prod"), ("namespaces-label-through-finalize",)),
    Operation(
        "a label through finalize as a dry run",
        finalized("plain", "dev", "?dryRun=All"),
        ("namespaces-label-through-finalize-dry-run",),
    ),
    Operation("another label", kubectl("label namespace plain team=web")),
    Operation("a namespace without a label", create(namespace("free"))),
    Operation("a namespace's deletion", kubectl("delete namespace early --timeout=60s")),
)
GOOD: Final[Json] = {
    "limits": [
        {"type": "Container", "default": {"cpu": "250m", "memory": "256Mi"}, "max": {"cpu": 1, "memory": "1e9"}}
    ],
    "quotas": [{"name": "compute", "hard": {"pods": 20, "requests.cpu": "2", "requests.nvidia.com/gpu": "8"}}],
}
IN_TEXTS: Final[Json] = {
    "limits": [{"type": "Container", "default": {"cpu": "250m"}, "max": {"cpu": "1", "memory": "1e9"}}],
    "quotas": [{"name": "compute", "hard": {"pods": "20", "requests.cpu": "2"}}],
}
BAD: Final[Json] = {
    "limits": [{"type": "Container", "default": {"memory": "2Gi"}, "max": {"cpu": "1"}}],
    "quotas": [{"name": "compute", "hard": {"limits.memory": "1Gi", "nvidia.com/gpu": "8", "pods": "1500m"}}],
}
WITH_NULLS: Final[Json] = {
    "limits": [{"type": "Container", "default": {"cpu": "250m"}, "max": None}],
    "quotas": None,
    "exemptions": {"users": None, "groups": ["system:nodes"]},
}
TIER_OBJECTS: Final = (
    Operation("a tier with a warning", create(tier("made", GOOD)), ("tiers-create",)),
    Operation("a tier with texts only", create(tier("texts", IN_TEXTS)), ("tiers-create-with-texts-as-quantities",)),
    Operation("a tier with several faults", create(tier("faulty", BAD)), ("tiers-create-with-faults",)),
    Operation("a tier with nulls", create(tier("nulls", WITH_NULLS)), ("tiers-create-with-nulls",)),
    Operation("a tier as a dry run", create(tier("dry", GOOD), DRY), ("tiers-create-dry-run",)),
    Operation("a server-side apply of a new tier", apply(tier("applied", GOOD)), ("tiers-server-side-apply",)),
    Operation(
        "the same once more, which changes nothing", apply(tier("applied", GOOD)), ("tiers-apply-without-change",)
    ),
    Operation("a faulty change", patch("tier made", {"spec": BAD}, "--type=merge"), ("tiers-update-with-faults",)),
    Operation("a change", patch("tier made", {"spec": GOOD}, "--type=merge"), ("tiers-update",)),
    Operation(
        "a change as a dry run", patch("tier made", {"spec": BAD}, f"--type=merge {DRY}"), ("tiers-update-dry-run",)
    ),
    Operation("a label of a faulty tier", kubectl("label tier faulty team=web"), ("tiers-label-of-a-faulty-tier",)),
    Operation(
        "a tier's status", patch("tier made", {"status": {"namespaces": 1}}, "--type=merge --subresource=status")
    ),
    Operation("a deletion as a dry run", kubectl(f"delete tier made {DRY}"), ("tiers-delete-dry-run",)),
    Operation("the deletion of a tier in use", kubectl("delete tier made --timeout=60s"), ("tiers-delete-in-use",)),
    Operation(
        "the deletion of an unused tier",
        kubectl("delete tier dry-unused --timeout=60s"),
        ("tiers-delete",),
        create(tier("dry-unused", GOOD)),
    ),
    Operation(
        "the deletion of a collection",
        kubectl(f"delete --raw '{TIERS}?labelSelector=team%3Ddoomed'"),
        ("tiers-delete-collection",),
        create(tier("doomed", GOOD, labels={"team": "doomed"})),
    ),
)
PODLESS: Final[Json] = {"serviceAccountName": "absent"}
"""Of a template whose pods the API server refuses before it asks any webhook."""


def _written(kind: str, obj: Json, change: Json, *, scaled: bool = True) -> tuple[Operation, ...]:
    """Return the operations of a workload's life: created, changed and scaled, each as a dry run first."""
    noun, name = kind.lower(), obj["metadata"]["name"]
    acts: dict[str, Callable[[str], Act]] = {
        "create": lambda flags: create(obj, flags),
        "update": lambda flags: patch(f"{noun} {name} -n dev", {"spec": change}, f"--type=merge {flags}"),
    }
    if scaled:
        acts["scale"] = lambda flags: patch(
            f"{noun} {name} -n dev --subresource=scale", {"spec": {"replicas": 9}}, f"--type=merge {flags}"
        )
    return tuple(
        Operation(
            f"{verb} of a {noun}{' as a dry run' if flags else ''}", act(flags), (f"workloads-{noun}-{verb}{case}",)
        )
        for verb, act in acts.items()
        for flags, case in ((DRY, "-dry-run"), ("", ""))
    )


def _podless(kind: str, name: str, resources: Json | None = SMALL, **fields: Any) -> Json:  # noqa: ANN401  # JSON
    template = {**PODLESS, "containers": [container("agent", resources)]}
    return workload(kind, name, template={**template, **fields.pop("template", {})}, **fields)


def _cron_job(name: str) -> Json:
    template = {"spec": {**PODLESS, "restartPolicy": "Never", "containers": [container("agent", GREEDY)]}}
    spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"parallelism": 2, "template": template}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name, "namespace": "dev"}, "spec": spec}


CONTROLLER: Final = _podless("ReplicationController", "agent-rc", version="v1", replicas=3)
CONTROLLER["spec"]["selector"] = {"app": "agent-rc"}
WORKLOADS: Final = (
    *_written("Deployment", _podless("Deployment", "agent-d", GREEDY, replicas=3), {"replicas": 2}),
    *_written("ReplicaSet", _podless("ReplicaSet", "agent-rs", replicas=30), {"replicas": 6}),
    *_written(
        "StatefulSet",
        _podless("StatefulSet", "agent-s", replicas=3, serviceName="agent-s"),
        {"replicas": 4},
    ),
    *_written("DaemonSet", _podless("DaemonSet", "agent-ds"), {"minReadySeconds": 5}, scaled=False),
    *_written("ReplicationController", CONTROLLER, {"replicas": 4}),
    *_written(
        "Job",
        _podless("Job", "agent-j", version="batch/v1", parallelism=30, template={"restartPolicy": "Never"}),
        {"parallelism": 31},
        scaled=False,
    ),
    *_written("CronJob", _cron_job("agent-c"), {"suspend": True}, scaled=False),
    Operation("a workload's annotation", kubectl("annotate deployment agent-d -n dev team=web")),
    Operation(
        "a workload's deletion in the foreground",
        kubectl("delete deployment agent-d -n dev --cascade=foreground --timeout=60s"),
    ),
)
OPERATIONS: Final = (*PODS, *RESIZES, *CLAIMS, *WORKLOADS, *NAMESPACES, *TIER_OBJECTS)
CAPTURED: Final = tuple(case for operation in OPERATIONS for case in operation.reviews if case)
