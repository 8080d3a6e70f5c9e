"""The decision on a workload: whom it concerns, what is read first, and what findings do (ADR 27)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders import RELEASE_NAMESPACE, a_claim, a_quota, a_tier, a_tier_quota, an_item, the_facts
from tests.core.workloads import KNOWN, a_workload
from tiergate.core.decide import decide
from tiergate.core.decision import UNGOVERNED, Decision, FactName, Fault
from tiergate.core.facts import Facts, InvalidTier, MissingTier, TierState
from tiergate.core.mode import Mode, WorkloadPolicy
from tiergate.core.placement import Node, Placement
from tiergate.core.request import Request, Subject, Unreadable, WorkloadChange
from tiergate.core.rules import sentence
from tiergate.core.tier import Tier
from tiergate.core.workload import Scale, Workload

HARD = {"limits.cpu": "4"}
FREE, FULL = a_quota(HARD), a_quota(HARD, HARD)
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


def a_governing(mode: Mode = "Enforce", workloads: WorkloadPolicy = "Enforce", **fields: Any) -> Tier:  # noqa: ANN401  # of a_tier
    """Return a tier with a quota of 4 cores."""
    tier = a_tier(an_item(high={"cpu": "2"}), quotas=[a_tier_quota(HARD)], mode=mode, **fields)
    return msgspec.structs.replace(tier, workloads=workloads)


def asked(subject: Subject, resource: str = "deployments.apps", **fields: Any) -> Request:  # noqa: ANN401  # of Request
    """Return a request about a workload."""
    whole: dict[str, Any] = {"namespace": "dev", "name": "web", "user": "alice", **fields}
    return Request(endpoint="workloads", resource=resource, subject=subject, **whole)


TIER = a_governing()
FIVE = WorkloadChange(a_workload(replicas=5))
DAEMONS = WorkloadChange(a_workload(kind="DaemonSet", replicas=0, placement=Placement()))
FAULTY = Unreadable((Fault("/spec/replicas", "expected an int"),))
GROUP = a_governing(groups=["admins"])
LOST = the_facts(TIER, (FREE,), around=KNOWN, trusted=False)
UNDER_WAY = Decision(tier="dev", mode="Enforce")


NO_TIER = the_facts(MissingTier("dev"), fresh=frozenset({"tier"}))


def read_first(*facts: FactName) -> Decision:
    """Return the decision that asks for facts which can only add a warning."""
    return Decision(tier="dev", mode="Enforce", needs_fresh=frozenset(facts), optional=True)


def known(tier: TierState = TIER, *quotas: Any, **fields: Any) -> Facts:  # noqa: ANN401  # of Facts
    """Return facts with all that a verdict rests on."""
    return the_facts(tier, tuple(quotas) or (FREE,), **{"around": KNOWN, **fields})


@pytest.mark.parametrize(
    ("request_", "facts", "decision"),
    [
        pytest.param(asked(FIVE, namespace="kube-system"), known(), UNGOVERNED, id="protected"),
        pytest.param(asked(FIVE, namespace=RELEASE_NAMESPACE), known(), UNGOVERNED, id="our-own-namespace"),
        pytest.param(asked(FIVE), known(None, fresh=frozenset({"tier"})), UNGOVERNED, id="no-tier"),
        *(
            pytest.param(
                asked(FIVE),
                facts,
                Decision(governed=False, needs_fresh=frozenset({"tier"}), optional=True),
                id=f"the-tier-is-read-{name}",
            )
            for name, facts in {
                "where-caches-know-none": known(None),
                "where-it-is-missing": known(MissingTier("dev")),
                "where-caches-lost-touch": LOST,
            }.items()
        ),
        pytest.param(asked(FAULTY), NO_TIER, Decision(tier="dev"), id="unreadable-without-a-tier"),
        pytest.param(asked(Scale(5, before=1)), NO_TIER, Decision(tier="dev"), id="scaled-without-a-tier"),
        pytest.param(
            asked(FIVE, groups=("admins",)),
            known(a_governing("Warn", groups=["admins"])),
            Decision(tier="dev", mode="Warn", exempt="group admins"),
            id="exempt",
        ),
        pytest.param(asked(FIVE), known(a_governing(workloads="Ignore"), FULL), UNDER_WAY, id="ignored"),
        pytest.param(asked(FAULTY), known(a_governing(workloads="Ignore")), UNDER_WAY, id="unreadable-and-ignored"),
        pytest.param(
            asked(FIVE),
            known(a_governing("Warn", workloads="Ignore")),
            Decision(tier="dev", mode="Warn"),
            id="ignored-in-mode-warn",
        ),
        pytest.param(
            asked(WorkloadChange(a_workload(replicas=5, owned=True))), known(TIER, FULL), UNDER_WAY, id="owned"
        ),
        pytest.param(
            asked(WorkloadChange(a_workload(kind="DaemonSet", owned=True)), "daemonsets.apps"),
            known(around=msgspec.structs.replace(KNOWN, nodes=None)),
            UNDER_WAY,
            id="owned-daemons-need-no-nodes",
        ),
        pytest.param(
            asked(WorkloadChange(None)),
            known(a_governing("Audit"), FULL),
            Decision(tier="dev", mode="Audit"),
            id="without-a-template",
        ),
        pytest.param(asked(WorkloadChange(a_workload(replicas=1))), known(), UNDER_WAY, id="it-fits"),
        pytest.param(asked(Scale(5, 1)), known(), read_first("workload"), id="scale-up"),
        pytest.param(
            asked(Scale(5, 1)),
            known(a_governing("Audit")),
            msgspec.structs.replace(read_first("workload"), mode="Audit"),
            id="scale-up-in-mode-audit",
        ),
        pytest.param(
            asked(Scale(5, 1), "deployments.apps/scale"),
            known(a_governing(users=["system:serviceaccount:kube-system:replicaset-controller"])),
            UNDER_WAY,
            id="scale-up-where-who-makes-the-pods-is-exempt",
        ),
        pytest.param(asked(Scale(1, 1)), known(), UNDER_WAY, id="scale-to-the-same"),
        pytest.param(asked(Scale(1, 5)), known(), UNDER_WAY, id="scale-down"),
        pytest.param(asked(Scale(5, 1)), known(fresh=frozenset({"workload"})), UNDER_WAY, id="scale-of-nothing"),
        pytest.param(
            asked(DAEMONS, "daemonsets.apps"),
            known(around=msgspec.structs.replace(KNOWN, nodes=None)),
            read_first("nodes"),
            id="daemons-without-nodes",
        ),
        pytest.param(
            asked(DAEMONS, "daemonsets.apps"),
            known(around=msgspec.structs.replace(KNOWN, nodes=None), fresh=frozenset({"nodes"})),
            UNDER_WAY,
            id="nodes-that-cannot-be-read",
        ),
        pytest.param(
            asked(WorkloadChange(a_workload(replicas=1))),
            known(around=msgspec.structs.replace(KNOWN, nodes=None)),
            UNDER_WAY,
            id="others-need-no-nodes",
        ),
    ],
)
def test_without_a_finding(request_: Request, facts: Facts, decision: Decision) -> None:
    assert decide(request_, facts) == decision


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
    assert [(one.rule, one.pointer, one.detail, one.effect) for one in decision.findings] == [
        ("malformed", "/spec/replicas", "expected an int", "audit" if mode == "Audit" else "warn")
    ]
    assert (decision.tier, decision.mode, decision.allowed) == ("dev", mode, True)


ENDLESS = WorkloadChange(a_workload({"cpu": "3"}, replicas=1))
"""Its pods break the range of the tier, whatever is used."""
BEFORE = a_workload(replicas=1)
FIVE_NODES = msgspec.structs.replace(KNOWN, nodes=tuple(Node(f"n{number}") for number in range(5)))


@pytest.mark.parametrize(
    ("request_", "facts", "rules", "fresh", "optional", "allowed"),
    [
        pytest.param(asked(FIVE), known(), ["workload-does-not-fit"], {"quotas"}, True, False, id="cached"),
        pytest.param(
            asked(FIVE),
            known(unread=frozenset({"quotas"})),
            ["workload-unchecked"],
            set(),
            False,
            True,
            id="usage-that-could-not-be-read",
        ),
        pytest.param(
            asked(ENDLESS),
            known(trusted=False, fresh=frozenset({"tier"}), unread=frozenset({"quotas"})),
            ["workload-never-runs"],
            set(),
            False,
            False,
            id="a-range-needs-no-usage",
        ),
        pytest.param(
            asked(FIVE),
            known(trusted=False, unread=frozenset({"tier"})),
            ["workload-unchecked"],
            set(),
            False,
            True,
            id="a-tier-that-could-not-be-read",
        ),
        pytest.param(
            asked(Scale(5, 1)),
            known(unread=frozenset({"workload"})),
            ["workload-unchecked"],
            set(),
            False,
            True,
            id="a-workload-that-could-not-be-read",
        ),
        pytest.param(
            asked(FIVE), known(fresh=frozenset({"quotas"})), ["workload-does-not-fit"], set(), False, False, id="read"
        ),
        pytest.param(
            asked(FIVE),
            known(a_governing(workloads="Warn")),
            ["workload-does-not-fit"],
            {"quotas"},
            True,
            True,
            id="only-a-warning",
        ),
        pytest.param(asked(ENDLESS), known(), ["workload-never-runs"], set(), False, False, id="usage-is-no-matter"),
        pytest.param(
            asked(FIVE),
            known(a_governing("Warn"), usage=(FREE,)),
            ["workload-does-not-fit"],
            set(),
            False,
            True,
            id="usage-of-mode-warn",
        ),
        pytest.param(
            asked(FIVE),
            known(a_governing("Warn"), usage=None),
            ["workload-unchecked"],
            set(),
            False,
            True,
            id="no-usage",
        ),
        pytest.param(
            asked(WorkloadChange(a_workload(replicas=1))),
            known(a_governing("Warn"), a_quota(HARD, HARD, managed=False, name="theirs"), usage=(FREE,)),
            ["workload-does-not-fit"],
            set(),
            False,
            True,
            id="mode-warn-and-a-quota-of-others",
        ),
        pytest.param(
            asked(WorkloadChange(a_workload(replicas=1))),
            known(a_governing("Warn"), FULL, usage=(FREE,)),
            [],
            set(),
            False,
            True,
            id="mode-warn-and-ours-on-its-way-out",
        ),
        pytest.param(
            asked(FIVE),
            known(trusted=False, fresh=frozenset({"tier"})),
            ["workload-unchecked"],
            {"quotas"},
            True,
            True,
            id="caches-that-lost-touch",
        ),
        pytest.param(
            asked(FIVE),
            known(trusted=False, fresh=frozenset({"tier", "quotas"})),
            ["workload-does-not-fit"],
            set(),
            False,
            False,
            id="caches-that-lost-touch-and-a-read",
        ),
        pytest.param(
            asked(Scale(5, 1)),
            known(scaled=BEFORE),
            ["workload-does-not-fit"],
            {"quotas"},
            True,
            True,
            id="scale-is-only-warned-of",
        ),
        pytest.param(
            asked(Scale(5, 1)),
            known(scaled=msgspec.structs.replace(BEFORE, replicas=9)),
            ["workload-does-not-fit"],
            {"quotas"},
            True,
            True,
            id="the-numbers-of-the-request-count",
        ),
        pytest.param(
            asked(Scale(4, 2)),
            known(TIER, a_quota(HARD, {"limits.cpu": "2"}), scaled=a_workload(replicas=2)),
            [],
            set(),
            False,
            True,
            id="pods-that-are-there-do-not-count-twice",
        ),
        pytest.param(
            asked(DAEMONS, "daemonsets.apps"),
            known(around=FIVE_NODES),
            ["workload-does-not-fit"],
            {"quotas"},
            True,
            False,
            id="one-for-each-node",
        ),
    ],
)
def test_with_findings(  # noqa: PLR0913, RUF100  # a row of the table
    request_: Request,
    facts: Facts,
    rules: list[str],
    fresh: set[FactName],
    optional: bool,  # noqa: FBT001  # a row
    allowed: bool,  # noqa: FBT001  # a row
) -> None:
    decision = decide(request_, facts)
    assert [one.rule for one in decision.findings] == rules
    assert (set(decision.needs_fresh), decision.optional, decision.allowed) == (fresh, optional, allowed)
    assert isinstance(facts.tier, Tier)
    assert (decision.tier, decision.mode, decision.governed) == ("dev", facts.tier.mode, True)


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
