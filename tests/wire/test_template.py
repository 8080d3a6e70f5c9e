"""The template of a workload: the pod that it becomes, its claims, and where a DaemonSet runs."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import msgspec
import pytest

from tests.builders import Json, a_container, texts
from tests.wire.workloads import TEMPLATE, as_stored, read_as
from tiergate.core.placement import MOST_TERMS, NodeRequirement, NodeTerm, Placement, Toleration
from tiergate.core.workload import QUARTER, Rollout
from tiergate.wire import Malformed
from tiergate.wire.decode import Decoder
from tiergate.wire.template import MAX_CLAIMS
from tiergate.wire.workload import (
    WireCronJob,
    WireWorkload,
    to_cron_jobs,
    to_workload,
    to_workloads,
)


def test_the_template_is_the_pod_that_stands_in_it() -> None:
    found = read_as(as_stored())
    assert found.template.containers == (a_container(limits={"cpu": "1"}, pointer="/spec/template/spec/containers/0"),)
    assert (found.template.pointer, found.replicas, found.rollout) == ("/spec/template", 1, Rollout(QUARTER, QUARTER))


def test_claims_of_volumes_and_of_a_statefulset() -> None:
    claim = {"spec": {"resources": {"requests": {"storage": "5Gi"}}}}
    template = {
        "spec": {"volumes": [{"name": "tmp"}, {"ephemeral": {"volumeClaimTemplate": claim}}], **TEMPLATE["spec"]}
    }
    found = read_as(as_stored({"template": template, "volumeClaimTemplates": [claim]}), "StatefulSet")
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
        **TEMPLATE["spec"],
        "affinity": affinity,
        "nodeName": "a",
        "nodeSelector": {"zone": "b"},
        "hostNetwork": True,
        "runtimeClassName": "kata",
        "tolerations": [{"key": "gpu", "operator": "Exists"}, {}],
    }
    found = read_as(as_stored({"template": {"spec": spec}}), "DaemonSet")
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
    found = read_as(as_stored({"template": {"spec": {**TEMPLATE["spec"], **spec}}}), "DaemonSet")
    assert (found.placement is not None) is known


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
    raws = [json.dumps(as_stored({"template": one})).encode() for one in (new, _with_image("a:1"))]
    for decode in (Decoder(WireWorkload).quick, Decoder(WireWorkload).strict):
        after, before = (decode(raw) for raw in raws)
        assert after is not None
        assert before is not None
        changed, stored = to_workloads(after, before, "DaemonSet")
        assert changed == to_workload(after, "DaemonSet")
        assert stored == to_workload(before, "DaemonSet")
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
    changed, stored = to_cron_jobs(new, old)
    assert (changed, None) == to_cron_jobs(new, None)
    assert (stored, None) == to_cron_jobs(old, None)
    assert changed is not None
    assert stored is not None
    assert changed.template is stored.template
    assert to_cron_jobs(new, WireCronJob()) == (changed, None)


def test_without_a_template_there_is_nothing_to_judge() -> None:
    assert to_workload(WireWorkload(), "ReplicationController") is None
    assert to_cron_jobs(WireCronJob(), None) == (None, None)


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
            to_workload(wire, "Deployment")
        assert raised.value.pointer == pointer


@pytest.mark.parametrize("more", [0, 1])
def test_claims_of_a_pod_are_judged_up_to_a_number(more: int) -> None:
    """Of volumes and of a StatefulSet alike."""
    count = MAX_CLAIMS + more
    of_volumes = {"spec": {"volumes": [{"ephemeral": {"volumeClaimTemplate": {}}}] * count, **TEMPLATE["spec"]}}
    for spec in ({"template": of_volumes}, {"template": TEMPLATE, "volumeClaimTemplates": [{}] * count}):
        with pytest.raises(Malformed, match=f"{count} claims") if more else nullcontext():
            found = read_as(as_stored(spec), "StatefulSet")
            assert len(found.claims) + len(found.kept_claims) == count


def test_what_the_strict_decoder_alone_reads_is_read_in_a_template_too() -> None:
    """A bare number as a quantity, and null as an empty element."""
    for value, shown in ((1, "1"), (0.5, "500m"), (1e3, "1k")):
        found = read_as(as_stored({"template": _limit(value)}))
        assert texts(found.template.containers[0].limits) == {"cpu": shown}


def test_a_number_that_nobody_reads_may_be_of_any_size() -> None:
    raw = json.dumps(as_stored()).replace('"containers"', '"tooLarge": -7e9999, "containers"').encode()
    for wire in (Decoder(WireWorkload).quick(raw), Decoder(WireWorkload).strict(raw)):
        assert wire is not None
        found = to_workload(wire, "Deployment")
        assert found is not None
        assert len(found.template.containers) == 1
