"""How defaults are written into the object: the smallest JSONPatch, its parents, its escapes, its annotation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.builders import Json, a_pod_object, a_tier, an_item, defaults_of
from tests.reviews import a_review
from tiergate.admission.request import read
from tiergate.core.defaults import MAX_ANNOTATIONS
from tiergate.core.podspec import Pod
from tiergate.core.tier import LimitRangeItem
from tiergate.wire.decode import Reader
from tiergate.wire.pod import WirePod, to_pod

ITEM = an_item(default={"cpu": "500m", "memory": "512Mi"}, default_request={"cpu": "250m", "memory": "128Mi"})
ANNOTATION = "/metadata/annotations/tiergate.io~1defaults"
TEXT = "tiergate set: cpu request for container agent; cpu limit for container agent"
OURS = len(f"tiergate.io/defaults{TEXT}")
CPU = an_item(default={"cpu": "500m"}, default_request={"cpu": "250m"})

read_pod = Reader(WirePod, to_pod)


def patched(pod: Json, item: LimitRangeItem = ITEM) -> list[tuple[str, str, Any]]:
    decision = defaults_of(read_pod(json.dumps(pod).encode()), a_tier(item))
    return [(one.op, one.path, one.value) for one in decision.patch]


def resources(value: Any) -> Json:  # noqa: ANN401  # JSON
    return a_pod_object({"name": "agent", "resources": value})


BOTH = {"limits": {"cpu": "500m"}, "requests": {"cpu": "250m"}}


@pytest.mark.rule("Q-18", "X-1", "lifted-limit")
@pytest.mark.parametrize(
    ("value", "operations"),
    [
        pytest.param(None, [("/resources", BOTH)], id="X-1-resources-null"),
        pytest.param({}, [("/resources/limits", BOTH["limits"]), ("/resources/requests", BOTH["requests"])], id="X-2"),
        pytest.param(
            {"limits": None, "requests": {}},
            [("/resources/limits", BOTH["limits"]), ("/resources/requests", BOTH["requests"])],
            id="X-1-null-and-empty-parents",
        ),
        pytest.param(
            {"limits": {"memory": "1Gi"}, "requests": {"memory": "1Gi"}},
            [("/resources/limits/cpu", "500m"), ("/resources/requests/cpu", "250m")],
            id="X-1-siblings-stay",
        ),
        pytest.param(
            {"limits": {"memory": "1Gi"}},
            [("/resources/limits/cpu", "500m"), ("/resources/requests", {"cpu": "250m"})],
            id="X-1-one-parent-missing",
        ),
        pytest.param({"requests": {"cpu": "1m"}}, [("/resources/limits", {"cpu": "500m"})], id="only-what-is-missing"),
        pytest.param({"requests": {"cpu": "1"}}, [("/resources/limits", {"cpu": "1"})], id="lifted-limit-is-written"),
        pytest.param({"requests": {"cpu": None}}, [("/resources/limits", {"cpu": "500m"})], id="Q-18-null-is-zero"),
    ],
)
def test_missing_parents_are_created_and_present_values_stay(value: Json, operations: list[tuple[str, Any]]) -> None:
    found = patched(resources(value), CPU)
    assert found[:-1] == [("add", f"/spec/containers/0{path}", added) for path, added in operations]
    assert found[-1][1] == "/metadata/annotations"


@pytest.mark.rule("A-44")
def test_a_container_without_a_resources_member_gets_one() -> None:
    assert patched(a_pod_object({"name": "agent"}), CPU)[0] == ("add", "/spec/containers/0/resources", BOTH)


@pytest.mark.rule("D-4")
def test_a_complete_container_is_not_patched_and_nothing_is_annotated() -> None:
    full = {"limits": {"cpu": "1", "memory": "1Gi"}}
    assert patched(resources(full)) == []


def test_a_slash_in_a_resource_name_is_escaped() -> None:
    item = an_item(default={"nvidia.com/gpu": "1"})
    found = patched(resources({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}), item)
    assert found[:2] == [
        ("add", "/spec/containers/0/resources/limits/nvidia.com~1gpu", "1"),
        ("add", "/spec/containers/0/resources/requests/nvidia.com~1gpu", "1"),
    ]


def test_quantities_are_written_canonically() -> None:
    item = an_item(default={"cpu": "1000m", "memory": "1024Mi"})
    assert patched(resources({}), item)[0] == (
        "add",
        "/spec/containers/0/resources/limits",
        {"cpu": "1", "memory": "1Gi"},
    )


@pytest.mark.rule("D-4", "A-44")
def test_every_container_is_patched_at_its_own_place() -> None:
    pod = a_pod_object(
        {"name": "app", "resources": {"limits": {"cpu": "1"}}},
        {"name": "web"},
        initContainers=[{"name": "setup"}, {"name": "mesh", "restartPolicy": "Always"}],
    )
    assert [path for _, path, _ in patched(pod, CPU)] == [
        "/spec/containers/1/resources",
        "/spec/initContainers/0/resources",
        "/spec/initContainers/1/resources",
        "/metadata/annotations",
    ]


@pytest.mark.rule("A-31")
@pytest.mark.parametrize(
    ("annotations", "path", "value"),
    [
        pytest.param(
            None,
            "/metadata/annotations",
            {"tiergate.io/defaults": "tiergate set: cpu request for container agent; cpu limit for container agent"},
            id="none",
        ),
        pytest.param(
            {},
            ANNOTATION,
            "tiergate set: cpu request for container agent; cpu limit for container agent",
            id="empty",
        ),
        pytest.param(
            {"team": "search"},
            ANNOTATION,
            "tiergate set: cpu request for container agent; cpu limit for container agent",
            id="others-stay",
        ),
        pytest.param(
            {"tiergate.io/defaults": "tiergate set: cpu limit for container web"},
            ANNOTATION,
            "tiergate set: cpu limit for container web; cpu request for container agent; cpu limit for container agent",
            id="L-13-an-earlier-pass-stays-in-front",
        ),
        pytest.param(
            {"tiergate.io/defaults": "anything"},
            ANNOTATION,
            "tiergate set: cpu request for container agent; cpu limit for container agent",
            id="a-foreign-text-goes",
        ),
    ],
)
def test_the_annotation_says_what_was_set(annotations: Json | None, path: str, value: object) -> None:
    pod = resources({})
    pod["metadata"]["annotations"] = annotations
    assert patched(pod, CPU)[-1] == ("add", path, value)


@pytest.mark.rule("D-4", "defaults-annotation")
def test_the_annotation_names_containers_in_order_with_sorted_resources() -> None:
    pod = a_pod_object(
        {"name": "app", "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}}},
        {"name": "web", "resources": {"limits": {"cpu": "1"}}},
        initContainers=[{"name": "setup"}],
    )
    text = patched(pod)[-1][2]["tiergate.io/defaults"]
    assert text == (
        "tiergate set: cpu, memory limit for container app; "
        "memory request for container web; memory limit for container web; "
        "cpu, memory request for init container setup; cpu, memory limit for init container setup"
    )


@pytest.mark.parametrize(
    ("length", "shown"), [(63, "x" * 63), (64, "x" * 63 + "..."), (1000, "x" * 63 + "...")], ids=["63", "64", "1000"]
)
def test_a_name_that_the_api_refuses_for_its_length_is_cut_in_the_annotation(length: int, shown: str) -> None:
    """The API server judges it only after us."""
    text = patched(a_pod_object({"name": "x" * length}), CPU)[-1][2]["tiergate.io/defaults"]
    assert text == f"tiergate set: cpu request for container {shown}; cpu limit for container {shown}"


@pytest.mark.rule("A-44")
def test_a_pod_without_metadata_is_patched_where_the_parent_exists() -> None:
    pod = resources({})
    del pod["metadata"]
    assert patched(pod, CPU)[-1][:2] == ("add", "/metadata")


@pytest.mark.parametrize(
    ("others", "annotated"),
    [
        pytest.param("", True, id="nothing-else"),
        pytest.param("x" * 200_000, True, id="much"),
        pytest.param("<" * (MAX_ANNOTATIONS - len("other") - OURS), True, id="just-enough-room"),
        pytest.param("<" * (MAX_ANNOTATIONS - len("other") - OURS + 1), False, id="one-byte-too-many"),
        pytest.param("\N{SNOWMAN}" * (MAX_ANNOTATIONS // 3), False, id="bytes-count-not-characters"),
    ],
)
@pytest.mark.parametrize("before", [None, "tiergate set: something"])
def test_the_annotation_is_left_out_where_it_would_break_the_limit(
    others: str, before: str | None, *, annotated: bool
) -> None:
    """The API server counts names and values of all annotations; the patch of the containers stays."""
    pod = a_pod_object()
    pod["metadata"]["annotations"] = {"other": others}
    if before is not None:
        pod["metadata"]["annotations"]["tiergate.io/defaults"] = before
        pod["metadata"]["annotations"]["other"] = others[: -len(before) - len("; ") + len("tiergate set: ")]
    body = a_review(pod).replace(b"<", b"\\u003c")
    subject = read("mutate", body).subject
    assert isinstance(subject, Pod)
    paths = [one.path for one in defaults_of(subject, a_tier(CPU)).patch]
    assert ANNOTATION in paths or not annotated
    assert ANNOTATION not in paths or annotated
    assert any(path.startswith("/spec/containers/0/resources") for path in paths)
