"""What stands behind the rules on workloads."""

from __future__ import annotations

from typing import Final

from tiergate.check.explanation import HARD, WARNS_BY_MODE, Explanation, found
from tiergate.core.decision import Finding
from tiergate.core.lowering import Lowering
from tiergate.core.podspec import Pod
from tiergate.core.quantity import Quantity
from tiergate.core.quota_bounds import Bound
from tiergate.core.workload import Rollout, Workload
from tiergate.core.workload_findings import NeverRuns, Shortage, Stall
from tiergate.core.workload_kind import WORKLOAD_KINDS, KindOfWorkload
from tiergate.core.workload_room import Rolling
from tiergate.wire.malformed import Faults
from tiergate.wire.rollout import to_rollout


def _is_rolled_out(one: KindOfWorkload) -> bool:
    return to_rollout(one.kind, None, Faults()) is not None


_TEMPLATES: Final = ", ".join(f"{one.kind}s" for one in WORKLOAD_KINDS)
_ROLLED_OUT: Final = ", ".join(f"{one.kind}s" for one in WORKLOAD_KINDS if _is_rolled_out(one))
_NOT_IGNORED: Final = "nothing where the tier says workloads: Ignore"


def _bound(others: str) -> Bound:
    hard, used, each = map(Quantity.parse, ("4", others, "1"))
    return Bound("compute", "limits.cpu", hard, used, each, before=each)


_TOO_LARGE: Final = found(
    "limit-max", "limits.memory", container="agent", actual="2Gi", bound="512Mi", same_request=True
)
_SHORTAGE: Final = Shortage(
    bound=_bound(others="1500m"),
    names="limits.cpu",
    pods=3,
    kept=0,
    fitting=2,
    of_claims=False,
    lower=Lowering(Quantity.parse("833m")),
    counted_by="replicas",
    passing=2,
    helps=True,
)
_STALL: Final = Stall(
    Workload(kind="Deployment", template=Pod(), replicas=3, rollout=Rollout(), running=3),
    Rolling(pods=3, running=3, unavailable=0),
    _bound(others="1"),
    passing=1,
    held=False,
)
OF_WORKLOADS: Final[dict[str, Explanation]] = {
    "workload-never-runs": Explanation(
        what="the pods of a workload could run in an empty namespace",
        why="its controller would try for ever, and the user who applied it would not see why",
        passes="a template whose pods pass; scaling down, pausing and deleting always pass",
        bounds="ranges and quotas of the Tier, LimitRanges of the namespace, the API server's own checks",
        example=Finding("workload-never-runs", "", because=_TOO_LARGE.rule, workload=NeverRuns(_TOO_LARGE)),
        of=f"{_TEMPLATES}, and their scale",
        does="refuses in mode Enforce what creates the problem, and warns of other requests; warns in Warn, "
        f"records in Audit; {_NOT_IGNORED}",
    ),
    "workload-does-not-fit": Explanation(
        what="all pods of a workload fit into what the quotas of its namespace have left",
        why="some of its pods would not be created, and kubectl apply would not say so",
        passes="fewer or smaller pods, or the same after others are scaled down",
        bounds=HARD,
        example=Finding("workload-does-not-fit", "", workload=_SHORTAGE),
        of=f"{_TEMPLATES}, and their scale",
        does=f"{WARNS_BY_MODE}; refuses in mode Enforce where the tier says workloads: Enforce, but never Jobs, "
        f"CronJobs, what is paused, and a scale; {_NOT_IGNORED}",
    ),
    "workload-rollout-stalls": Explanation(
        what="the quotas leave enough room to replace all pods in a rollout",
        why="where the new pods that the strategy needs next have no room, the rollout stops and old pods stay",
        passes="a larger maxUnavailable, of a DaemonSet with maxSurge 0, or room for the next pods",
        bounds=HARD,
        example=Finding("workload-rollout-stalls", "", workload=_STALL, effect="warn"),
        of=_ROLLED_OUT,
        does=f"{WARNS_BY_MODE}; {_NOT_IGNORED}",
    ),
    "workload-unchecked": Explanation(
        what="what a verdict on a workload needs is known: tier and usage of its namespace, of a scale the workload",
        why="without it, whether its pods fit is not known",
        passes="everything: its pods are checked when they are created",
        bounds="none",
        example=Finding("workload-unchecked", "", effect="warn"),
        of=f"{_TEMPLATES}, and their scale",
        does=f"{WARNS_BY_MODE}; {_NOT_IGNORED}",
    ),
}
NATIVE: Final = {
    "native-min": "LimitRanger refuses the pod: a LimitRange of the namespace has a larger min",
    "native-max": "LimitRanger refuses the pod: a LimitRange of the namespace has a smaller max",
    "native-ratio": "LimitRanger refuses the pod: a LimitRange of the namespace allows a smaller ratio",
    "invalid": "the API server refuses the pod, once defaults are set",
}
"""What may stand behind ``workload-never-runs`` besides our rules."""
