"""What stands behind the rules on tiers and on the labels of namespaces."""

from __future__ import annotations

from typing import Final

from tiergate.check.explanation import ALWAYS, WARNS, Explanation, field, found
from tiergate.core.decision import Finding

_TIERS: Final = "Tiers, when they are written"
_OF_WORKLOADS: Final = f"; of workloads it {WARNS}"
_LABEL: Final = "the label tiergate.io/tier of Namespaces, when it is written"
OF_TIERS: Final[dict[str, Explanation]] = {
    "tier-missing": Explanation(
        what="the tier that the namespace's label names exists",
        why="a typo in a label must not switch the tier off",
        passes="a label that names a tier, or a tier of that name",
        bounds="the label tiergate.io/tier of the Namespace: kubectl get namespace NAME --show-labels",
        example=found("tier-missing", tier="dve"),
        of="pods and claims, and workloads that ask for pods",
        does=f"{ALWAYS}{_OF_WORKLOADS}; tiergate check fails",
    ),
    "tier-invalid": Explanation(
        what="the values of a tier are valid, and do not contradict each other",
        why="it is not known which of two contradicting bounds is meant, or what a misspelt name would bound",
        passes="the tier, corrected at the path in the message; the last valid version stays in force",
        bounds="spec of the Tier",
        example=found(
            "tier-invalid", tier="dev", detail="/spec/limits/0/min/cpu: min value 2 is greater than max value 1"
        ),
        of=f"{_TIERS}; pods, claims and workloads under one that was never valid",
        does=f"{ALWAYS}{_OF_WORKLOADS}; tiergate check fails",
    ),
    "tier-in-use": Explanation(
        what="a tier that is deleted has no namespaces",
        why="the pods of its namespaces would be refused",
        passes="the deletion, after these namespaces have another tier or none",
        bounds="the namespaces with its label: kubectl get namespaces -l tiergate.io/tier=NAME",
        example=Finding("tier-in-use", "", tier="dev", namespaces=("agents-a", "agents-b")),
        of="Tiers, when they are deleted",
    ),
    "namespace-protected": Explanation(
        what="kube-* and the release namespace are in no tier",
        why="refusing their pods could lock the cluster out",
        passes="the namespace without the label",
        bounds="none",
        example=found("namespace-protected"),
        namespace="kube-system",
        of=_LABEL,
    ),
    "tier-assign": Explanation(
        what="a user who sets, changes or removes the label may assign the old and the new tier",
        why="a tenant who may edit namespaces could choose a larger tier",
        passes="the same request by a user who may assign both (ClusterRole tiergate-tier-assigner)",
        bounds="RBAC: the verb assign on tiers.tiergate.io, by name",
        example=found("tier-assign", tier="dev", user="alice"),
        namespace="agents-c",
        of=f"{_LABEL} or removed",
    ),
    "label-tier-missing": Explanation(
        what="a label names a tier that exists",
        why="until the tier exists, pods of the namespace are refused",
        passes="everything: normal while namespaces are created before their tiers",
        bounds="none",
        example=found("label-tier-missing", tier="dve"),
        namespace="agents",
        of=_LABEL,
    ),
    "label-tier-invalid": Explanation(
        what="a label names a valid tier",
        why="until the tier is valid, pods of the namespace are refused",
        passes="everything: correct the tier",
        bounds="spec of the Tier",
        example=found(
            "label-tier-invalid", tier="dev", detail="/spec/limits/1/type: a second item of type Pod"
        ),
        namespace="agents",
        of=_LABEL,
    ),
    "label-tier-unchecked": Explanation(
        what="the tier that a label names can be read",
        why="if the tier does not exist, pods of the namespace are refused",
        passes="everything: check that the tier exists",
        bounds="none",
        example=found("label-tier-unchecked", tier="dve"),
        namespace="agents",
        of=_LABEL,
    ),
    "default-derived": Explanation(
        what="a tier has every default that Kubernetes would otherwise derive from other fields",
        why="a derived default is easily overlooked",
        passes="everything: add the default to the tier",
        bounds=field("Container", "default, defaultRequest, min and max"),
        example=found("default-derived", "defaultRequest.cpu", tier="dev", bound="250m"),
        of=_TIERS,
    ),
    "max-without-min": Explanation(
        what="a range has a min and a max",
        why="with a max alone, requests of almost nothing pass",
        passes="everything: add a min",
        bounds="spec.limits of the Tier",
        example=found("max-without-min", "cpu", tier="dev", item="Container"),
        of=_TIERS,
    ),
    "default-pod-refused": Explanation(
        what="a pod whose containers set no resources is in the ranges of the tier",
        why="most pods set nothing for a device such as a GPU, and a max or min of Pod then refuses all of them",
        passes="everything: add a default to the item of type Container, 0 for devices",
        bounds="spec.limits of the Tier",
        example=found(
            "default-pod-refused",
            tier="dev",
            detail="pod: limits.nvidia.com/gpu is not set, the tier allows at most 4",
        ),
        of=_TIERS,
    ),
    "devices-unbounded": Explanation(
        what="a quota on devices also counts those that ResourceClaims ask for",
        why="Dynamic Resource Allocation allocates the same devices, and the quota does not count them",
        passes="everything: add a name for each DeviceClass",
        bounds="spec.quotas of the Tier",
        example=found("devices-unbounded", "requests.nvidia.com/gpu", tier="dev"),
        of=_TIERS,
    ),
    "exemption-broad": Explanation(
        what="an exemption is neither for nearly everybody nor for controllers that create the pods of workloads",
        why="whoever writes a workload, controllers create its pods: who exempts these exempts nearly all pods",
        passes="everything: exempt only the user or group that you mean",
        bounds="spec.exemptions of the Tier",
        example=found(
            "exemption-broad",
            tier="dev",
            user="group system:authenticated",
            detail="all people and controllers are in it",
        ),
        of=_TIERS,
    ),
    "quota-unmeasured": Explanation(
        what="a tier in mode Warn or Audit bounds only what is counted from pods and claims",
        why="nothing is reported on other names in these modes",
        passes="everything: mode Enforce bounds them",
        bounds="spec.quotas of the Tier",
        example=found("quota-unmeasured", "services", tier="dev", detail="Warn"),
        of=_TIERS,
    ),
    "quota-requests-above-limits": Explanation(
        what="a quota does not allow more of requests than of limits",
        why="no request is above its limit, so the larger bound is never reached",
        passes="everything: lower the bound of requests, or raise that of limits",
        bounds="spec.quotas of the Tier",
        example=found("quota-requests-above-limits", "requests.cpu", tier="dev", quota="large"),
        of=_TIERS,
    ),
}  # fmt: skip
