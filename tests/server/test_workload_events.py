"""Events on workloads: one for each workload and rule, bounded whatever arrives, and never in a review's way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from tests.builders import Json, a_pod_object, a_workload_object, an_owner
from tests.fake_api import FakeApi
from tests.reviews import a_review
from tests.server.event_world import World, a_pod_of, a_rollout, about
from tiergate.admission.request import read
from tiergate.cluster.errors import ApiError, Unreachable
from tiergate.core.decision import Decision, Finding
from tiergate.core.request import Endpoint
from tiergate.server.events import AGAIN, CHANGED, LARGEST, RETRY, SETTLE

REFUSED: Final = a_review(a_pod_of())


@pytest.mark.asyncio
async def test_a_refused_pod_leaves_an_event_on_its_deployment() -> None:
    """As the API server stores it, and ``kubectl describe`` looks for it: by kind, name, namespace and uid."""
    world = World()
    a_rollout(world.api)
    assert not await world.review("validate", REFUSED)
    (event,) = await world.written()
    assert event["involvedObject"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "web",
        "namespace": "dev",
        "uid": "uid-web",
    }
    assert (event["type"], event["reason"], event["count"]) == ("Warning", "TierRefused", 1)
    assert event["source"] == {"component": "tiergate-webhook"}
    assert event["metadata"]["namespace"] == "dev"
    assert event["message"] == (
        'its pods are refused (tier dev): container "agent": limits.cpu is 3, the tier allows at most 2; '
        "set limits.cpu and requests.cpu to 2 or less"
    )
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-15T09:30:02Z"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        pytest.param(an_owner(uid="uid-web-5f"), ("Deployment", "web", "uid-web"), id="deployment"),
        pytest.param(an_owner(name="bare", uid="uid-bare"), ("ReplicaSet", "bare", "uid-bare"), id="replicaset"),
        pytest.param(
            an_owner(name="orphan", uid="uid-orphan"), ("ReplicaSet", "orphan", "uid-orphan"), id="its-owner-is-made-up"
        ),
        pytest.param(
            an_owner(name="odd", uid="uid-odd"), ("ReplicaSet", "odd", "uid-odd"), id="its-owner-makes-no-replicasets"
        ),
        pytest.param(
            an_owner(kind="StatefulSet", name="db", uid="uid-db"), ("StatefulSet", "db", "uid-db"), id="statefulset"
        ),
        pytest.param(
            an_owner(kind="DaemonSet", name="log", uid="uid-log"), ("DaemonSet", "log", "uid-log"), id="daemonset"
        ),
        pytest.param(
            an_owner(apiVersion="batch/v1", kind="Job", name="n-1", uid="uid-n-1"),
            ("CronJob", "n", "uid-n"),
            id="cronjob",
        ),
        pytest.param(
            an_owner(apiVersion="batch/v1", kind="Job", name="j", uid="uid-j"), ("Job", "j", "uid-j"), id="job"
        ),
        pytest.param(
            an_owner(apiVersion="v1", kind="ReplicationController", name="rc", uid="uid-rc"),
            ("ReplicationController", "rc", "uid-rc"),
            id="replicationcontroller",
        ),
    ],
)
async def test_the_event_is_on_what_people_know(owner: Json, expected: tuple[str, str, str]) -> None:
    world = World()
    a_rollout(world.api)
    world.put("CronJob", "n")
    world.put("Job", "n-1", owner=an_owner(apiVersion="batch/v1", kind="CronJob", name="n", uid="uid-n"))
    world.put("ReplicaSet", "orphan", owner=an_owner(kind="Deployment", name="web", uid="uid-of-another"))
    world.put("ReplicaSet", "odd", owner=an_owner(kind="StatefulSet", name="db", uid="uid-db"))
    for kind, name in (("ReplicaSet", "bare"), ("StatefulSet", "db"), ("DaemonSet", "log"), ("Job", "j")):
        world.put(kind, name)
    world.put("ReplicationController", "rc")
    await world.review("validate", a_review(a_pod_of(owner)))
    (event,) = await world.written()
    assert about(event) == expected


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "owner",
    [
        pytest.param(an_owner(uid="uid-of-another"), id="another-uid"),
        pytest.param(an_owner(name="nobody", uid="uid-web-5f"), id="another-name"),
        pytest.param(an_owner(apiVersion="example.com/v1", uid="uid-web-5f"), id="another-group"),
        pytest.param(an_owner(kind="Secret", uid="uid-web-5f"), id="no-workload"),
    ],
)
async def test_an_owner_reference_is_proof_of_nothing(owner: Json) -> None:
    """A forged review makes no Event on what is not there; it costs a read."""
    world = World()
    a_rollout(world.api)
    assert not await world.review("validate", a_review(a_pod_of(owner)))
    assert await world.written() == []
    assert (world.counts.outcomes["absent"], world.api.journal) == (1, {})


@pytest.mark.asyncio
async def test_a_warned_workload_is_told_of_once_it_is_stored() -> None:
    """Until then nothing proves that there will be one."""
    world = World()
    assert await world.review("workloads", a_review(a_workload_object(replicas=5)))
    world.put("Deployment", "web")
    (event,) = await world.written()
    assert (about(event), event["reason"]) == (("Deployment", "web", "uid-web"), "TierWarned")
    assert event["message"].startswith(
        'tier dev: 4 of 5 pods fit into quota "compute": limits.cpu 4, 1 for each pod, over by 1'
    )


@pytest.mark.asyncio
async def test_a_warned_workload_that_was_not_stored_after_all_leaves_nothing() -> None:
    """Another webhook refused it, or somebody made the review up."""
    world = World()
    assert await world.review("workloads", a_review(a_workload_object(replicas=5)))
    assert await world.written() == []


@pytest.mark.asyncio
async def test_a_refused_creation_is_told_of_by_a_name_alone() -> None:
    """There is no object, and each attempt has another uid."""
    world = World()
    for uid in ("uid-1", "uid-2"):
        never = a_workload_object(cpu="3")
        never["metadata"]["uid"] = uid
        assert not await world.review("workloads", a_review(never))
    (event,) = await world.written()
    assert (about(event), event["reason"], event["count"]) == (("Deployment", "web", ""), "TierRefused", 2)


@pytest.mark.asyncio
async def test_dry_runs_and_what_is_allowed_leave_nothing() -> None:
    world = World()
    a_rollout(world.api)
    assert not await world.review("validate", a_review(a_pod_of(), dryRun=True))
    assert not await world.review("workloads", a_review(a_workload_object(cpu="3"), dryRun=True))
    assert await world.review("validate", a_review(a_pod_of(cpu="1")))
    assert not await world.review("validate", a_review({**a_pod_of(), "metadata": a_pod_object()["metadata"]}))
    assert (world.events.waiting, len(world.events), world.counts.outcomes) == (0, 0, {})


@pytest.mark.asyncio
async def test_ten_refused_pods_are_one_event_whose_count_rises_once_in_a_while() -> None:
    world = World()
    a_rollout(world.api)
    for _ in range(10):
        await world.review("validate", REFUSED)
    (event,) = await world.written()
    assert (event["count"], world.api.journal) == (10, {"POST events": 1})
    for _ in range(5):
        world.now += AGAIN / 5 - SETTLE
        await world.review("validate", REFUSED)
        assert await world.written() == [event]
    world.now += AGAIN
    await world.review("validate", REFUSED)
    (event,) = await world.written()
    assert (event["count"], world.api.journal) == (16, {"POST events": 2, "PATCH events": 1})
    assert event["firstTimestamp"] < event["lastTimestamp"]


@pytest.mark.asyncio
async def test_pods_of_another_rollout_are_told_of_in_the_same_event() -> None:
    world = World()
    a_rollout(world.api)
    world.put("ReplicaSet", "web-6a", owner=an_owner(kind="Deployment", name="web", uid="uid-web"))
    await world.review("validate", REFUSED)
    await world.review("validate", a_review(a_pod_of(an_owner(name="web-6a", uid="uid-web-6a"))))
    (event,) = await world.written()
    assert about(event) == ("Deployment", "web", "uid-web")
    assert world.api.journal == {"POST events": 1}


def a_corrected_rollout(cpu: str) -> tuple[Endpoint, bytes]:
    """Another template makes another ReplicaSet, and the pods of that are refused."""
    owner = an_owner(name=f"web-{cpu}", uid=f"uid-web-{cpu}")
    return "validate", a_review(a_pod_of(owner, cpu=cpu))


def the_same_replicaset(cpu: str) -> tuple[Endpoint, bytes]:
    """As where the amounts in use are others."""
    return "validate", a_review(a_pod_of(cpu=cpu))


def a_refused_creation(cpu: str) -> tuple[Endpoint, bytes]:
    return "workloads", a_review(a_workload_object(cpu=cpu))


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", [a_corrected_rollout, the_same_replicaset, a_refused_creation])
async def test_who_corrects_a_workload_finds_the_new_numbers(asked: Callable[[str], tuple[Endpoint, bytes]]) -> None:
    """Ten minutes would be too long for whoever tries the next number; the old text is not said again before."""
    world = World()
    a_rollout(world.api)
    for cpu in ("5", "4", "3"):
        world.put("ReplicaSet", f"web-{cpu}", owner=an_owner(kind="Deployment", name="web", uid="uid-web"))
    told = []
    for cpu, pause in (("5", 0.0), ("4", CHANGED), ("3", 1.0), ("3", CHANGED), ("3", CHANGED)):
        world.now += pause
        await world.review(*asked(cpu))
        (event,) = await world.written()
        told.append((event["message"].partition("limits.cpu is ")[2][0], event["count"]))
    assert told == [("5", 1), ("4", 2), ("4", 2), ("3", 4), ("3", 4)]


@pytest.mark.asyncio
async def test_replicas_share_one_event() -> None:
    first = World()
    second = World(first.api)
    a_rollout(first.api)
    for world in (first, second, second):
        await world.review("validate", REFUSED)
    await first.written()
    (event,) = await second.written()
    assert event["count"] == 3


@pytest.mark.asyncio
async def test_rules_have_events_of_their_own() -> None:
    world = World()
    a_rollout(world.api)
    bare = a_pod_of()
    bare["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "0"}}
    await world.review("validate", REFUSED)
    await world.review("validate", a_review(bare))
    assert len({event["message"] for event in await world.written()}) == 2


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "failure", [ApiError(403, "Forbidden", "no"), Unreachable("no answer"), ApiError(404, "NotFound", "no namespace")]
)
async def test_reviews_are_answered_while_events_cannot_be_written(failure: Exception) -> None:
    """Another one is tried a minute later, not at once; nothing ends the task."""
    world = World()
    a_rollout(world.api)
    world.api.refuse["POST events"] = failure  # type: ignore[assignment]  # any error of a client
    for _ in range(3):
        assert not await world.review("validate", REFUSED)
        assert await world.written() == []
    assert world.counts.outcomes == {"failed": 1, "repeated": 2}
    world.api.refuse.clear()
    world.now += RETRY
    await world.review("validate", REFUSED)
    (event,) = await world.written()
    assert event["count"] == 4


@pytest.mark.asyncio
async def test_what_is_in_the_place_of_an_event_of_ours_ends_nothing() -> None:
    """Tenants may write Events."""
    world = World()
    a_rollout(world.api)
    await world.review("validate", REFUSED)
    (event,) = await world.written()
    path = f"/api/v1/namespaces/dev/events/{event['metadata']['name']}"
    expected: dict[int | str | None, int | str] = {2**31 - 1: 2**31 - 1, -5: 1, None: 1, "many": "many"}
    for count, after in expected.items():
        world.api.put(path, {"reason": "TierRefused", "count": count})
        world.now += AGAIN
        await world.review("validate", REFUSED)
        await world.written()
        assert world.api.get(path)["count"] == after
    assert world.counts.outcomes == {"written": 4, "failed": 1}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("refused", "status", "outcome"),
    [
        ("PATCH events", 409, "written"),  # another replica has said so this moment
        ("PATCH events", 404, "written"),  # it was an hour old
        ("GET events", 404, "written"),
        ("PATCH events", 500, "failed"),
        ("GET events", 403, "failed"),
    ],
)
async def test_a_count_that_cannot_be_raised(refused: str, status: int, outcome: str) -> None:
    world = World()
    a_rollout(world.api)
    await world.review("validate", REFUSED)
    await world.written()
    world.counts.outcomes.clear()
    world.now += AGAIN
    world.api.refuse[refused] = ApiError(status, "", "")
    await world.review("validate", REFUSED)
    await world.written()
    assert world.counts.outcomes == {outcome: 1}


@pytest.mark.asyncio
async def test_a_review_that_takes_long_to_look_into_leaves_no_event() -> None:
    world = World()
    a_rollout(world.api)
    large = a_pod_of()
    large["metadata"]["annotations"] = {"example.com/large": "x" * LARGEST}
    assert not await world.review("validate", a_review(large))
    assert world.events.waiting == 0
    world.admission.stop()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"request":{"object":{"metadata":[]}}}', b"\xff", b'{"a":' + b"[" * 100_000]
)
def test_bytes_that_cannot_be_looked_into_leave_no_event(body: bytes) -> None:
    """The strict decoder reads more than the look for owners does."""
    world = World()
    decision = Decision((Finding("limit-max", ""),), tier="dev")
    world.events.note(read("validate", REFUSED), decision, body, peer="192.0.2.1")
    assert (world.events.waiting, world.counts.outcomes) == (0, {"failed": 1})


class Broken(FakeApi):
    """Answers with what is no object."""

    async def request(self, method: str, _path: str, **_: object) -> bytes:  # type: ignore[override]
        return b'{"metadata": 7}' if method == "GET" else b"["


@pytest.mark.asyncio
async def test_an_answer_that_is_no_object_ends_nothing() -> None:
    world = World(Broken())
    await world.review("validate", REFUSED)
    assert await world.written() == []
    assert world.counts.outcomes == {"failed": 1}
