"""A RuntimeClass as far as it adds to a pod."""

from __future__ import annotations

import json

import pytest

from tests.builders import Json, Texts, texts
from tiergate.wire.runtime_class import read_overhead


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"overhead": None}, {}, id="null"),
        pytest.param({"overhead": {"podFixed": None}}, {}, id="null-in-it"),
        pytest.param({"overhead": {"podFixed": {"cpu": "250m", "memory": "64Mi"}}}, {"cpu": "250m", "memory": "64Mi"}),
    ],
)
def test_what_a_runtime_class_adds_to_a_pod(written: Json, expected: Texts) -> None:
    assert texts(read_overhead(json.dumps({"metadata": {"name": "kata"}, **written}).encode())) == expected
