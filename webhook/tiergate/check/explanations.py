"""What stands behind the rules on pods, claims and workloads, and behind those of a check alone."""

from __future__ import annotations

from typing import Final

from tiergate.check.explanation import ALWAYS, HARD, REFUSES, WARNS, Explanation, field, found
from tiergate.core.decision import Finding, RuleId

_TEMPLATES: Final = "Deployments, StatefulSets, DaemonSets, Jobs, CronJobs, ReplicaSets, ReplicationControllers"
_ITEMS: Final = {"": "Container", "pod-": "Pod"}
_WHOSE: Final = {"": "of each container", "pod-": "of a whole pod"}
_DEFAULTED: Final = "a value in the range, or no value if the tier has a default"


def _range(rule: RuleId, prefix: str, side: str, end: str) -> tuple[str, Explanation]:
    container = "" if prefix else "agent"
    largest = end == "max"
    return rule, Explanation(
        what=f"the {side} {_WHOSE[prefix]} is at {'most' if largest else 'least'} the tier's {end}",
        why="a container without a bound can use up its node and the quota of its namespace"
        if largest
        else "scheduler and quota count requests: with a tiny one they do not see what the container uses",
        passes=_DEFAULTED if not prefix else "containers whose sum, and whose largest init step, is in the range",
        bounds=field(_ITEMS[prefix], end),
        example=found(rule, f"{side}s.memory", container=container, actual="1Gi", bound="512Mi")
        if largest
        else found(rule, f"{side}s.cpu", container=container, actual="5m", bound="10m"),
    )


def _ratio(rule: RuleId, prefix: str) -> tuple[str, Explanation]:
    container = "" if prefix else "agent"
    return rule, Explanation(
        what=f"the limit {_WHOSE[prefix]} is at most maxLimitRequestRatio times its request",
        why="limits far above requests overcommit the nodes",
        passes="a larger request, or a smaller limit",
        bounds=field(_ITEMS[prefix], "maxLimitRequestRatio"),
        example=found(rule, "requests.cpu", container=container, actual="100m", limit="500m", bound="4"),
    )


def _claim(rule: RuleId, end: str) -> tuple[str, Explanation]:
    largest = end == "max"
    return rule, Explanation(
        what=f"a claim asks for at {'most' if largest else 'least'} the tier's {end} of storage",
        why="storage is allocated in full, and an expanded claim cannot shrink",
        passes="a size in the range; an expansion is checked with its new size",
        bounds=field("PersistentVolumeClaim", end),
        example=found(
            rule, "requests.storage", actual="20Gi" if largest else "512Mi", bound="10Gi" if largest else "1Gi"
        ),
    )


OF_OBJECTS: Final[dict[str, Explanation]] = dict(
    [
        _range("request-min", "", "request", "min"),
        _range("limit-min", "", "limit", "min"),
        _range("limit-max", "", "limit", "max"),
        _range("request-max", "", "request", "max"),
        _ratio("limit-request-ratio", ""),
        _range("pod-request-min", "pod-", "request", "min"),
        _range("pod-limit-min", "pod-", "limit", "min"),
        _range("pod-limit-max", "pod-", "limit", "max"),
        _range("pod-request-max", "pod-", "request", "max"),
        _ratio("pod-limit-request-ratio", "pod-"),
        _claim("claim-min", "min"),
        _claim("claim-max", "max"),
    ]
) | {
    "limit-zero": Explanation(
        what="no container has a limit of 0 where the tier bounds the resource",
        why="at run time 0 means no limit, so it would be above every max",
        passes="a limit above 0, or no limit if the tier has a default",
        bounds="any default, max, ratio or quota of the Tier that names the limit",
        example=found("limit-zero", "limits.cpu", container="agent", bound="500m"),
    ),
    "pod-limit-zero": Explanation(
        what="no pod has a pod-level limit of 0 where the tier bounds the resource",
        why="it applies to containers without a limit of their own, and 0 means no limit",
        passes="a pod-level limit above 0, or no pod-level limit",
        bounds="any default, max, ratio or quota of the Tier that names the limit",
        example=found("pod-limit-zero", "limits.cpu"),
    ),
    "quota-pending": Explanation(
        what="the quotas of the tier are in force in the namespace",
        why="until Kubernetes counts the usage, it is not known what fits",
        passes="the same request, some seconds later",
        bounds=HARD,
        example=found("quota-pending", quota="compute"),
    ),
    "quota-required": Explanation(
        what="each container has a value for every resource that a quota counts",
        why="a quota cannot count what has no value; ResourceQuota refuses it as well",
        passes="the value in the container, or a default in the tier",
        bounds=HARD,
        example=found("quota-required", "limits.cpu", container="agent", quota="compute"),
    ),
    "quota-exceeded": Explanation(
        what="the object fits into what its quotas have left",
        why="the quota is what the teams of a cluster have agreed to share",
        passes="a smaller amount, or the same after others are scaled down or deleted: tiergate usage -n NAMESPACE",
        bounds=HARD,
        example=found(
            "quota-exceeded", "limits.cpu", container="agent", quota="compute", actual="1", used="3500m", bound="4",
            fits="500m",
        ),
    ),
    "malformed": Explanation(
        what="every value is valid for its field, and the object is not larger than what is checked",
        why="what cannot be read cannot be checked",
        passes="a valid value",
        bounds="the API of Kubernetes; for sizes docs/adr/0021-what-one-request-may-cost.md",
        example=Finding("malformed", "/spec/containers/0/resources/limits/cpu", detail='"half" is not a quantity'),
        of="every object that is checked",
        does=f"{REFUSES}; of Tiers and Namespaces it {ALWAYS}, of workloads it warns. tiergate check fails"
        " for each value that the API server cannot read",
    ),
    "workload-never-runs": Explanation(
        what="the pods of a workload could run in an empty namespace",
        why="its controller would try for ever, and the user who applied it would not see why",
        passes="a template whose pods pass; scaling down, pausing and deleting always pass",
        bounds="ranges and quotas of the Tier, LimitRanges of the namespace, the API server's own checks",
        example='no pod of it can run: container "agent": limits.memory is 2Gi, the tier allows at most 512Mi; '
        "set limits.memory to 512Mi or less",
        of=_TEMPLATES,
    ),
    "workload-does-not-fit": Explanation(
        what="all pods of a workload fit into what the quotas of its namespace have left",
        why="some of its pods would not be created, and kubectl apply would not say so",
        passes="fewer or smaller pods, or the same after others are scaled down",
        bounds=HARD,
        example='2 of 3 pods fit into quota "compute" now: limits.cpu 4, 1500m used by others, 1 for each pod, '
        "over by 500m; set replicas to 2 or less",
        of=_TEMPLATES,
        does="warns; refuses in mode Enforce where the tier says workloads: Enforce",
    ),
    "workload-rollout-stalls": Explanation(
        what="the quotas leave enough room to replace all pods in a rollout",
        why="if no old pod may end before a new one runs, and there is no room for one more, the rollout stops",
        passes="maxUnavailable 1 and maxSurge 0, or room for one more pod",
        bounds=HARD,
        example='its rollout will stall: 3 old + 1 new pods need limits.cpu 4, quota "compute" leaves 3 of 4; '
        "set maxUnavailable to 1",
        of="Deployments",
    ),
    "workload-unchecked": Explanation(
        what="the usage of the namespace is known when a workload is checked",
        why="without it, whether its pods fit is not known",
        passes="everything: its pods are checked when they are created",
        bounds="none",
        example=Finding(
            "workload-unchecked", "", effect="warn",
            detail="whether its pods fit the quotas was not checked: the usage in the namespace is not known",
        ),
        of=_TEMPLATES,
    ),
}  # fmt: skip

