"""A Node as far as it decides which DaemonSets' pods it runs."""

from __future__ import annotations

import json

import pytest

from tests.builders import Json
from tiergate.core.placement import Node, Taint
from tiergate.wire.node import read_node

TAINT = {"key": "gpu", "value": "only", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param({}, Node(""), id="nothing"),
        pytest.param({"metadata": None, "spec": None}, Node(""), id="nulls"),
        pytest.param({"metadata": {"name": "n1", "labels": {"zone": "a"}}}, Node("n1", {"zone": "a"}), id="labels"),
        pytest.param(
            {"metadata": {"name": "n1", "labels": None}, "spec": {"taints": None}}, Node("n1"), id="null-in-it"
        ),
        pytest.param(
            {"metadata": {"name": "n1"}, "spec": {"taints": [TAINT, {"key": "old", "effect": "NoExecute"}]}},
            Node("n1", {}, (Taint("gpu", "only", "NoSchedule"), Taint("old", "", "NoExecute"))),
            id="taints-with-and-without-a-value",
        ),
    ],
)
def test_what_is_read_of_a_node(written: Json, expected: Node) -> None:
    assert read_node(json.dumps(written).encode()) == expected
