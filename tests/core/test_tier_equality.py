"""Tiers are equal when they say the same, spelling included: what is derived from one is cached by it."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from tiergate.core.tier import Tier
from tiergate.wire.tier import read_tier

SPEC: dict[str, Any] = {
    "enforcement": "Warn",
    "limits": [{"type": "Container", "max": {"cpu": "1", "memory": "1Gi"}, "default": {"cpu": "500m"}}],
    "quotas": [
        {
            "name": "compute",
            "hard": {"pods": "5"},
            "scopes": ["NotTerminating"],
            "scopeSelector": {
                "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["a", "b"]}]
            },
        }
    ],
    "exemptions": {"users": ["jane"], "groups": ["ops"]},
    "nativeLimitRange": True,
    "workloads": "Enforce",
}


def tier_of(spec: dict[str, Any], *, name: str = "dev", **metadata: object) -> Tier:
    return read_tier(msgspec.json.encode({"metadata": {"name": name, **metadata}, "spec": spec}))


def changed(*path: str | int, to: object) -> dict[str, Any]:
    """Return the spec with one value changed."""
    spec = copy.deepcopy(SPEC)
    place: Any = spec
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = to
    return spec


def test_what_is_read_twice_is_equal_and_found() -> None:
    """Whatever generation and version it has; what was derived from the one serves the other."""
    one, other = tier_of(SPEC, generation=1), tier_of(SPEC, generation=9, resourceVersion="7")
    assert one == other
    assert not one != other  # noqa: SIM202 - the operator is what is tested
    assert hash(one) == hash(other)
    assert {one: "derived"}[other] == "derived"
    same = one
    assert one == same


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(changed("enforcement", to="Audit"), id="mode"),
        pytest.param(changed("limits", 0, "max", "cpu", to="2"), id="amount"),
        pytest.param(changed("limits", 0, "max", "memory", to="1073741824"), id="spelling"),
        pytest.param(changed("limits", 0, "max", to={"cpu": "1"}), id="name-removed"),
        pytest.param(changed("limits", 0, "min", to={"cpu": "1m"}), id="field-added"),
        pytest.param(changed("limits", 0, "type", to="Pod"), id="type"),
        pytest.param(changed("limits", to=[]), id="item-removed"),
        pytest.param(changed("quotas", 0, "name", to="other"), id="quota-name"),
        pytest.param(changed("quotas", 0, "hard", "pods", to="6"), id="bound"),
        pytest.param(changed("quotas", 0, "scopes", to=[]), id="scopes"),
        pytest.param(
            changed("quotas", 0, "scopeSelector", "matchExpressions", 0, "values", to=["a"]), id="scope-values"
        ),
        pytest.param(changed("exemptions", "users", to=[]), id="users"),
        pytest.param(changed("exemptions", "groups", to=["dev"]), id="groups"),
        pytest.param(changed("nativeLimitRange", to=False), id="native"),
        pytest.param(changed("workloads", to="Warn"), id="workloads"),
    ],
)
def test_what_differs_in_anything_is_another_tier(spec: dict[str, Any]) -> None:
    one, other = tier_of(spec), tier_of(SPEC)
    assert one != other
    msgspec.structs.force_setattr(one, "_hash", hash(other))
    assert one != other, "a hash that two tiers share by chance"


def test_a_tier_of_another_name_is_another_one() -> None:
    assert tier_of(SPEC, name="prod") != tier_of(SPEC)
    assert tier_of(SPEC) != "dev"
