"""Workloads to tweak, and verdicts on them."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.builders import Texts, a_container, a_pod, a_quota, a_tier
from tiergate.core.decision import Finding
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.release import NEWEST
from tiergate.core.rules import sentence
from tiergate.core.tier import Tier
from tiergate.core.workload import Rollout, Workload
from tiergate.core.workload_case import Around, Case
from tiergate.core.workload_verdict import verdict

KNOWN = Around(limit_ranges=(), overheads={}, nodes=())
"""A namespace without LimitRanges in a cluster without nodes."""


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
    return verdict(Case(workload, old, tier, quotas, around, minor, scaled))


def foreign(hard: Texts, used: Texts) -> QuotaStatus:
    """Return a ResourceQuota ``own`` that is not the tier's."""
    return a_quota(hard, used, name="own", managed=False)


def lines(workload: Workload, hard: Texts, used: Texts, old: Workload | None = None, **more: Any) -> list[str]:  # noqa: ANN401  # as judged
    """Return what is said beside such a quota, each short enough for a warning."""
    found = judged(workload, old=old, quotas=(foreign(hard, used),), **{"tier": a_tier(), **more})
    said = [sentence(one, namespace="dev") for one in found]
    assert all(len(one) <= 250 for one in said)
    return said
