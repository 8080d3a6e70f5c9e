"""Label selectors as the API server evaluates them."""

from __future__ import annotations

from typing import Any

import pytest

from tiergate.cluster.selector import selects

LABELS = {"env": "dev", "empty": ""}


def requirement(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        (None, True),
        ({}, True),
        ({"matchLabels": None, "matchExpressions": None}, True),
        ({"matchLabels": {"env": "dev"}}, True),
        ({"matchLabels": {"env": "dev", "team": "a"}}, False),
        ({"matchLabels": {"env": "prod"}}, False),
        ({"matchExpressions": [requirement("env", "In", "dev", "prod")]}, True),
        ({"matchExpressions": [requirement("env", "In", "prod")]}, False),
        ({"matchExpressions": [requirement("team", "In", "a")]}, False),
        ({"matchExpressions": [requirement("env", "NotIn", "dev")]}, False),
        ({"matchExpressions": [requirement("env", "NotIn", "prod")]}, True),
        ({"matchExpressions": [requirement("team", "NotIn", "a")]}, True),
        ({"matchExpressions": [requirement("empty", "Exists")]}, True),
        ({"matchExpressions": [requirement("team", "Exists")]}, False),
        ({"matchExpressions": [requirement("env", "DoesNotExist")]}, False),
        ({"matchExpressions": [requirement("team", "DoesNotExist")]}, True),
        ({"matchExpressions": [requirement("env", "Exists"), requirement("empty", "NotIn", "")]}, False),
        ({"matchLabels": {"env": "dev"}, "matchExpressions": [requirement("env", "DoesNotExist")]}, False),
        ({"matchExpressions": [requirement("env", "Gt", "1")]}, False),
    ],
)
def test_all_requirements_must_hold(selector: dict[str, Any] | None, *, selected: bool) -> None:
    assert selects(selector, LABELS) is selected
