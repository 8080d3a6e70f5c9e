"""What made an object, by its owner references."""

from __future__ import annotations

import json

import pytest

from tiergate.wire.owners import MAX_OWNERS, Reference, read_owned

JOB = {"apiVersion": "batch/v1", "kind": "Job", "name": "pack", "uid": "1", "controller": True}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "name": "made-with", "uid": "2"}


def of_length(length: int) -> str:
    """Return a list of owners of so many bytes."""
    text = json.dumps([JOB])
    return f"{text[:-1]}{' ' * (length - len(text))}]"


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        pytest.param(json.dumps([JOB]), Reference("batch", "Job", "pack", "1"), id="the-one-that-controls"),
        pytest.param(json.dumps([CONFIG, JOB]), Reference("batch", "Job", "pack", "1"), id="not-the-first"),
        pytest.param(
            json.dumps([{**CONFIG, "controller": True}]),
            Reference("", "ConfigMap", "made-with", "2"),
            id="of-the-group-without-a-name",
        ),
        pytest.param(json.dumps([CONFIG, {**JOB, "controller": False}]), None, id="none-controls"),
        pytest.param("null", None, id="null"),
        pytest.param(of_length(MAX_OWNERS), Reference("batch", "Job", "pack", "1"), id="as-long-as-is-read"),
        pytest.param(of_length(MAX_OWNERS + 1), None, id="longer-than-is-read"),
    ],
)
def test_who_controls_an_object(owners: str, expected: Reference | None) -> None:
    owned = read_owned(f'{{"metadata":{{"uid":"9","ownerReferences":{owners}}}}}'.encode())
    assert (owned.uid, owned.controller()) == ("9", expected)


def test_what_has_no_owners_is_controlled_by_nothing() -> None:
    assert read_owned(b'{"metadata":{}}').controller() is None
    assert read_owned(b"{}").controller() is None
