"""What a status tells of the pods of a workload: how many there are, and of which template."""

from __future__ import annotations

import json
from typing import Final

import msgspec
import pytest

from tests.builders import Json
from tests.wire.workloads import TEMPLATE, as_stored, read_as, read_cron_job
from tiergate.core.workload_kind import WorkloadKind
from tiergate.wire.decode import Decoder
from tiergate.wire.workload import (
    WireWorkload,
    WorkloadMetadata,
    to_workload,
)


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("Deployment", {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3}, (3, 0, True, False)),
        ("Deployment", {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 1}, (3, 0, False, False)),
        ("Deployment", {"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3}, (3, 0, False, False)),
        ("Deployment", {"observedGeneration": 2, "terminatingReplicas": 2}, (0, 2, True, False)),
        (
            "ReplicaSet",
            {"observedGeneration": 2, "replicas": 1, "conditions": [{"type": "ReplicaFailure", "status": "True"}]},
            (1, 0, True, True),
        ),
        (
            "DaemonSet",
            {
                "observedGeneration": 2,
                "currentNumberScheduled": 3,
                "numberMisscheduled": 1,
                "updatedNumberScheduled": 3,
            },
            (4, 0, True, False),
        ),
        ("StatefulSet", {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2}, (3, 0, False, False)),
        ("Job", {"active": 2, "terminating": 1}, (2, 1, True, False)),
    ],
)
def test_what_the_status_says_of_its_pods(
    kind: WorkloadKind, status: Json, expected: tuple[int, int, bool, bool]
) -> None:
    found = read_as(as_stored(status=status, generation=2), kind)
    assert (found.running, found.terminating, found.settled, found.failing) == expected


_FAILING: Final = [{"type": "ReplicaFailure", "status": "True"}]
_SURGE: Final = {"updateStrategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}


@pytest.mark.parametrize(
    ("kind", "spec", "status", "expected"),
    [
        pytest.param("Deployment", {}, {"availableReplicas": 3, "terminatingReplicas": 0}, 3, id="all-are-told-of"),
        pytest.param("Deployment", {}, {"availableReplicas": 3}, 0, id="others-may-be-on-their-way-out"),
        pytest.param("Deployment", {}, {"availableReplicas": 3, "conditions": _FAILING}, 3, id="there-is-no-room"),
        pytest.param("StatefulSet", {}, {"availableReplicas": 2}, 2, id="a-statefulset"),
        pytest.param("DaemonSet", {}, {"numberAvailable": 3, "updatedNumberScheduled": 1}, 3, id="a-daemonset"),
        pytest.param("DaemonSet", _SURGE, {"numberAvailable": 3}, 3, id="none-has-come-yet"),
        pytest.param(
            "DaemonSet", _SURGE, {"numberAvailable": 3, "updatedNumberScheduled": 1}, 0, id="a-node-may-have-two"
        ),
        pytest.param("ReplicaSet", {}, {"availableReplicas": 3}, 0, id="replaces-none"),
    ],
)
def test_how_many_pods_are_known_to_be_available(kind: WorkloadKind, spec: Json, status: Json, expected: int) -> None:
    assert read_as(as_stored(spec, status), kind).available == expected


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        pytest.param({"paused": True}, {"replicas": 3, "updatedReplicas": 0}, (True, False, True), id="edited"),
        pytest.param({"paused": True}, {"replicas": 3, "updatedReplicas": 1}, (True, False, False), id="on-its-way"),
        pytest.param({"paused": True}, {"replicas": 3, "updatedReplicas": 3}, (True, True, False), id="as-it-was"),
        pytest.param({"paused": True}, {}, (True, True, False), id="without-pods"),
        pytest.param({}, {"replicas": 3, "updatedReplicas": 0}, (True, False, False), id="not-paused"),
        pytest.param(
            {"paused": True}, {"observedGeneration": 1, "replicas": 3}, (False, False, False), id="a-late-status"
        ),
    ],
)
def test_what_a_pause_holds_back(spec: Json, status: Json, expected: tuple[bool, bool, bool]) -> None:
    found = read_as(as_stored(spec, {"observedGeneration": 2, **status}, generation=2))
    assert found.paused is ("paused" in spec)
    assert (found.observed, found.settled, found.held) == expected


