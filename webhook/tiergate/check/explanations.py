"""What stands behind the rules on pods and claims, and behind those of a check alone."""

from __future__ import annotations

from typing import Final

from tiergate.check.explanation import ALWAYS, HARD, REFUSES, WARNS, WARNS_BY_MODE, Explanation, field, found
from tiergate.core.decision import Finding, RuleId
from tiergate.core.quantity import FORMAT_ERROR

_ITEMS: Final = {"": "Container", "pod-": "Pod"}
_WHOSE: Final = {"": "of each container", "pod-": "of a whole pod"}
_PASSES: Final = {
    "": "a value in the range, or no value if the tier has a default",
    "pod-": "containers whose sum, and whose largest init step, is in the range",
}
_WHY: Final = {
    "request-min": "scheduler and quota count requests: with a tiny one they do not see what the container uses",
    "limit-min": "no request is above its limit, so a tiny limit makes the request tiny",
    "limit-max": "a container without a bound can use up its node and the quota of its namespace",
    "request-max": "what is requested is reserved: a large request takes up its node and the quota of its namespace",
}


def _range(prefix: str, side: str, end: str, example: Finding) -> tuple[str, Explanation]:
    return example.rule, Explanation(
        what=f"the {side} {_WHOSE[prefix]} is at {'most' if end == 'max' else 'least'} the tier's {end}",
        why=_WHY[f"{side}-{end}"],
        passes=_PASSES[prefix],
        bounds=field(_ITEMS[prefix], end),
        example=example,
    )


def _small(rule: RuleId, resource: str, *, same_request: bool = False) -> Finding:
    return found(rule, resource, container="agent", actual="5m", bound="10m", same_request=same_request)


def _large(rule: RuleId, resource: str, *, same_request: bool = False) -> Finding:
    return found(rule, resource, container="agent", actual="2Gi", bound="512Mi", same_request=same_request)


def _small_pod(rule: RuleId, resource: str, *, same_request: bool = False) -> Finding:
    return found(rule, resource, actual="32Mi", bound="64Mi", same_request=same_request)


def _large_pod(rule: RuleId, resource: str, *, same_request: bool = False) -> Finding:
    return found(rule, resource, actual="3", bound="2", same_request=same_request)


def _ratio(prefix: str, example: Finding) -> tuple[str, Explanation]:
    return example.rule, Explanation(
        what=f"the limit {_WHOSE[prefix]} is at most maxLimitRequestRatio times its request",
        why="limits far above requests overcommit the nodes",
        passes="a larger request, or a smaller limit",
        bounds=field(_ITEMS[prefix], "maxLimitRequestRatio"),
        example=example,
    )


def _claim(end: str, why: str, example: Finding) -> tuple[str, Explanation]:
    return example.rule, Explanation(
        what=f"a claim asks for at {'most' if end == 'max' else 'least'} the tier's {end} of storage",
        why=why,
        passes="a size in the range; an expansion is checked with its new size",
        bounds=field("PersistentVolumeClaim", end),
        example=example,
    )


