"""Workloads as the API server sends them: every kind, by both decoders, and values that nobody should send."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import pytest

from tests.builders import Json, a_container, texts
from tiergate.core.placement import MOST_TERMS, NodeRequirement, NodeTerm, Placement, Toleration
from tiergate.core.workload import ALL, NONE, ONE_POD, QUARTER, RECREATE, IntOrPercent, Rollout, Scale, Workload
from tiergate.core.workload_kind import WorkloadKind
from tiergate.wire import Malformed, strict, tree
from tiergate.wire.decode import Decoder
from tiergate.wire.workload import (
    WireCronJob,
    WireScale,
    WireWorkload,
    WorkloadMetadata,
    to_cron_job,
    to_cron_jobs,
    to_scale,
    to_workload,
    to_workloads,
)

_TEMPLATE: Json = {"spec": {"containers": [{"name": "agent", "resources": {"limits": {"cpu": "1"}}}]}}


def _object(spec: Json | None = None, status: Json | None = None, **metadata: Any) -> Json:  # noqa: ANN401  # JSON
    return {
        "metadata": {"name": "web", **metadata},
        "spec": {"template": _TEMPLATE, **(spec or {})},
        "status": status or {},
    }


def _read(written: Json, kind: WorkloadKind = "Deployment") -> Workload:
    """Return what both decoders make of it: the same."""
    raw, decoder = json.dumps(written).encode(), Decoder(WireWorkload)
    quick = decoder.quick(raw)
    assert quick is not None
    found = to_workload(quick, kind, namespace="dev")
    assert found is not None
    slow = to_workload(decoder.strict(raw), kind, namespace="dev")
    assert msgspec.structs.replace(found, written=b"") == msgspec.structs.replace(slow, written=b"")  # type: ignore[type-var]  # as found
    return found


def test_the_template_is_the_pod_that_stands_in_it() -> None:
    found = _read(_object())
    assert found.template.containers == (a_container(limits={"cpu": "1"}, pointer="/spec/template/spec/containers/0"),)
    assert (found.template.pointer, found.replicas, found.rollout) == ("/spec/template", 1, Rollout(QUARTER, QUARTER))


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
    assert _read(_object(spec), kind).rollout == expected


def _pointers(written: Json, kind: WorkloadKind = "Deployment") -> list[str]:
    """Return where the faults are that both decoders lead to: the same."""
    raw, found = json.dumps(written).encode(), []
    for wire in (Decoder(WireWorkload).quick(raw), Decoder(WireWorkload).strict(raw)):
        assert wire is not None
        with pytest.raises(Malformed) as raised:
            to_workload(wire, kind, namespace="dev")
        found.append([one.pointer for one in raised.value.every()])
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize("bad", ["half", "-1", "1.5%", "9999999999%", -1, ""])
def test_a_strategy_that_cannot_be_read_is_a_fault(bad: Any) -> None:  # noqa: ANN401  # JSON
    for field in ("maxSurge", "maxUnavailable"):
        written = _object({"strategy": {"rollingUpdate": {field: bad}}})
        assert _pointers(written) == [f"/spec/strategy/rollingUpdate/{field}"]
        written = _object({"updateStrategy": {"rollingUpdate": {field: bad}}})
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
    assert _pointers(_object(spec)) == [
        *of_template,
        f"{where}/maxSurge",
        f"{where}/maxUnavailable",
        "/spec/volumeClaimTemplates",
    ]
    assert _pointers(_object(spec), "StatefulSet") == [
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
    ],
)
def test_how_many_pods_are_wanted(kind: WorkloadKind, spec: Json, status: Json, expected: int) -> None:
    assert _read(_object(spec, status), kind).replicas == expected


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
    found = _read(_object(status=status, generation=2), kind)
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
    assert _read(_object(spec, status), kind).available == expected


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
    found = _read(_object(spec, {"observedGeneration": 2, **status}, generation=2))
    assert found.paused is ("paused" in spec)
    assert (found.observed, found.settled, found.held) == expected


@pytest.mark.rule("W-3")
@pytest.mark.parametrize(
    ("current", "expected"), [("web-6d8f", True), ("web-59c4", False)], ids=["ended", "under-way-or-stopped"]
)
def test_pods_below_a_partition_are_of_the_revision_whose_rollout_has_ended(current: str, expected: bool) -> None:  # noqa: FBT001
    """That none of its pods is of another one says nothing: some may not be there."""
    status = {"replicas": 3, "updatedReplicas": 3, "currentRevision": current, "updateRevision": "web-6d8f"}
    found = _read(_object(status=status), "StatefulSet")
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
    assert _read(_object(spec, {"observedGeneration": 2, **status}, generation=2), kind).held is held
    assert not _read(_object(spec, {"observedGeneration": 1, **status}, generation=2), kind).held


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
    assert _read(_object(ownerReferences=[owner]), kind).owned == expected


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
    spec = {"template": _TEMPLATE, **fields}
    assert _read(_object(fields), "Job").owned == expected
    cron_job = msgspec.json.decode(json.dumps({"spec": {"jobTemplate": {"spec": spec}}}), type=WireCronJob)
    found = to_cron_job(cron_job, namespace="dev")
    assert found is not None
    assert found.owned == expected


def test_claims_of_volumes_and_of_a_statefulset() -> None:
    claim = {"spec": {"resources": {"requests": {"storage": "5Gi"}}}}
    template = {
        "spec": {"volumes": [{"name": "tmp"}, {"ephemeral": {"volumeClaimTemplate": claim}}], **_TEMPLATE["spec"]}
    }
    found = _read(_object({"template": template, "volumeClaimTemplates": [claim]}), "StatefulSet")
    assert [str(one.storage) for one in (*found.claims, *found.kept_claims)] == ["5Gi", "5Gi"]
    assert found.claims[0].pointer == "/spec/template/spec/volumes/1/ephemeral/volumeClaimTemplate"


def _affinity(terms: list[Json]) -> Json:
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def test_where_a_daemonset_runs() -> None:
    labels = [{"key": "disk", "operator": "In", "values": ["ssd"]}]
    names = [{"key": "metadata.name", "operator": "In", "values": ["a"]}]
    terms = [{"matchExpressions": labels, "matchFields": names}]
    affinity = _affinity(terms)
    spec = {
        **_TEMPLATE["spec"],
        "affinity": affinity,
        "nodeName": "a",
        "nodeSelector": {"zone": "b"},
        "hostNetwork": True,
        "runtimeClassName": "kata",
        "tolerations": [{"key": "gpu", "operator": "Exists"}, {}],
    }
    found = _read(_object({"template": {"spec": spec}}), "DaemonSet")
    term = NodeTerm((NodeRequirement("disk", "In", ("ssd",)),), (NodeRequirement("metadata.name", "In", ("a",)),))
    tolerations = Toleration("gpu", "Exists"), Toleration()
    assert found.placement == Placement("a", {"zone": "b"}, (term,), tolerations, host_network=True)
    assert found.runtime_class == "kata"


_VALUES = [{"key": "a", "operator": "In", "values": [""] * MOST_TERMS}]


@pytest.mark.parametrize(
    ("spec", "known"),
    [
        pytest.param({"tolerations": [{}] * MOST_TERMS}, True, id="as-many-as-are-kept"),
        pytest.param({"tolerations": [{}] * (MOST_TERMS + 1)}, False, id="tolerations"),
        pytest.param({"nodeSelector": dict.fromkeys(map(str, range(MOST_TERMS + 1)), "")}, False, id="labels"),
        pytest.param({"affinity": _affinity([{}] * (MOST_TERMS + 1))}, False, id="terms"),
        pytest.param({"affinity": _affinity([{"matchFields": _VALUES}])}, False, id="values"),
        pytest.param({"affinity": _affinity([{"matchExpressions": [{}] * MOST_TERMS}])}, False, id="expressions"),
    ],
)
def test_a_placement_that_says_too_much_is_not_kept(spec: Json, *, known: bool) -> None:
    found = _read(_object({"template": {"spec": {**_TEMPLATE["spec"], **spec}}}), "DaemonSet")
    assert (found.placement is not None) is known


@pytest.mark.rule("W-5")
@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, 1),
        ({"suspend": True}, 0),
        ({"jobTemplate": {"spec": {"template": _TEMPLATE, "parallelism": 3}}}, 3),
    ],
)
def test_a_cronjob_is_one_of_its_jobs(spec: Json, expected: int) -> None:
    found = _cron_job({"jobTemplate": {"spec": {"template": _TEMPLATE}}, **spec})
    assert (found.kind, found.replicas) == ("CronJob", expected)
    assert texts(found.template.containers[0].limits) == {"cpu": "1"}


def _with_image(image: str, limit: str | int = "1", **spec: Any) -> Json:  # noqa: ANN401  # JSON
    container = {"name": "agent", "image": image, "resources": {"limits": {"cpu": limit}}}
    return {"spec": {"containers": [container], **spec}}


@pytest.mark.parametrize(
    ("new", "written_anew", "read_once"),
    [
        pytest.param(_with_image("a:1"), False, True, id="the-same"),
        pytest.param(_with_image("a:2"), True, True, id="another-image"),
        pytest.param(_with_image("a:1", "2"), True, False, id="another-limit"),
        pytest.param(_with_image("a:1", 1), True, True, id="a-number-that-the-strict-decoder-reads"),
        pytest.param(_with_image("a:1", runtimeClassName="gvisor"), True, False, id="another-runtime-class"),
        pytest.param(_with_image("a:1", tolerations=[{"key": "gpu"}]), True, False, id="another-toleration"),
    ],
)
def test_templates_that_say_the_same_are_one_pod(new: Json, *, written_anew: bool, read_once: bool) -> None:
    """Each version is what it would be alone, and what is worked out of the pod of one is worked out of both."""
    raws = [json.dumps(_object({"template": one})).encode() for one in (new, _with_image("a:1"))]
    for decode in (Decoder(WireWorkload).quick, Decoder(WireWorkload).strict):
        after, before = (decode(raw) for raw in raws)
        assert after is not None
        assert before is not None
        changed, stored = to_workloads(after, before, "DaemonSet", namespace="dev")
        assert changed == to_workload(after, "DaemonSet", namespace="dev")
        assert stored == to_workload(before, "DaemonSet", namespace="dev")
        assert changed is not None
        assert stored is not None
        assert (changed.written != stored.written) is written_anew
        assert (changed.template is stored.template) is read_once


def test_the_templates_of_a_cronjob_are_one_pod_too() -> None:
    new, old = (
        msgspec.json.decode(
            json.dumps({"spec": {"jobTemplate": {"spec": {"template": _with_image(image)}}}}), type=WireCronJob
        )
        for image in ("a:2", "a:1")
    )
    changed, stored = to_cron_jobs(new, old, namespace="dev")
    assert changed == to_cron_job(new, namespace="dev")
    assert stored == to_cron_job(old, namespace="dev")
    assert changed is not None
    assert stored is not None
    assert changed.template is stored.template
    assert to_cron_jobs(new, WireCronJob(), namespace="dev") == (to_cron_job(new, namespace="dev"), None)


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
    found = _cron_job({"jobTemplate": {"spec": {"template": _TEMPLATE, "parallelism": 3}}, **spec})
    assert found.running == expected


def _cron_job(spec: Json) -> Workload:
    """Return a CronJob of which two Jobs are active."""
    written = {"spec": spec, "status": {"active": [{}, {}]}}
    found = to_cron_job(strict.build(tree.parse(json.dumps(written).encode()), WireCronJob), namespace="dev")
    assert found is not None
    return found


def test_a_scale() -> None:
    three, one = (msgspec.json.decode(b'{"spec":{"replicas":%d}}' % count, type=WireScale) for count in (3, 1))
    assert to_scale(three, one) == Scale(3, 1)
    assert to_scale(msgspec.json.decode(b"{}", type=WireScale), None) == Scale(0, 0)


def test_without_a_template_there_is_nothing_to_judge() -> None:
    assert to_workload(WireWorkload(), "ReplicationController", namespace="dev") is None
    assert to_cron_job(WireCronJob(), namespace="dev") is None


def _limit(value: Any) -> Json:  # noqa: ANN401  # JSON
    return {"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": value}}}]}}


@pytest.mark.parametrize(
    ("template", "pointer"),
    [
        pytest.param(_limit("half"), "/spec/template/spec/containers/0/resources/limits/cpu", id="no-quantity"),
        pytest.param({"spec": {"containers": [{}] * 5000}}, "/spec/template/spec/containers", id="5000-containers"),
        pytest.param({"spec": {"containers": {}}}, "/spec/template/spec/containers", id="no-array"),
        pytest.param([], "/spec/template", id="no-object"),
        pytest.param(
            {"spec": {"volumes": [{"ephemeral": {"volumeClaimTemplate": {}}}] * 300}},
            "/spec/template/spec/volumes",
            id="300-claims",
        ),
    ],
)
def test_a_template_that_cannot_be_judged_says_where(template: Any, pointer: str) -> None:  # noqa: ANN401  # JSON
    raw = json.dumps({"spec": {"template": template}}).encode()
    for wire in (Decoder(WireWorkload).quick(raw), Decoder(WireWorkload).strict(raw)):
        assert wire is not None
        with pytest.raises(Malformed) as raised:
            to_workload(wire, "Deployment", namespace="dev")
        assert raised.value.pointer == pointer


def test_what_the_strict_decoder_alone_reads_is_read_in_a_template_too() -> None:
    """A bare number as a quantity, and null as an empty element."""
    for value, shown in ((1, "1"), (0.5, "500m"), (1e3, "1k")):
        found = _read(_object({"template": _limit(value)}))
        assert texts(found.template.containers[0].limits) == {"cpu": shown}


def test_a_number_that_nobody_reads_may_be_of_any_size() -> None:
    raw = json.dumps(_object()).replace('"containers"', '"tooLarge": -7e9999, "containers"').encode()
    for wire in (Decoder(WireWorkload).quick(raw), Decoder(WireWorkload).strict(raw)):
        assert wire is not None
        found = to_workload(wire, "Deployment", namespace="dev")
        assert found is not None
        assert len(found.template.containers) == 1


@pytest.mark.parametrize("metadata", [None, WorkloadMetadata()])
def test_a_workload_without_a_generation_has_been_observed(metadata: WorkloadMetadata | None) -> None:
    """Its status tells of it: nothing says that there is a newer one."""
    spec = {"template": {"spec": {"containers": [{"name": "a"}]}}}
    wire = Decoder(WireWorkload).strict(json.dumps({"spec": spec}).encode())
    found = to_workload(msgspec.structs.replace(wire, metadata=metadata), "Deployment", namespace="dev")
    assert found is not None
    assert found.observed
