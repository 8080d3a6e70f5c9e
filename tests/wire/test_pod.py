"""A Pod's JSON as a core value: completed requests, rounded quantities, null as Kubernetes reads it."""

from __future__ import annotations

import json

import pytest

from tests.builders import Json, Texts, a_pod_object, texts
from tiergate.core.podspec import Pod
from tiergate.wire import Malformed
from tiergate.wire.decode import Decoder, Reader
from tiergate.wire.pod import WirePod, to_pod

_read = Reader(WirePod, to_pod)


def read(pod: Json) -> Pod:
    return _read(json.dumps(pod).encode())


def one(resources: object) -> Pod:
    return read(a_pod_object({"name": "agent", "resources": resources}))


@pytest.mark.rule("Q-16", "Q-17", "Q-18", "Q-19", "D-1", "D-3")
@pytest.mark.parametrize(
    ("resources", "requests", "limits"),
    [
        pytest.param(
            {"limits": {"cpu": "1", "memory": "1Gi"}},
            {"cpu": "1", "memory": "1Gi"},
            {"cpu": "1", "memory": "1Gi"},
            id="D-3-limits-are-copied",
        ),
        pytest.param(
            {"limits": {"cpu": "1"}, "requests": {"memory": "64Mi"}},
            {"cpu": "1", "memory": "64Mi"},
            {"cpu": "1"},
            id="D-3-per-resource",
        ),
        pytest.param({"requests": {"cpu": "100m"}}, {"cpu": "100m"}, {}, id="D-3-no-limit-appears"),
        pytest.param(
            {"limits": {"cpu": "1"}, "requests": {"cpu": "0"}}, {"cpu": "0"}, {"cpu": "1"}, id="D-3-zero-is-a-value"
        ),
        pytest.param(
            {"limits": {"cpu": 1}, "requests": {"cpu": None}},
            {"cpu": "0"},
            {"cpu": "1"},
            id="Q-18-null-is-present-zero",
        ),
        pytest.param({"requests": {"cpu": 0.5}}, {"cpu": "500m"}, {}, id="Q-16-number"),
        pytest.param({"requests": {"cpu": 0.1}}, {"cpu": "100m"}, {}, id="Q-17-exact"),
        pytest.param({"requests": {"cpu": "1u"}}, {"cpu": "1m"}, {}, id="D-1-rounded-up-to-milli"),
        pytest.param({"requests": {"memory": " 100Mi "}}, {"memory": "100Mi"}, {}, id="Q-19-blanks"),
        pytest.param(None, {}, {}, id="null-resources"),
        pytest.param({}, {}, {}, id="empty"),
        pytest.param({"limits": None, "requests": None}, {}, {}, id="null-lists"),
    ],
)
def test_a_container_is_read_as_the_api_server_decodes_it(resources: object, requests: Texts, limits: Texts) -> None:
    (container,) = one(resources).containers
    assert texts(container.requests) == requests
    assert texts(container.limits) == limits


@pytest.mark.rule("Q-17")
def test_a_number_is_read_from_its_text() -> None:
    """Q-17: a float would not hold this number."""
    raw = json.dumps(a_pod_object({"resources": {"requests": {"x.io/y": 7}}})).replace("7", "9007199254740993")
    (container,) = _read(raw.encode()).containers
    assert texts(container.requests) == {"x.io/y": "9007199254740993"}


def test_what_the_object_holds_itself_is_remembered_for_the_patch() -> None:
    (container,) = one({"limits": {"cpu": "1"}, "requests": {"memory": "1Gi"}}).containers
    assert container.written_requests == {"memory"}
    assert container.has_resources
    assert not one(None).containers[0].has_resources


def test_containers_know_where_they_are_and_what_they_are() -> None:
    pod = read(
        a_pod_object(
            {"name": "app"},
            {"name": "web", "restartPolicy": "Always"},
            initContainers=[
                {"name": "setup"},
                {"name": "mesh", "restartPolicy": "Always"},
                {"name": "logs", "restartPolicy": "Always", "resources": {}},
            ],
        )
    )
    assert [(c.name, c.pointer, c.init, c.restartable) for c in pod.every_container()] == [
        ("app", "/spec/containers/0", False, False),
        ("web", "/spec/containers/1", False, False),
        ("setup", "/spec/initContainers/0", True, False),
        ("mesh", "/spec/initContainers/1", True, True),
        ("logs", "/spec/initContainers/2", True, True),
    ]


def test_ephemeral_containers_are_not_read() -> None:
    """D-15."""
    pod = read(a_pod_object(ephemeralContainers=[{"name": "debug", "resources": {"limits": {"cpu": "not read"}}}]))
    assert [container.name for container in pod.every_container()] == ["agent"]