OF_OBJECTS: Final[dict[str, Explanation]] = dict(
    [
        _range("", "request", "min", _small("request-min", "requests.cpu")),
        _range("", "limit", "min", _small("limit-min", "limits.cpu", same_request=True)),
        _range("", "limit", "max", _large("limit-max", "limits.memory", same_request=True)),
        _range("", "request", "max", _large("request-max", "requests.memory")),
        _ratio(
            "",
            found("limit-request-ratio", "requests.cpu", container="agent", actual="100m", limit="500m", bound="4"),
        ),
        _range("pod-", "request", "min", _small_pod("pod-request-min", "requests.memory")),
        _range("pod-", "limit", "min", _small_pod("pod-limit-min", "limits.memory", same_request=True)),
        _range("pod-", "limit", "max", _large_pod("pod-limit-max", "limits.cpu", same_request=True)),
        _range("pod-", "request", "max", _large_pod("pod-request-max", "requests.cpu")),
        _ratio("pod-", found("pod-limit-request-ratio", "requests.cpu", actual="250m", limit="2", bound="4")),
        _claim(
            "min",
            "a volume that is too small is soon full, and not every storage class can expand it",
            found("claim-min", "requests.storage", actual="512Mi", bound="1Gi"),
        ),
        _claim(
            "max",
            "storage is allocated in full, and an expanded claim cannot shrink",
            found("claim-max", "requests.storage", actual="20Gi", bound="10Gi"),
        ),
    ]
) | {
    "limit-zero": Explanation(
        what="no container has a limit of 0 where the tier bounds the resource",
        why="at run time 0 means no limit, so it would be above every max",
        passes="a limit above 0, or no limit if the tier has a default",
        bounds="any default or max of a container or the pod, ratio of the pod, or quota of the Tier on the limit",
        example=found("limit-zero", "limits.cpu", container="agent", bound="500m"),
    ),
    "pod-limit-zero": Explanation(
        what="no pod has a pod-level limit of 0 where the tier bounds the resource",
        why="it applies to containers without a limit of their own, and 0 means no limit",
        passes="a pod-level limit above 0, or no pod-level limit",
        bounds="any default or max of a container or the pod, ratio of the pod, or quota of the Tier on the limit",
        example=found("pod-limit-zero", "limits.cpu"),
    ),
    "quota-pending": Explanation(
        what="the quotas of the namespace are in force, and their usage is known",
        why="until Kubernetes counts the usage, it is not known what fits",
        passes="the same request, some seconds later",
        bounds=HARD,
        example=found("quota-pending", quota="compute"),
        of="pods and claims",
        does="refuses in mode Enforce, says nothing in Warn and Audit",
    ),
    "quota-required": Explanation(
        what="each container has a value for every resource of which a quota asks for one: cpu and memory",
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
        example=Finding(
            "malformed",
            "/spec/containers/0/resources/limits/cpu",
            detail=f'"half" is not a quantity: {FORMAT_ERROR}',
        ),
        of="every object that is checked",
        does=f"{REFUSES}; of Tiers and Namespaces it {ALWAYS}, of workloads it {WARNS_BY_MODE}. tiergate check fails"
        " for each value that the API server cannot read",
    ),
}  # fmt: skip

OF_CHECK: Final[dict[str, Explanation]] = {
    "change-set-exceeds-quota": Explanation(
        what="all objects of a namespace together fit into what its quotas have left",
        why="each may fit alone, but the last ones to be created would not get their pods",
        passes="fewer or smaller pods, or a larger quota",
        bounds=HARD,
        example='the change set does not fit quota "compute": requests.cpu 2300m of 2, over by 300m; '
        "it asks most for deployment agent",
        of="the sum of a change set (tiergate check)",
        does="fails in mode Enforce; warns in Warn and Audit, and where only Jobs wait or all of it runs already",
    ),
    "change-set-rollout-stalls": Explanation(
        what="once everything runs, there is room for the first new pod of a later rollout",
        why="if no old pod may end before a new one runs, the rollout stops",
        passes="maxSurge 0 and maxUnavailable 1, or room for one more pod",
        bounds=HARD,
        example="a later rollout of deployment agent will stall: one more pod asks limits.cpu 1, "
        'the change set leaves 0 of 4 in quota "compute"; set maxSurge to 0 and maxUnavailable to 1, or ask for less',
        of="the sum of a change set (tiergate check)",
        does=WARNS,
    ),
    "api-validation": Explanation(
        what="the API server itself accepts the kind, names, labels and annotations, and the resources of the pods",
        why="kubectl apply would fail, whatever the tier says",
        passes="values that Kubernetes accepts, such as requests that are not above their limits",
        bounds="none",
        example="the API server refuses /spec/containers/0/resources/requests/cpu: it must be at most the cpu limit",
        of="every object that Tiergate reads, and pod templates (tiergate check)",
        does="fails in every mode",
    ),
    "differs-from-option": Explanation(
        what="a Tier or Namespace among the manifests is the same as the one of its name in an option",
        why="the one in the option counts: a change must not choose the tier that it is checked with",
        passes="the same in both; to check with a changed tier, give it with --tiers",
        bounds="--tiers, --namespaces and --usage of tiergate check",
        example='it differs from tier "dev" of an option (--tiers, --namespaces or --usage), which is used',
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
