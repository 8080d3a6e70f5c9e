"""Workloads to tweak, and verdicts on them."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.builders import Texts, a_container, a_pod, a_quota, a_tier, a_tier_quota, an_item
from tiergate.core.decision import Finding
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.release import NEWEST
from tiergate.core.rules import sentence
from tiergate.core.tier import Tier
from tiergate.core.workload import Rollout, Workload
from tiergate.core.workload_case import Around, WorkloadCase
from tiergate.core.workload_verdict import verdict

KNOWN = Around(limit_ranges=(), overheads={}, nodes=())
"""A namespace without LimitRanges in a cluster without nodes."""
NEVER, SHORT, STALL = "workload-never-runs", "workload-does-not-fit", "workload-rollout-stalls"
TIER = a_tier(
    an_item(default={"cpu": "500m"}, high={"cpu": "2"}), quotas=[a_tier_quota({"limits.cpu": "4", "pods": "10"})]
)


def a_template(limits: Texts | None = None, **fields: Any) -> Pod:  # noqa: ANN401  # fields of Pod
    """Return the pod of a template with one container."""
    pod = a_pod(a_container("agent", limits=limits, pointer="/spec/template/spec/containers/0"), **fields)
    return msgspec.structs.replace(pod, pointer="/spec/template")


def a_workload(limits: Texts | None = None, **fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    """Return a Deployment of one pod, all of whose pods run."""
    template = fields.pop("template", None) or a_template({"cpu": "1"} if limits is None else limits)
    whole: dict[str, Any] = {"kind": "Deployment", "template": template, "written": repr(template).encode()}
    if fields.get("kind", "Deployment") == "Deployment":
        whole["rollout"] = Rollout()
    whole["running"] = fields.get("running", fields.get("replicas", 1))
    whole["available"] = whole["running"]
    return Workload(**{**whole, **fields})


def judged(  # noqa: PLR0913, RUF100  # what a verdict is a function of
    workload: Workload,
    *,
    old: Workload | None = None,
    tier: Tier,
    quotas: tuple[QuotaStatus, ...] | None = (),
    around: Around = KNOWN,
    scaled: bool = False,
    minor: int = NEWEST,
) -> tuple[Finding, ...]:
    """Return the findings."""
    return verdict(WorkloadCase(workload, old, tier, quotas, around, minor, scaled))


def foreign(hard: Texts, used: Texts) -> QuotaStatus:
    """Return a ResourceQuota ``own`` that is not the tier's."""
    return a_quota(hard, used, name="own", managed=False)


def lines(workload: Workload, hard: Texts, used: Texts, old: Workload | None = None, **more: Any) -> list[str]:  # noqa: ANN401  # as judged
    """Return what is said beside such a quota, each short enough for a warning."""
    found = judged(workload, old=old, quotas=(foreign(hard, used),), **{"tier": a_tier(), **more})
    said = [sentence(one, namespace="dev") for one in found]
    assert all(len(one) <= 250 for one in said)
    return said


def under(policy: str = "Warn") -> Tier:
    """Return the tier with such a policy for workloads."""
    return msgspec.structs.replace(TIER, workloads=policy)


def in_use(cpu: str, hard: str = "4") -> tuple[QuotaStatus, ...]:
    """Return the tier's quota in force, of which so much is used."""
    return (a_quota({"limits.cpu": hard, "pods": "10"}, {"limits.cpu": cpu}),)


def told_of(workload: Workload, old: Workload | None = None, cpu: str = "0", **around: Any) -> list[tuple[str, str]]:  # noqa: ANN401  # as judged
    """Return the rules of the findings with their effects."""
    quotas = around.pop("quotas", in_use(cpu))
    found = judged(workload, old=old, tier=around.pop("tier", TIER), quotas=quotas, **around)
    return list(dict.fromkeys((one.rule, one.effect) for one in found))


def with_template(workload: Workload, limits: Texts | None = None, **fields: Any) -> Workload:  # noqa: ANN401  # fields of Workload
    """Return the workload with another template."""
    template = workload.template if limits is None else a_template(limits)
    return msgspec.structs.replace(workload, template=template, written=b"another", **fields)
