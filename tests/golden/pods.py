"""The golden operations on pods, resizes and claims."""

from __future__ import annotations

from typing import Final

from tests.golden.objects import (
    DRY,
    GREEDY,
    INJECTED,
    LOW,
    NULLS,
    SMALL,
    Operation,
    apply,
    both,
    bound,
    claim,
    container,
    create,
    debugged,
    grown,
    kubectl,
    pod,
    resized,
    running,
    volume,
    workload,
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
        ("", *both("bare-pod")),
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
        ("", "validate-claim-of-a-statefulset", *both("pod-of-a-statefulset")),
    ),
    Operation(
        "the DaemonSet controller creates a pod",
        create(workload("DaemonSet", "agent-log")),
        ("", *both("pod-of-a-daemonset")),
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
        ("", *both("pod-of-a-job")),
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
    Operation("the same by an exempt group", create(pod("exempt", container("agent", GREEDY))), both("exempt-group")),
    Operation(
        "a name that is still to be generated",
        create(pod("", container(), metadata={"generateName": "agent-"})),
        both("generated-name"),
    ),
    Operation("init containers and a native sidecar", create(INIT_AND_SIDECAR), both("init-containers-and-sidecar")),
    Operation(
        "an init container larger than the rest",
        create(INIT_MAKES_THE_CHARGE),
        ("", "validate-init-container-makes-the-charge"),
    ),
    Operation(
        "a request over the default limit",
        create(pod("request-over-default", container("agent", {"requests": {"cpu": "400m"}}))),
        both("request-over-default-limit"),
    ),
    Operation(
        "pod-level limits",
        create(
            pod("pod-level", container(), container("web"), resources={"limits": {"cpu": "400m", "memory": "400Mi"}})
        ),
        both("pod-level-resources"),
    ),
    Operation(
        "pod-level requests over the quota",
        create(pod("pod-level-requests", container(), container("web"), resources={"requests": {"cpu": "900m"}})),
        both("pod-level-requests"),
    ),
    Operation("nulls in every place", create(NULLS), both("nulls-as-the-server-reads-them")),
    Operation(
        "resource names with a slash",
        create(pod("trainer", container("trainer", {"limits": {"memory": "2Gi"}}))),
        both("slash-in-resource-name"),
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
        both("exotic-resources-in-odd-spellings"),
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
    Operation("a dry run", create(pod("dry-run", container()), DRY), both("dry-run")),
    Operation("a server-side apply of a new pod", apply(pod("applied", container())), both("server-side-apply")),
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
