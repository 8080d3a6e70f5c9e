"""A value that nobody wrote is called the tier's default, and one mistake is told of once."""

from __future__ import annotations

import msgspec
import pytest

from tests.builders import (
    a_container,
    a_pod,
    a_quota,
    a_tier,
    an_item,
    validated,
)
from tests.core.sentences import agent, judged, lines
from tiergate.core.defaults import ANNOTATION_PREFIX
from tiergate.core.podspec import MAX_AMOUNTS


@pytest.mark.parametrize(
    ("asked", "amount"), [("1", "500m"), ("700m", "500m"), ("501m", "500m")], ids=["1", "700m", "501m"]
)
def test_the_way_out_that_is_named_passes(asked: str, amount: str) -> None:
    quotas = (a_quota({"limits.cpu": "4"}, {"limits.cpu": "3500m"}),)
    (line,) = judged(agent(limits={"cpu": asked}), quotas=quotas)
    assert f"set limits.cpu to {amount} or less" in line
    assert judged(agent(limits={"cpu": amount}), quotas=quotas) == []


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ("tiergate set: cpu request for container agent", True),
        ("tiergate set: memory limit for container agent; memory, cpu request for container agent", True),
        ("tiergate set: cpu limit for container agent", False),
        ("tiergate set: cpu request for init container agent-2", False),
        ("tiergate set: cpu request for container agent and more", False),
        ("", False),
    ],
)
def test_a_value_that_nobody_wrote_is_the_tier_s_default(annotation: str, *, said: bool) -> None:
    """Said by the annotation of the mutating pass."""
    pod = msgspec.structs.replace(agent({"cpu": "50m"}, {"cpu": "400m"}), defaults_annotation=annotation)
    (line,) = judged(pod, an_item(default_request={"cpu": "50m"}, ratio={"cpu": "4"}))
    whose = " (the tier's default)" if said else ""
    assert line == (
        f'container "agent": limits.cpu / requests.cpu is 400m / 50m{whose}, the tier allows at most 4; '
        "set requests.cpu to 100m or more, or limits.cpu to 200m or less"
    )


def test_what_a_resize_changes_is_no_default() -> None:
    note = "tiergate set: cpu limit for container agent"
    old, new = (
        msgspec.structs.replace(agent({"cpu": "100m"}, {"cpu": cpu}), defaults_annotation=note) for cpu in ("1", "8")
    )
    tier = a_tier(an_item(default={"cpu": "1"}, high={"cpu": "5"}))
    (line,) = judged(new, old=old, tier=tier)
    assert line.startswith('container "agent": limits.cpu is 8, the tier allows at most 5')


@pytest.mark.parametrize("name", ["cpu", "example.org/limits.x"])
def test_a_default_limit_that_follows_the_request_is_no_second_mistake(name: str) -> None:
    """It was raised to the request, which is the one to change."""
    annotation = f"tiergate set: {name} limit for container agent"
    pod = msgspec.structs.replace(agent({name: "8"}, {name: "8"}), defaults_annotation=annotation)
    decision = validated(pod, old=None, tier=a_tier(an_item(high={name: "5"})))
    assert [(one.rule, one.pointer, one.same_request) for one in decision.findings] == [
        ("request-max", f"/spec/containers/0/resources/requests/{name.replace('/', '~1')}", False)
    ]
    assert lines(decision) == [
        f'container "agent": requests.{name} is 8, the tier allows at most 5; set requests.{name} to 5 or less'
    ]


@pytest.mark.parametrize(
    ("request_", "annotation", "also"),
    [
        pytest.param("1", "cpu limit for container agent", "", id="beside-a-request"),
        pytest.param(
            "8",
            "cpu request for container agent; cpu limit for container agent",
            " and requests.cpu",
            id="with-its-request",
        ),
    ],
)
def test_a_default_limit_out_of_range_is_the_tier_s(request_: str, annotation: str, also: str) -> None:
    pod = msgspec.structs.replace(
        agent({"cpu": request_}, {"cpu": "8"}), defaults_annotation=f"tiergate set: {annotation}"
    )
    (line,) = judged(pod, an_item(default={"cpu": "8"}, default_request={"cpu": "8"}, high={"cpu": "5"}))
    assert line == (
        'container "agent": limits.cpu is 8 (the tier\'s default), the tier allows at most 5; '
        f"set limits.cpu{also} to 5 or less"
    )


_TIER = a_tier(an_item(default={"cpu": "500m"}, default_request={"cpu": "100m"}, high={"cpu": "5"}))


@pytest.mark.parametrize(
    ("request_", "limit", "expected"),
    [
        pytest.param(
            "100m", "8", "limits.cpu is 8, the tier allows at most 5; set limits.cpu to 5 or less", id="limit"
        ),
        pytest.param(
            "8",
            "8",
            "limits.cpu is 8, the tier allows at most 5; set limits.cpu and requests.cpu to 5 or less",
            id="both",
        ),
    ],
)
def test_what_was_edited_in_a_copied_pod_is_no_default(request_: str, limit: str, expected: str) -> None:
    """Its annotation names what was set of the pod that it was copied from."""
    note = "tiergate set: cpu request for container agent; cpu limit for container agent"
    pod = msgspec.structs.replace(agent({"cpu": request_}, {"cpu": limit}), defaults_annotation=note)
    assert judged(pod, tier=_TIER) == [f'container "agent": {expected}']


def test_beside_a_pod_level_request_a_default_is_less_than_the_tier_says() -> None:
    """It gives each container what is left."""
    note = "tiergate set: cpu request for container agent"
    container = a_container(requests={"cpu": "40m"}, limits={"cpu": "400m"})
    pod = msgspec.structs.replace(a_pod(container, requests={"cpu": "40m"}), defaults_annotation=note)
    (line,) = judged(pod, an_item(default_request={"cpu": "50m"}, ratio={"cpu": "4"}))
    assert "400m / 40m (set by the tier)" in line


@pytest.mark.parametrize(("names", "said"), [(MAX_AMOUNTS, True), (MAX_AMOUNTS + 1, False)])
def test_a_note_of_more_values_than_a_pod_may_have_is_not_ours(names: int, *, said: bool) -> None:
    others = [f"example.com/r{number} limit for init container agent-2" for number in range(names - 1)]
    note = f"{ANNOTATION_PREFIX}{'; '.join([*others, 'cpu request for container agent'])}"
    pod = msgspec.structs.replace(agent({"cpu": "50m"}, {"cpu": "400m"}), defaults_annotation=note)
    (line,) = judged(pod, an_item(default_request={"cpu": "50m"}, ratio={"cpu": "4"}))
    assert ("50m (the tier's default)" in line) == said
