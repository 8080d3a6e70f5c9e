"""Workloads as the API server sends them: every kind, by both decoders, and values that nobody should send."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.builders import Json, texts
from tests.wire.workloads import TEMPLATE, as_stored, read_as, read_cron_job
from tiergate.core.workload import ALL, NONE, ONE_POD, RECREATE, IntOrPercent, Rollout, Scale
from tiergate.core.workload_kind import WorkloadKind
from tiergate.wire import Malformed
from tiergate.wire.decode import Decoder
from tiergate.wire.workload import (
    WireCronJob,
    WireScale,
    WireWorkload,
    to_cron_jobs,
    to_scale,
    to_workload,
)


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Deployment", {"strategy": {"type": "Recreate"}}, RECREATE),
        (
            "Deployment",
            {"strategy": {"rollingUpdate": {"maxSurge": "200%", "maxUnavailable": 2}}},
            Rollout(IntOrPercent(200, percent=True), IntOrPercent(2)),
        ),
        ("StatefulSet", {}, Rollout(NONE, ONE_POD)),
        ("StatefulSet", {"updateStrategy": {"rollingUpdate": {"partition": 2}}}, Rollout(NONE, ONE_POD, 2)),
        ("StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, None),
        (
            "DaemonSet",
            {"updateStrategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}},
            Rollout(ONE_POD, NONE),
        ),
        ("DaemonSet", {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "100%"}}}, Rollout(NONE, ALL)),
        ("ReplicaSet", {}, None),
        ("ReplicationController", {}, None),
    ],
)
def test_strategies(kind: WorkloadKind, spec: Json, expected: Rollout | None) -> None:
    assert read_as(as_stored(spec), kind).rollout == expected


def _pointers(written: Json, kind: WorkloadKind = "Deployment") -> list[str]:
    """Return where the faults are that both decoders lead to: the same."""
    raw, found = json.dumps(written).encode(), []
    for wire in (Decoder(WireWorkload).quick(raw), Decoder(WireWorkload).strict(raw)):
        assert wire is not None
        with pytest.raises(Malformed) as raised:
            to_workload(wire, kind)
        found.append([one.pointer for one in raised.value.every()])
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize("bad", ["half", "-1", "1.5%", "9999999999%", -1, ""])
def test_a_strategy_that_cannot_be_read_is_a_fault(bad: Any) -> None:  # noqa: ANN401  # JSON
    for field in ("maxSurge", "maxUnavailable"):
        written = as_stored({"strategy": {"rollingUpdate": {field: bad}}})
        assert _pointers(written) == [f"/spec/strategy/rollingUpdate/{field}"]
        written = as_stored({"updateStrategy": {"rollingUpdate": {field: bad}}})
        assert _pointers(written, "DaemonSet") == [f"/spec/updateStrategy/rollingUpdate/{field}"]


def test_all_faults_of_a_workload_are_told_at_once() -> None:
    containers = [{"resources": {"limits": {"cpu": "half", "memory": "much"}}}]
    strategy = {"rollingUpdate": {"maxSurge": "many", "maxUnavailable": "few"}}
    spec = {
        "template": {"spec": {"containers": containers}},
        "strategy": strategy,
        "updateStrategy": strategy,
        "volumeClaimTemplates": [{}] * 300,
    }
    resources = "/spec/template/spec/containers/0/resources/limits"
    of_template = [f"{resources}/cpu", f"{resources}/memory"]
    where = "/spec/strategy/rollingUpdate"
    assert _pointers(as_stored(spec)) == [
        *of_template,
        f"{where}/maxSurge",
        f"{where}/maxUnavailable",
        "/spec/volumeClaimTemplates",
    ]
    assert _pointers(as_stored(spec), "StatefulSet") == [
        *of_template,
        "/spec/updateStrategy/rollingUpdate/maxUnavailable",
        "/spec/volumeClaimTemplates",
    ]


@pytest.mark.rule("W-4")
@pytest.mark.parametrize(
    ("kind", "spec", "status", "expected"),
    [
        ("Deployment", {"replicas": 3}, {}, 3),
        ("Deployment", {"replicas": 0}, {}, 0),
        ("ReplicaSet", {}, {}, 1),
        ("DaemonSet", {"replicas": 3}, {}, 0),
        ("Job", {"parallelism": 4, "completions": 10}, {"succeeded": 8}, 2),
        ("Job", {"parallelism": 4, "suspend": True}, {}, 0),
        ("Job", {"completions": 0}, {}, 0),
    ],
)
def test_how_many_pods_are_wanted(kind: WorkloadKind, spec: Json, status: Json, expected: int) -> None:
    assert read_as(as_stored(spec, status), kind).replicas == expected


@pytest.mark.rule("W-2")
@pytest.mark.parametrize(
    ("kind", "owner", "expected"),
    [
        ("ReplicaSet", {"apiVersion": "apps/v1", "kind": "Deployment", "controller": True}, True),
        ("ReplicaSet", {"apiVersion": "apps/v1", "kind": "Deployment"}, False),
        ("ReplicaSet", {"apiVersion": "argoproj.io/v1alpha1", "kind": "Deployment", "controller": True}, False),
        ("ReplicaSet", {"apiVersion": "batch/v1", "kind": "CronJob", "controller": True}, False),
        ("Job", {"apiVersion": "batch/v1", "kind": "CronJob", "controller": True}, True),
        ("Deployment", {"apiVersion": "apps/v1", "kind": "Deployment", "controller": True}, False),
    ],
)
def test_who_made_it(kind: WorkloadKind, owner: Json, expected: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    assert read_as(as_stored(ownerReferences=[owner]), kind).owned == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"managedBy": None}, False),
        ({"managedBy": "kubernetes.io/job-controller"}, False),
        ({"managedBy": "kueue.x-k8s.io/multikueue"}, True),
    ],
)
def test_who_runs_a_job(fields: Json, expected: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    """The pods of another controller may be in another cluster."""
    spec = {"template": TEMPLATE, **fields}
    assert read_as(as_stored(fields), "Job").owned == expected
    cron_job = msgspec.json.decode(json.dumps({"spec": {"jobTemplate": {"spec": spec}}}), type=WireCronJob)
    found, _ = to_cron_jobs(cron_job, None)
    assert found is not None
    assert found.owned == expected


@pytest.mark.rule("W-5")
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, 1),
        ({"suspend": True}, 0),
        ({"jobTemplate": {"spec": {"template": TEMPLATE, "parallelism": 3}}}, 3),
    ],
)
def test_a_cronjob_is_one_of_its_jobs(spec: Json, expected: int) -> None:
    found = read_cron_job({"jobTemplate": {"spec": {"template": TEMPLATE}}, **spec})
    assert (found.kind, found.replicas) == ("CronJob", expected)
    assert texts(found.template.containers[0].limits) == {"cpu": "1"}


def test_a_scale() -> None:
    three, one = (msgspec.json.decode(b'{"spec":{"replicas":%d}}' % count, type=WireScale) for count in (3, 1))
    assert to_scale(three, one) == Scale(3, 1)
    assert to_scale(msgspec.json.decode(b"{}", type=WireScale), None) == Scale(0, 0)
