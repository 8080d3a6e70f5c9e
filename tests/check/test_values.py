"""A check and the preflight of a release say the same of the tiers in values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.check.running import Folder, pod
from tiergate.lifecycle import preflight

CPU = {"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}


@pytest.mark.parametrize(
    ("tiers", "faults"),
    [
        pytest.param({"dev": {"spec": {}}}, 0, id="none"),
        pytest.param({"dev": {"spec": {}, "spc": {}, "a/b": 1}}, 2, id="fields-that-are-lost"),
        pytest.param({"dev": {"spec": {"limits": [CPU]}}}, 3, id="min-over-max"),
        pytest.param({"dev": {"spec": {"enforcement": "enforce"}}}, 1, id="unknown-field"),
        pytest.param(
            {name: {"spec": {"quotas": [{"name": "a", "hard": {"hats": "1", "pods": "x"}}]}} for name in ("b", "a")},
            2,
            id="two-tiers",
        ),
    ],
)
def test_both_name_the_same_faults(folder: Folder, tiers: dict[str, Any], faults: int) -> None:
    folder.write({"values.json": json.dumps({"tiers": tiers}), "a.yaml": pod()})
    before = preflight.check(folder.path / "values.json")
    ran = folder.check("--tiers", "values.json", "--usage", "none", "-o", "json", "a.yaml")
    told = [one["reason"] for one in ran.report["unread"]]
    placed = []
    for reason in told:
        pointer, _, why = reason.partition(": ")
        _, _, name, inside = pointer.split("/", 3)
        placed.append(f"{preflight.place(name, f'/{inside}')}: {why}")
    assert sorted(placed) == sorted(before)
    assert len(before) == faults
    assert ran.code == (3 if faults else 0)


def test_a_null_drops_what_an_earlier_values_file_has(folder: Folder) -> None:
    """As the chart reads it: the tier is not there, the namespace is in none, an emptied section is as none."""
    first: dict[str, Any] = {"tiers": {"dev": {"spec": {}}}}
    folder.write(
        {
            "first.json": json.dumps(first | {"namespaces": {"dev": {"tier": "dev"}}}),
            "overlay.yaml": "tiers: {dev: null}\nnamespaces:\n",
            "without.yaml": "namespaces: {dev: null}\n",
            "a.yaml": pod(namespace="dev"),
        }
    )
    values = ("--tiers", "first.json", "--tiers", "overlay.yaml")
    assert "tier-missing" in folder.check(*values, "--usage", "none", "-o", "json", "a.yaml").rules
    ran = folder.check(*values, "--tiers", "without.yaml", "--usage", "none", "-o", "json", "a.yaml")
    assert "tier-missing" not in ran.rules


def test_a_tier_that_is_no_object_is_told(folder: Folder) -> None:
    folder.write({"values.yaml": "tiers:\n  dev: 1\n", "a.yaml": pod()})
    ran = folder.check("--tiers", "values.yaml", "--usage", "none", "a.yaml")
    assert ran.code == 3
    assert "values.yaml:2:3: /tiers/dev: not an object with a spec" in ran.out