@pytest.mark.rule("W-3")
@pytest.mark.parametrize(
    ("current", "expected"), [("web-6d8f", True), ("web-59c4", False)], ids=["ended", "under-way-or-stopped"]
)
def test_pods_below_a_partition_are_of_the_revision_whose_rollout_has_ended(current: str, expected: bool) -> None:  # noqa: FBT001
    """That none of its pods is of another one says nothing: some may not be there."""
    status = {"replicas": 3, "updatedReplicas": 3, "currentRevision": current, "updateRevision": "web-6d8f"}
    found = read_as(as_stored(status=status), "StatefulSet")
    assert (found.settled, found.complete) == (True, expected)


_ON_DELETE: Json = {"updateStrategy": {"type": "OnDelete"}}


def _from(partition: int) -> Json:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}}


@pytest.mark.parametrize(
    ("kind", "spec", "status", "held"),
    [
        pytest.param("StatefulSet", _ON_DELETE, {"replicas": 3}, True, id="on-delete"),
        pytest.param("StatefulSet", _ON_DELETE, {"replicas": 3, "updatedReplicas": 1}, False, id="one-was-deleted"),
        pytest.param("StatefulSet", _ON_DELETE, {}, False, id="without-pods"),
        pytest.param("StatefulSet", _from(3), {"replicas": 3}, True, id="partition"),
        pytest.param("StatefulSet", _from(2), {"replicas": 3}, False, id="partition-below-the-pods"),
        pytest.param("StatefulSet", {}, {"replicas": 3}, False, id="a-rollout-begins"),
        pytest.param("DaemonSet", _ON_DELETE, {"currentNumberScheduled": 3}, True, id="a-daemonset"),
        pytest.param(
            "DaemonSet",
            _ON_DELETE,
            {"currentNumberScheduled": 3, "updatedNumberScheduled": 3},
            False,
            id="a-daemonset-of-its-template",
        ),
        pytest.param("DaemonSet", {}, {"currentNumberScheduled": 3}, False, id="a-daemonset-s-rollout-begins"),
        pytest.param("ReplicaSet", {}, {"replicas": 3}, False, id="replaces-none"),
    ],
)
def test_what_a_strategy_holds_back(kind: WorkloadKind, spec: Json, status: Json, *, held: bool) -> None:
    assert read_as(as_stored(spec, {"observedGeneration": 2, **status}, generation=2), kind).held is held
    assert not read_as(as_stored(spec, {"observedGeneration": 1, **status}, generation=2), kind).held


@pytest.mark.rule("W-5")
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, 0, id="W-5-Allow-is-the-default"),
        pytest.param({"concurrencyPolicy": "Allow"}, 0, id="W-5-Allow"),
        pytest.param({"concurrencyPolicy": "Forbid"}, 6, id="W-5-Forbid"),
        pytest.param({"concurrencyPolicy": "Replace"}, 6, id="W-5-Replace"),
    ],
)
def test_pods_of_active_jobs_make_room_unless_the_next_one_runs_beside_them(spec: Json, expected: int) -> None:
    """Two Jobs are active, of three pods each."""
    found = read_cron_job({"jobTemplate": {"spec": {"template": TEMPLATE, "parallelism": 3}}, **spec})
    assert found.running == expected


@pytest.mark.parametrize("metadata", [None, WorkloadMetadata()])
def test_a_workload_without_a_generation_has_been_observed(metadata: WorkloadMetadata | None) -> None:
    """Its status tells of it: nothing says that there is a newer one."""
    spec = {"template": {"spec": {"containers": [{"name": "a"}]}}}
    wire = Decoder(WireWorkload).strict(json.dumps({"spec": spec}).encode())
    found = to_workload(msgspec.structs.replace(wire, metadata=metadata), "Deployment")
    assert found is not None
    assert found.observed
