"""A LimitRange's JSON as a core value, and a desired one as JSON."""

from __future__ import annotations

import json

import pytest

from tests.builders import an_item
from tiergate.wire import Malformed
from tiergate.wire.limitrange import read_limit_range, unreadable_limit_range, write_limit_range

ITEM = an_item(
    default={"cpu": "2"}, default_request={"cpu": "1"}, low={"cpu": "500m"}, high={"cpu": "4"}, ratio={"cpu": "2"}
)
OBJECT = {
    "apiVersion": "v1",
    "kind": "LimitRange",
    "metadata": {
        "name": "tier",
        "namespace": "dev",
        "labels": {"app.kubernetes.io/managed-by": "tiergate", "tiergate.io/tier": "small"},
        "resourceVersion": "7",
    },
    "spec": {
        "limits": [
            {
                "type": "Container",
                "default": {"cpu": "2"},
                "defaultRequest": {"cpu": "1"},
                "min": {"cpu": "500m"},
                "max": {"cpu": "4"},
                "maxLimitRequestRatio": {"cpu": "2"},
            }
        ]
    },
}


def test_it_is_written_whole() -> None:
    """The version it is decided on is added by what writes it (`cluster/swap.py`)."""
    body = json.loads(write_limit_range("tier", [ITEM], namespace="dev", tier="small"))
    body["metadata"]["resourceVersion"] = "7"
    assert body == OBJECT


def test_an_empty_side_is_left_out() -> None:
    made = json.loads(write_limit_range("tier", [an_item("Pod", high={"cpu": "1"})], namespace="dev", tier="small"))
    assert made["spec"] == {"limits": [{"type": "Pod", "max": {"cpu": "1"}}]}


def test_it_is_read_back() -> None:
    found = read_limit_range(json.dumps(OBJECT).encode())
    assert (found.name, found.resource_version) == ("tier", "7")
    assert (found.managed, found.labelled, found.items) == (True, "small", (ITEM,))


def test_what_stands_in_for_one_that_cannot_be_read_has_its_identity_and_says_nothing() -> None:
    raw = json.dumps(OBJECT | {"spec": {"limits": [{"max": {"cpu": "much"}}]}}).encode()
    with pytest.raises(Malformed):
        read_limit_range(raw)
    found = unreadable_limit_range(raw)
    assert (found.name, found.resource_version) == ("tier", "7")
    assert (found.managed, found.labelled, found.items) == (True, "small", ())


def test_an_empty_one_has_no_items() -> None:
    assert read_limit_range(b'{"metadata": {"name": "tier"}}').items == ()
