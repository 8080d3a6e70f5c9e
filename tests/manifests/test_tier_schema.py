"""What people write as a Tier is refused wherever its definition refuses it: what a check passes can be applied."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, Final

import jsonschema
import yaml

from tests.docs import tier
from tiergate.manifests.tier_schema import beyond_schema
from tiergate.manifests.tiers import written_tier

SPEC: Final[dict[str, Any]] = yaml.safe_load("""
enforcement: Warn
limits:
- type: Container
  max: {cpu: "1"}
  min: {cpu: 100m}
  default: {cpu: "1"}
  defaultRequest: {cpu: 500m}
  maxLimitRequestRatio: {cpu: "4"}
quotas:
- name: compute
  per: Namespace
  hard: {pods: 3, requests.cpu: "5"}
  scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [high]}]}
- {name: best-effort, hard: {pods: "3"}, scopes: [BestEffort]}
workloads: Warn
nativeLimitRange: true
exemptions: {users: [root], groups: [admins]}
""")
"""A Tier with every field."""
GONE: Final = object()
VALUES: Final[tuple[Any, ...]] = (GONE, "", "A b", "0" * 400, 1.5, 1, 1.0, True, [], {}, ["x"] * 300)
"""What each value is replaced by."""


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:  # noqa: ANN401  # any value of JSON
    """Yield where every value in another one is."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from places(inner, (*path, key))


def replaced(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:  # noqa: ANN401  # any value of JSON
    """Return the spec with another value in one place, or none."""
    made: Any = copy.deepcopy(SPEC)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    if value is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return dict(made)


def test_what_the_definition_refuses_is_a_fault_and_nothing_else_is_refused_in_its_name() -> None:
    definition = jsonschema.Draft202012Validator(tier.schema()["properties"]["spec"])
    missed, invented = [], []
    for path in places(SPEC):
        for value in VALUES:
            spec = replaced(path, value)
            refused = not definition.is_valid(spec)
            if refused and not written_tier(json.dumps({"metadata": {"name": "dev"}, "spec": spec}).encode())[1]:
                missed.append((path, value))
            if not refused and list(beyond_schema(spec)):
                invented.append((path, value))
    assert (missed, invented) == ([], [])
    assert definition.is_valid(SPEC)