@pytest.mark.rule("R-24")
@pytest.mark.parametrize(
    ("spec", "crosses"),
    [
        pytest.param({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}}, False, id="R-24-none"),
        pytest.param(
            {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"namespaces": ["a"]}]}},
            True,
            id="R-24-required",
        ),
        pytest.param(
            {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"namespaceSelector": {}}]}},
            True,
            id="R-24-empty-selector-counts",
        ),
        pytest.param(
            {
                "podAntiAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 1, "podAffinityTerm": {"namespaces": ["a"]}}
                    ]
                }
            },
            True,
            id="R-24-preferred",
        ),
        pytest.param(
            {
                "podAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [{"namespaces": [], "namespaceSelector": None}]
                }
            },
            False,
            id="R-24-null-selector-does-not",
        ),
        pytest.param({"nodeAffinity": {}}, False, id="R-24-node-affinity"),
        pytest.param(None, False, id="null"),
    ],
)
def test_cross_namespace_affinity_is_seen(spec: object, crosses: bool) -> None:  # noqa: FBT001  # a table
    """By either decoder, and the fast one leaves none of these to the other."""
    raw, decoder = json.dumps(a_pod_object(affinity=spec)).encode(), Decoder(WirePod)
    for wire in (decoder.quick(raw), decoder.strict(raw)):
        assert wire is not None
        assert to_pod(wire).cross_namespace_affinity is crosses


@pytest.mark.rule("R-23")
def test_pod_level_names_outside_the_supported_ones_are_left_out() -> None:
    """An unsupported name must not silence the demand of R-23."""
    pod = read(a_pod_object(resources={"requests": {"nvidia.com/gpu": "1"}, "limits": {"hugepages-2Mi": "2Mi"}}))
    assert texts(pod.requests) == {}
    assert texts(pod.limits) == {"hugepages-2Mi": "2Mi"}
    assert not read(a_pod_object(resources={"requests": {"nvidia.com/gpu": "1"}})).pod_level


@pytest.mark.rule("D-17")
@pytest.mark.parametrize(("resources", "there"), [({}, True), ({"limits": {"cpu": "1"}}, True), (None, False)])
def test_empty_pod_level_resources_are_seen(resources: object, there: bool) -> None:  # noqa: FBT001  # a table
    """D-17: up to 1.36 they decide the QoS class."""
    assert read(a_pod_object(resources=resources)).has_resources is there


def test_what_else_a_decision_reads() -> None:
    pod = read(
        a_pod_object(
            overhead={"cpu": "250m"}, priorityClassName="high", activeDeadlineSeconds=60, runtimeClassName="kata"
        )
    )
    assert pod.name == "agent-7f9c"
    assert texts(pod.overhead) == {"cpu": "250m"}
    assert (pod.priority_class, pod.active_deadline_seconds) == ("high", 60)
    bare = read(a_pod_object())
    assert (bare.priority_class, bare.phase, bare.qos_class) == ("", "", "")


@pytest.mark.rule("A-21")
def test_a_pod_that_has_no_name_yet_goes_by_its_prefix() -> None:
    """A-21."""
    pod = a_pod_object()
    pod["metadata"] = {"generateName": "agent-"}
    assert read(pod).name == "agent-"


@pytest.mark.rule("R-21", "R-24", "R-32")
def test_status_and_deletion_are_read() -> None:
    """R-21, R-24, R-32."""
    pod = a_pod_object()
    pod["metadata"] |= {"deletionTimestamp": "1970-01-01T00:01:40Z", "deletionGracePeriodSeconds": 30}
    pod["status"] = {
        "phase": "Running",
        "qosClass": "Burstable",
        "conditions": [{"type": "PodResizePending", "reason": "Infeasible", "status": "True"}],
        "containerStatuses": [
            {"name": "agent", "resources": {"requests": {"cpu": "1"}}, "allocatedResources": {"cpu": "2"}},
            {"name": "other"},
        ],
        "initContainerStatuses": [{"name": "mesh", "resources": {"limits": {"cpu": "3"}}}],
    }
    value = read(pod)
    assert (value.deleted_at, value.grace_seconds) == (100.0, 30)
    assert (value.phase, value.qos_class, value.resize_infeasible) == ("Running", "Burstable", True)
    assert sorted(value.statuses) == ["agent", "mesh"]
    agent, mesh = value.statuses["agent"], value.statuses["mesh"]
    assert agent.requests is not None
    assert texts(agent.requests) == {"cpu": "1"}
    assert agent.limits is None
    assert agent.allocated is not None
    assert texts(agent.allocated) == {"cpu": "2"}
    assert mesh.limits is not None
    assert mesh.allocated is None


@pytest.mark.rule("R-32")
@pytest.mark.parametrize(
    ("kind", "reason", "infeasible"),
    [
        ("PodResizePending", "Infeasible", True),
        ("PodResizePending", "Deferred", False),
        ("PodResizePending", None, False),
        ("PodScheduled", "Infeasible", False),
    ],
)
def test_a_resize_that_the_kubelet_will_never_apply_is_known_by_its_condition(
    kind: str,
    reason: str | None,
    infeasible: bool,  # noqa: FBT001  # a table
) -> None:
    conditions = [{"type": kind, "reason": reason}]
    assert read(a_pod_object() | {"status": {"conditions": conditions}}).resize_infeasible is infeasible


@pytest.mark.parametrize("when", ["soon", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "", "9" * 300])
def test_a_time_that_is_none_is_named(when: str) -> None:
    pod = a_pod_object()
    pod["metadata"]["deletionTimestamp"] = when
    with pytest.raises(Malformed, match="is not an RFC 3339 time") as refused:
        read(pod)
    assert refused.value.pointer == "/metadata/deletionTimestamp"


def test_init_containers_alone_may_be_reported() -> None:
    pod = a_pod_object() | {"status": {"initContainerStatuses": [{"name": "mesh", "allocatedResources": {"cpu": "1"}}]}}
    assert list(read(pod).statuses) == ["mesh"]
