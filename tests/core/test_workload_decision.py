"""The decision on a workload: whom it concerns, what is read first, and what findings do (ADR 27)."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import RELEASE_NAMESPACE, a_quota, the_facts
from tests.core.workload_requests import DAEMONS, FAULTY, FIVE, FREE, FULL, HARD, TIER, a_governing, asked, known
from tests.core.workloads import KNOWN, a_workload
from tiergate.core.decide import decide
from tiergate.core.decision import UNGOVERNED, Decision, FactName
from tiergate.core.facts import Facts, MissingTier
from tiergate.core.placement import Node
from tiergate.core.request import Request, WorkloadChange
from tiergate.core.tier import Tier
from tiergate.core.workload import Scale

LOST = the_facts(TIER, (FREE,), around=KNOWN, trusted=False)
UNDER_WAY = Decision(tier="dev", mode="Enforce")

NO_TIER = the_facts(MissingTier("dev"), fresh=frozenset({"tier"}))


def read_first(fact: FactName) -> Decision:
    """Return the decision that asks for facts which can only add a warning."""
    return Decision(tier="dev", mode="Enforce", needs_fresh=fact, optional=True)


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
                Decision(governed=False, needs_fresh="tier", optional=True),
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


ENDLESS = WorkloadChange(a_workload({"cpu": "3"}, replicas=1))
"""Its pods break the range of the tier, whatever is used."""
BEFORE = a_workload(replicas=1)
FIVE_NODES = msgspec.structs.replace(KNOWN, nodes=tuple(Node(f"n{number}") for number in range(5)))


@pytest.mark.parametrize(
    ("request_", "facts", "rules", "fresh", "optional", "allowed"),
    [
        pytest.param(asked(FIVE), known(), ["workload-does-not-fit"], "quotas", True, False, id="cached"),
        pytest.param(
            asked(FIVE),
            known(unread=frozenset({"quotas"})),
            ["workload-unchecked"],
            None,
            False,
            True,
            id="usage-that-could-not-be-read",
        ),
        pytest.param(
            asked(ENDLESS),
            known(trusted=False, fresh=frozenset({"tier"}), unread=frozenset({"quotas"})),
            ["workload-never-runs"],
            None,
            False,
            False,
            id="a-range-needs-no-usage",
        ),
        pytest.param(
            asked(FIVE),
            known(trusted=False, unread=frozenset({"tier"})),
            ["workload-unchecked"],
            None,
            False,
            True,
            id="a-tier-that-could-not-be-read",
        ),
        pytest.param(
            asked(Scale(5, 1)),
            known(unread=frozenset({"workload"})),
            ["workload-unchecked"],
            None,
            False,
            True,
            id="a-workload-that-could-not-be-read",
        ),
        pytest.param(
            asked(FIVE), known(fresh=frozenset({"quotas"})), ["workload-does-not-fit"], None, False, False, id="read"
        ),
        pytest.param(
            asked(FIVE),
            known(a_governing(workloads="Warn")),
            ["workload-does-not-fit"],
            "quotas",
            True,
            True,
            id="only-a-warning",
        ),
        pytest.param(asked(ENDLESS), known(), ["workload-never-runs"], None, False, False, id="usage-is-no-matter"),
        pytest.param(
            asked(FIVE),
            known(a_governing("Warn"), usage=(FREE,)),
            ["workload-does-not-fit"],
            None,
            False,
            True,
            id="usage-of-mode-warn",
        ),
        pytest.param(
            asked(FIVE),
            known(a_governing("Warn"), usage=None),
            ["workload-unchecked"],
            None,
            False,
            True,
            id="no-usage",
        ),
        pytest.param(
            asked(WorkloadChange(a_workload(replicas=1))),
            known(a_governing("Warn"), a_quota(HARD, HARD, managed=False, name="theirs"), usage=(FREE,)),
            ["workload-does-not-fit"],
            None,
            False,
            True,
            id="mode-warn-and-a-quota-of-others",
        ),
        pytest.param(
            asked(WorkloadChange(a_workload(replicas=1))),
            known(a_governing("Warn"), FULL, usage=(FREE,)),
            [],
            None,
            False,
            True,
            id="mode-warn-and-ours-on-its-way-out",
        ),
        pytest.param(
            asked(FIVE),
            known(trusted=False, fresh=frozenset({"tier"})),
            ["workload-unchecked"],
            "quotas",
            True,
            True,
            id="caches-that-lost-touch",
        ),
        pytest.param(
            asked(FIVE),
            known(trusted=False, fresh=frozenset({"tier", "quotas"})),
            ["workload-does-not-fit"],
            None,
            False,
            False,
            id="caches-that-lost-touch-and-a-read",
        ),
        pytest.param(
            asked(Scale(5, 1)),
            known(scaled=BEFORE),
            ["workload-does-not-fit"],
            "quotas",
            True,
            True,
            id="scale-is-only-warned-of",
        ),
        pytest.param(
            asked(Scale(5, 1)),
            known(scaled=msgspec.structs.replace(BEFORE, replicas=9)),
            ["workload-does-not-fit"],
            "quotas",
            True,
            True,
            id="the-numbers-of-the-request-count",
        ),
        pytest.param(
            asked(Scale(4, 2)),
            known(TIER, a_quota(HARD, {"limits.cpu": "2"}), scaled=a_workload(replicas=2)),
            [],
            None,
            False,
            True,
            id="pods-that-are-there-do-not-count-twice",
        ),
        pytest.param(
            asked(DAEMONS, "daemonsets.apps"),
            known(around=FIVE_NODES),
            ["workload-does-not-fit"],
            "quotas",
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
    fresh: FactName | None,
    optional: bool,  # noqa: FBT001  # a row
    allowed: bool,  # noqa: FBT001  # a row
) -> None:
    decision = decide(request_, facts)
    assert [one.rule for one in decision.findings] == rules
    assert (decision.needs_fresh, decision.optional, decision.allowed) == (fresh, optional, allowed)
    assert isinstance(facts.tier, Tier)
    assert (decision.tier, decision.mode, decision.governed) == ("dev", facts.tier.mode, True)
