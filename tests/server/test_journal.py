"""What the usage page hears of decisions: bounded, fair, and gone when it is over."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from tests.builders import (
    RELEASE_NAMESPACE,
    Json,
    a_namespace_object,
    a_pod_object,
    a_quota,
    a_tier,
    a_tier_quota,
    a_workload_object,
    an_item,
    an_owner,
)
from tests.fake_api import FakeApi
from tests.reviews import a_review
from tests.server.admission_fakes import FakePermissions, FakeState
from tests.server.event_world import a_pod_of, a_rollout, store
from tiergate.admission.request import AdmissionRequest
from tiergate.admission.response import told
from tiergate.cluster.api import Api
from tiergate.cluster.errors import ApiError
from tiergate.core.decision import Decision, Finding
from tiergate.core.messages import Said
from tiergate.core.mode import Mode
from tiergate.core.request import Endpoint
from tiergate.server import journal
from tiergate.server.admission import Admission
from tiergate.server.journal import AGAIN, LONGEST, MOST, MOST_OF_NAMESPACE, MOST_PROBLEMS, WAITS_FOR, Journal
from tiergate.server.makers import MOST_WAITING, RETRY, Makers
from tiergate.server.owners import Owners


class World:
    """One replica; ``dev`` is a namespace of a tier that allows a limit of 2 CPUs, and 4 of all pods."""

    def __init__(self, *, namespaces: int = 0, mode: Mode = "Enforce") -> None:
        self.now = 1_700_000_000.0
        self.api = FakeApi()
        self.makers = Makers(Owners(Api(self.api), timeout=1.0), clock=lambda: self.now)
        self.journal = Journal(self.makers, now=lambda: self.now)
        names = ["dev", *(f"team-{number}" for number in range(namespaces))]
        tier = a_tier(an_item(high={"cpu": "2"}), quotas=[a_tier_quota({"limits.cpu": "4"})], mode=mode)
        tiers = {"dev": tier, "prod": a_tier(an_item(high={"cpu": "2"}), name="prod")}
        state = FakeState(
            tiers=tiers,
            namespaces={**dict.fromkeys(names, "dev"), "prod": "prod"},
            quotas=(a_quota({"limits.cpu": "4"}),),
            usage=(a_quota({"limits.cpu": "4"}),),  # what the index would count in modes Warn and Audit
        )
        self._admission = Admission(
            state, FakePermissions(), release_namespace=RELEASE_NAMESPACE, observers=(self.journal,), clock=state.clock
        )

    async def review(self, endpoint: Endpoint, document: Json, *, dry_run: bool = False) -> None:
        await self._admission.answer(endpoint, a_review(document, dryRun=dry_run))

    async def read(self) -> None:
        """Read what made the controllers of the pods that were refused."""
        while self.makers.waiting:
            await self.makers.read_next(self.journal.rename)

    def refused(self) -> list[tuple[str, str, str, int]]:
        return [(one.namespace, one.kind, one.name, one.count) for one in self.journal.refusals()]

    def waiting(self) -> list[tuple[str, str, str, int]]:
        return [(one.namespace, one.kind, one.name, one.count) for one in self.journal.waiting()]


def a_pod(name: str, *, namespace: str = "dev", cpu: str = "3") -> Json:
    pod = a_pod_object({"name": "agent", "image": "agent:1", "resources": {"limits": {"cpu": cpu}}})
    pod["metadata"] |= {"namespace": namespace, "name": name}
    return pod


async def test_a_refusal_has_the_rule_what_is_wrong_and_what_would_pass() -> None:
    world = World()
    await world.review("validate", a_pod("agent"))
    (report,) = world.journal.refusals()
    assert (report.tier, report.namespace, report.kind, report.name, report.more) == ("dev", "dev", "pod", "agent", 0)
    (problem,) = report.problems
    assert (problem.rule, problem.fact, problem.advice) == (
        "limit-max",
        'container "agent": limits.cpu is 3, the tier allows at most 2',
        "set limits.cpu and requests.cpu to 2 or less",
    )
    assert world.waiting() == []


async def test_pods_of_a_controller_are_one_report_and_their_workload_waits() -> None:
    world = World()
    for _ in range(3):
        await world.review("validate", a_pod_of())
    assert world.refused() == world.waiting() == [("dev", "ReplicaSet", "web-5f", 3)]
    world.now += WAITS_FOR + 1
    world.journal.expire()
    assert world.waiting() == []
    assert world.refused() == [("dev", "ReplicaSet", "web-5f", 3)]


async def test_a_workload_waits_until_it_fits() -> None:
    world = World()
    await world.review("workloads", a_workload_object(replicas=5))
    await world.review("validate", a_pod_of())
    assert world.waiting() == [("dev", "ReplicaSet", "web-5f", 1), ("dev", "Deployment", "web", 1)]
    (problem,) = world.journal.waiting()[1].problems
    assert problem.rule == "workload-does-not-fit"
    assert problem.advice.startswith("set replicas to 4 or less")
    await world.review("workloads", a_workload_object(replicas=2))
    assert world.waiting() == []


async def test_what_is_said_of_a_rollout_stands_under_its_deployment() -> None:
    """The first refusal names the ReplicaSet that the pod names; the next ones need no read."""
    world = World()
    await world.review("workloads", a_workload_object(replicas=5))
    for replicaset in ("web-5f", "web-6a"):
        a_rollout(world.api, replicaset)
        await world.review("validate", a_pod_of(an_owner(name=replicaset, uid=f"uid-{replicaset}")))
    begun = world.now
    world.now += 1
    await world.review("validate", a_pod("lone"))
    await world.read()
    assert world.refused() == [("dev", "pod", "lone", 1), ("dev", "Deployment", "web", 2)]
    of_pods, verdict = world.journal.waiting()
    assert [(one.kind, one.name, one.count) for one in (of_pods, verdict)] == [("Deployment", "web", n) for n in (2, 1)]
    assert (of_pods.began, of_pods.latest, of_pods.problems[0].rule) == (begun, begun, "limit-max")
    assert verdict.problems[0].rule == "workload-does-not-fit"
    world.api.refuse["GET replicasets"] = ApiError(500, "InternalError", "it is not asked again")
    await world.review("validate", a_pod_of())
    assert world.makers.waiting == 0
    assert world.refused()[0] == ("dev", "Deployment", "web", 3)
    await world.review("workloads", a_workload_object(replicas=2))
    assert world.waiting() == []


@pytest.mark.parametrize("why", ["absent", "another-uid", "forbidden", "nothing-made-it"])
async def test_what_is_not_proved_stands_under_what_the_pod_names(why: str) -> None:
    world = World()
    if why == "forbidden":
        world.api.refuse["GET replicasets"] = ApiError(403, "Forbidden", "no")
    if why == "nothing-made-it":
        store(world.api, "ReplicaSet", "web-5f")
    if why == "another-uid":
        a_rollout(world.api)
    pod = a_pod_of(an_owner(uid="made-up") if why == "another-uid" else None)
    await world.review("validate", pod)
    await world.read()
    a_rollout(world.api)
    world.api.refuse.clear()
    await world.review("validate", pod)
    assert (world.makers.waiting, world.refused()) == (0, [("dev", "ReplicaSet", "web-5f", 2)])
    world.now += RETRY
    await world.review("validate", pod)
    await world.read()
    kind = "Deployment" if why in {"absent", "forbidden"} else "ReplicaSet"
    assert [(one.kind, one.count) for one in world.journal.refusals()] == [(kind, 3)]


async def test_made_up_controllers_take_a_bounded_place() -> None:
    world = World()
    for number in range(MOST_WAITING + 5):
        await world.review("validate", a_pod_of(an_owner(name=f"rs-{number}", uid="made-up")))
    assert world.makers.waiting == MOST_WAITING


@pytest.mark.parametrize("mode", ["Warn", "Audit"])
async def test_where_nothing_is_refused_nothing_waits(mode: Mode) -> None:
    world = World(mode=mode)
    await world.review("workloads", a_workload_object(replicas=5))
    await world.review("validate", a_pod_of())
    assert world.refused() == world.waiting() == []


async def test_dry_runs_and_what_is_allowed_leave_nothing() -> None:
    world = World()
    await world.review("validate", a_pod("agent"), dry_run=True)
    await world.review("validate", a_pod("agent", cpu="1"))
    await world.review("workloads", a_workload_object(replicas=2))
    assert world.journal.changes == 0


async def test_one_namespace_has_few_places_and_the_largest_gives_way() -> None:
    """Neither many objects of one tenant nor many namespaces of one tier push out another tier."""
    world = World(namespaces=MOST)
    await world.review("validate", a_pod("first", namespace="prod"))
    for number in range(MOST_OF_NAMESPACE + 5):
        await world.review("validate", a_pod(f"agent-{number}"))
    assert [name for _, _, name, _ in world.refused()] == [
        *(f"agent-{number}" for number in reversed(range(5, MOST_OF_NAMESPACE + 5))),
        "first",
    ]
    for number in range(MOST):
        await world.review("validate", a_pod("agent", namespace=f"team-{number}"))
    refused = world.refused()
    assert len(refused) == MOST
    assert refused[-1] == ("prod", "pod", "first", 1)
    assert max(Counter(namespace for namespace, *_ in refused).values()) == 1


async def test_labels_that_are_tried_push_out_each_other_alone() -> None:
    """Whoever may create namespaces can make up as many names of them as there are places."""
    world = World()
    for number in range(MOST_OF_NAMESPACE):
        await world.review("validate", a_pod(f"agent-{number}"))
    for number in range(2 * MOST):
        await world.review("namespaces", a_namespace_object(f"made-up-{number}", tier="dev"))
    kinds = Counter((one.tier, one.kind) for one in world.journal.refusals())
    assert kinds == {("", "namespace"): MOST - MOST_OF_NAMESPACE, ("dev", "pod"): MOST_OF_NAMESPACE}


async def test_a_report_is_short_whatever_was_sent() -> None:
    world = World()
    name = "<b>" + "x" * 200
    document = a_pod(name)
    document["spec"]["containers"] = [
        {"name": f"{name}{number}", "image": "a", "resources": {"limits": {"cpu": "3"}}} for number in range(9)
    ]
    owner = an_owner(kind="K" * 500, name="\x1b[31m" + "n" * 500, uid="u")
    document["metadata"]["ownerReferences"] = [owner]
    await world.review("validate", document)
    (report,) = world.journal.refusals()
    assert (len(report.problems), report.more > 0) == (MOST_PROBLEMS, True)
    texts = [report.kind, report.name, *(text for one in report.problems for text in (one.fact, one.advice))]
    assert all(text.isprintable() and len(text) <= LONGEST + 3 for text in texts)


@pytest.mark.parametrize("pause", [AGAIN / 20, AGAIN / 2, AGAIN, 10 * AGAIN])
async def test_what_is_said_is_never_old_and_not_worked_out_for_each(
    monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    """However close to each other the refusals of an object come, what is said of it follows them."""
    world, worded = World(), set[float]()

    def telling(finding: Finding, request: AdmissionRequest, decision: Decision) -> Said:
        worded.add(world.now)
        return told(finding, request, decision)

    monkeypatch.setattr(journal, "told", telling)
    for cpu in range(3, 43):
        await world.review("validate", a_pod("agent", cpu=str(cpu)))
        (report,) = world.journal.refusals()
        at_most = round(AGAIN / pause) if pause < AGAIN else 0
        assert any(f"limits.cpu is {cpu - ago}," in report.problems[0].fact for ago in range(at_most + 1))
        world.now += pause
    assert report.count == 40
    assert all(later - earlier >= AGAIN for earlier, later in pairwise(sorted(worded)))


async def test_a_decision_that_cannot_be_noted_is_answered_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> object:
        message = "a bug"
        raise RuntimeError(message)

    monkeypatch.setattr(journal, "told", broken)
    world = World()
    await world.review("validate", a_pod("agent"))
    assert world.refused() == []
    assert "a decision could not be noted" in caplog.text
    monkeypatch.undo()
    await world.review("validate", a_pod("agent"))
    assert world.refused() == [("dev", "pod", "agent", 1)]
