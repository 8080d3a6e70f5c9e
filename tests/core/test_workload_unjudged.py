"""Workloads that nobody judges, or nobody can: exempt makers of pods, what cannot be read, no usable tier."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import a_claim, a_tier, a_tier_quota, an_item, the_facts
from tests.core.workload_requests import DAEMONS, FAULTY, FIVE, FREE, HARD, a_governing, asked, known
from tests.core.workloads import KNOWN, a_workload
from tiergate.core.decide import decide
from tiergate.core.facts import Facts, InvalidTier, MissingTier
from tiergate.core.mode import Mode
from tiergate.core.request import Request, WorkloadChange
from tiergate.core.rules import sentence
from tiergate.core.tier import Tier
from tiergate.core.workload import Scale, Workload

USERS_OF_CONTROLLERS = {
    "deployments.apps": "replicaset-controller",
    "replicasets.apps": "replicaset-controller",
    "replicationcontrollers": "replication-controller",
    "statefulsets.apps": "statefulset-controller",
    "daemonsets.apps": "daemon-set-controller",
    "jobs.batch": "job-controller",
    "cronjobs.batch": "job-controller",
}
"""From the controllers' names in kubernetes cmd/kube-controller-manager."""

GROUP = a_governing(groups=["admins"])


@pytest.mark.parametrize("resource", USERS_OF_CONTROLLERS)
@pytest.mark.parametrize("whom", ["account", "group", "manager", "another"])
def test_a_tier_that_exempts_who_makes_the_pods_keeps_none_from_running(resource: str, whom: str) -> None:
    account = f"system:serviceaccount:kube-system:{USERS_OF_CONTROLLERS[resource]}"
    exempt: dict[str, Any] = {
        "account": {"users": [account]},
        "group": {"groups": ["system:serviceaccounts:kube-system"]},
        "manager": {"users": ["system:kube-controller-manager"]},
        "another": {"users": ["system:serviceaccount:kube-system:ttl-controller"]},
    }[whom]
    decision = decide(asked(FIVE, resource), known(a_governing(**exempt)))
    assert bool(decision.findings) == (whom == "another")
    assert decision.exempt == ""


@pytest.mark.parametrize("account", ["", "ephemeral-volume-controller", "ttl-controller"])
def test_a_tier_that_exempts_who_makes_the_claims_judges_the_pods_alone(account: str) -> None:
    users = [f"system:serviceaccount:kube-system:{account}"] if account else []
    claims = an_item("PersistentVolumeClaim", high={"storage": "1Gi"})
    tier = a_tier(an_item(high={"cpu": "2"}), claims, quotas=[a_tier_quota(HARD)], users=users)

    def rules(cpu: str) -> list[str]:
        workload = a_workload({"cpu": cpu}, claims=(a_claim("5Gi"),))
        found = decide(asked(WorkloadChange(workload)), the_facts(tier, (FREE,), around=KNOWN, fresh={"quotas"}))
        return [one.because for one in found.findings]

    judged = account != "ephemeral-volume-controller"
    assert rules("1") == ["claim-max"] * judged
    assert rules("3") == ["limit-max", *["claim-max"] * judged]


@pytest.mark.parametrize("mode", ["Enforce", "Warn", "Audit"])
def test_what_cannot_be_read_is_warned_of(mode: Mode) -> None:
    decision = decide(asked(FAULTY), known(a_governing(mode)))
    assert [(one.rule, one.pointer, one.detail, decision.effect_of(one)) for one in decision.findings] == [
        ("malformed", "/spec/replicas", "expected an int", "audit" if mode == "Audit" else "warn")
    ]
    assert (decision.tier, decision.mode, decision.allowed) == ("dev", mode, True)


@pytest.mark.parametrize(
    ("request_", "facts", "mode", "said"),
    [
        pytest.param(
            asked(FIVE), known(trusted=False, unread=frozenset({"tier"})), "Enforce", "the tier of the namespace"
        ),
        pytest.param(
            asked(FIVE),
            known(a_governing("Warn"), trusted=False, unread=frozenset({"tier"})),
            "Warn",
            "the tier of the namespace",
        ),
        pytest.param(asked(FIVE), known(None, unread=frozenset({"tier"})), "Enforce", "the tier of the namespace"),
        pytest.param(asked(Scale(5, 1)), known(unread=frozenset({"workload"})), "Enforce", "the workload"),
    ],
    ids=["stale-tier", "stale-tier-in-mode-warn", "no-tier", "scale"],
)
def test_what_could_not_be_read_is_named(request_: Request, facts: Facts, mode: Mode, said: str) -> None:
    decision = decide(request_, facts)
    assert decision.mode == mode
    assert [(one.pointer, sentence(one, namespace="dev")) for one in decision.findings] == [
        ("/spec", f"whether its pods fit was not checked: {said} could not be read")
    ]


@pytest.mark.parametrize(
    ("request_", "tier"),
    [
        pytest.param(asked(FIVE, groups=("admins",)), GROUP, id="exempt"),
        pytest.param(asked(FIVE), a_governing(workloads="Ignore"), id="ignored"),
    ],
)
def test_nothing_is_said_of_a_tier_that_could_not_be_read_where_nothing_was_due(request_: Request, tier: Tier) -> None:
    assert decide(request_, known(tier, trusted=False, unread=frozenset({"tier"}))).findings == ()


OTHER = msgspec.structs.replace(a_workload(replicas=5), written=b"another")


@pytest.mark.parametrize(
    ("workload", "old", "warned"),
    [
        pytest.param(a_workload(replicas=5), None, True, id="created"),
        pytest.param(DAEMONS.workload, None, True, id="daemons-on-nodes-not-known"),
        pytest.param(a_workload(replicas=5), a_workload(replicas=4), True, id="more-pods"),
        pytest.param(DAEMONS.workload, DAEMONS.workload, False, id="daemons-as-they-were"),
        pytest.param(OTHER, a_workload(replicas=5), True, id="another-template"),
        pytest.param(a_workload(replicas=5), a_workload(replicas=5), False, id="as-it-was"),
        pytest.param(a_workload(replicas=4), a_workload(replicas=5), False, id="fewer-pods"),
        pytest.param(a_workload(replicas=0), OTHER, False, id="no-pods"),
        pytest.param(a_workload(replicas=5, owned=True), None, False, id="of-another-workload"),
        pytest.param(None, None, False, id="without-a-template"),
    ],
)
@pytest.mark.parametrize(
    ("tier", "said"),
    [
        (MissingTier("dve"), 'names "dve", and there is no such tier; create it or correct the label'),
        (InvalidTier("dev", "min above max"), "tier dev: min above max; correct the tier"),
    ],
)
def test_who_asks_for_pods_where_no_tier_is_usable_is_warned(
    workload: Workload | None, old: Workload | None, tier: MissingTier | InvalidTier, *, warned: bool, said: str
) -> None:
    decision = decide(asked(WorkloadChange(workload, old)), the_facts(tier, fresh=frozenset({"tier"})))
    assert (decision.allowed, decision.tier, len(decision.findings)) == (True, tier.name, int(warned))
    for one in decision.findings:
        assert (one.effect, one.rule) == ("warn", "workload-never-runs")
        assert one.because == ("tier-missing" if isinstance(tier, MissingTier) else "tier-invalid")
        assert sentence(one, namespace="dev").startswith("no pod of it can run: ")
        assert sentence(one, namespace="dev").endswith(said)