OF_CHECK: Final[dict[str, Explanation]] = {
    "change-set-exceeds-quota": Explanation(
        what="all objects of a namespace together fit into what its quotas have left",
        why="each may fit alone, but the last ones to be created would not get their pods",
        passes="fewer or smaller pods, or a larger quota",
        bounds=HARD,
        example='the change set does not fit quota "compute": requests.cpu 2300m of 2, over by 300m',
        of="the sum of a change set (tiergate check)",
        does="fails in mode Enforce; warns in Warn and Audit, and where only Jobs wait or all of it runs already",
    ),
    "change-set-rollout-stalls": Explanation(
        what="once everything runs, there is room for the first new pod of a later rollout",
        why="if no old pod may end before a new one runs, the rollout stops",
        passes="maxSurge 0 and maxUnavailable 1, or room for one more pod",
        bounds=HARD,
        example="a later rollout of deployment agent will stall: one more pod asks limits.cpu 1, "
        'the change set leaves 0 of 4 in quota "compute"',
        of="the sum of a change set (tiergate check)",
        does=WARNS,
    ),
    "api-validation": Explanation(
        what="the API server itself accepts the kind, and the resources of the pods",
        why="kubectl apply would fail, whatever the tier says",
        passes="values that Kubernetes accepts, such as requests that are not above their limits",
        bounds="none",
        example="the API server refuses /spec/containers/0/resources/requests/cpu: it must be at most the cpu limit",
        of="pods, pod templates and Tiers (tiergate check)",
        does="fails in every mode",
    ),
    "differs-from-option": Explanation(
        what="a Tier or Namespace among the manifests is the same as the one of its name in an option",
        why="the one in the option counts: a change must not choose the tier that it is checked with",
        passes="the same in both; to check with a changed tier, give it with --tiers",
        bounds="--tiers, --namespaces and --usage of tiergate check",
        example="it differs from the tier that an option names, which counts",
        of="Tiers and Namespaces (tiergate check)",
        does=WARNS,
    ),
    "defined-again": Explanation(
        what="no later manifest has the same kind, namespace and name",
        why="the later one replaces this one in the cluster, so only the later one counts",
        passes="one of the two: for kustomize the overlay as kubectl kustomize prints it, without its base",
        bounds="the manifests, in the order of kubectl apply -R",
        example="it is defined again in overlay/agent.yaml:1:1, which replaces it and counts; keep one of the two",
        of="all objects that are checked (tiergate check)",
        does=WARNS,
    ),
    "unreadable": Explanation(
        what="every manifest, tier and usage can be read",
        why="what was not read was not checked",
        passes="a document that Kubernetes' own reader accepts",
        bounds="none",
        example='deploy/a.yaml:4:3: duplicate key "name", first in line 2',
        of="files (tiergate check)",
        does="gives exit code 3, whatever else is found",
    ),
}
"""Rules of ``tiergate check`` alone."""
NATIVE: Final = {
    "native-min": "LimitRanger refuses the pod: a LimitRange of the namespace has a larger min",
    "native-max": "LimitRanger refuses the pod: a LimitRange of the namespace has a smaller max",
    "native-ratio": "LimitRanger refuses the pod: a LimitRange of the namespace allows a smaller ratio",
    "invalid": "the API server refuses the pod, once defaults are set",
}
"""What may stand behind ``workload-never-runs`` besides our rules."""
