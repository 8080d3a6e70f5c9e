"""Laws of defaulting, with python's jsonpatch as the judge of our patch (RFC 6902)."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonpatch
import msgspec
import pytest
from hypothesis import given

from tests.builders import Json, defaults_of
from tests.property.strategies import pod_objects, tiers
from tiergate.core.defaults import with_defaults
from tiergate.core.podspec import Pod
from tiergate.core.tier import Tier
from tiergate.wire.decode import Reader
from tiergate.wire.pod import WirePod, to_pod

pytestmark = pytest.mark.property
_read = Reader(WirePod, to_pod)


def read(pod: Json) -> Pod:
    return _read(json.dumps(pod).encode())


def patched(pod: Json, tier: Tier) -> Json:
    operations = msgspec.to_builtins(defaults_of(read(pod), tier).patch)
    result: Json = jsonpatch.apply_patch(copy.deepcopy(pod), operations)
    return result


def judged_of(pod: Pod) -> list[tuple[str, Any, Any]]:
    return [(one.name, dict(one.requests), dict(one.limits)) for one in pod.every_container()]


@given(pod_objects(), tiers())
def test_the_patched_object_is_what_was_judged(pod: Json, tier: Tier) -> None:
    expected, _ = with_defaults(read(pod), tier)
    assert judged_of(read(patched(pod, tier))) == judged_of(expected)


@given(pod_objects(), tiers())
def test_a_patched_object_is_not_patched_again(pod: Json, tier: Tier) -> None:
    once = patched(pod, tier)
    assert defaults_of(read(once), tier).patch == ()


@given(pod_objects(), tiers())
def test_no_value_that_was_written_changes(pod: Json, tier: Tier) -> None:
    after = patched(pod, tier)
    for field in ("containers", "initContainers"):
        for before, now in zip(pod["spec"].get(field) or (), after["spec"].get(field) or (), strict=True):
            written = before.get("resources") or {}
            for side in ("limits", "requests"):
                present = written.get(side) or {}
                assert {name: (now["resources"][side])[name] for name in present} == present
    assert {**after["spec"], "containers": 0, "initContainers": 0} == {
        **pod["spec"],
        "containers": 0,
        "initContainers": 0,
    } | ({} if "initContainers" in pod["spec"] else {"initContainers": 0})


@given(pod_objects(), tiers())
def test_the_annotation_comes_with_a_change_and_only_then(pod: Json, tier: Tier) -> None:
    after = patched(pod, tier)
    before = ((pod.get("metadata") or {}).get("annotations") or {}).get("tiergate.io/defaults")
    now = ((after.get("metadata") or {}).get("annotations") or {}).get("tiergate.io/defaults")
    assert (now != before) == (after["spec"] != pod["spec"])


@given(pod_objects(), tiers())
def test_every_default_is_set_in_a_pod_without_pod_level_resources(pod: Json, tier: Tier) -> None:
    """Not so for hugepages and extended resources: the API refuses some of them alone (D-13, D-14)."""
    assert tier.container is not None
    whole = {"hugepages-2Mi", "nvidia.com/gpu"}
    pod["spec"].pop("resources", None)
    for container in read(patched(pod, tier)).every_container():
        assert set(tier.container.default) - whole <= set(container.limits)
        assert set(tier.container.default_request) - whole <= set(container.requests)
