"""Names of new tiers: by what the namespaces have in common, never twice, as they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from tests.adopt.native import native
from tiergate.adopt.naming import BadName, names

Groups = Sequence[Mapping[str, dict[str, str]]]


def named(groups: Groups, wanted: Mapping[str, str] | None = None, taken: Sequence[str] = ()) -> tuple[str, ...]:
    made = [[native(namespace=name, labels=labels) for name, labels in group.items()] for group in groups]
    return names(made, wanted or {}, taken)


DEV, PROD = {"env": "dev"}, {"env": "prod"}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        pytest.param([{"one": DEV}, {"two": DEV}], ("one", "two"), id="a-namespace-alone"),
        pytest.param([{"a": DEV, "b": DEV}, {"c": PROD, "d": PROD}], ("dev", "prod"), id="a-label-of-these-alone"),
        pytest.param([{"x-a": DEV, "x-b": DEV}, {"c": DEV}], ("x", "c"), id="not-a-label-of-others-too"),
        pytest.param([{"a-x-1": {}, "a-x-2": {}}], ("a-x",), id="what-the-names-begin-with"),
        pytest.param([{"a-dev": {}, "b-dev": {}}], ("dev",), id="what-the-names-end-with"),
        pytest.param([{"a": {}, "b": {}}], ("a",), id="nothing-in-common"),
        pytest.param([{"team-a": {}, "team-b": {}}, {"team": {}}], ("team", "team-2"), id="never-twice"),
        pytest.param([{"a": {"x/y": "z"}, "b": {"x/y": "z"}}], ("a",), id="no-label-that-says-nothing-of-bounds"),
        pytest.param([{"a": {"env": "\x1b[31m"}, "b": {"env": "\x1b[31m"}}], ("a",), id="no-label-that-is-no-name"),
        pytest.param(
            [{"a": {"team": "t", "example.com/env": "e"}, "b": {"team": "t", "example.com/env": "e"}}],
            ("e",),
            id="the-better-label",
        ),
    ],
)
def test_a_tier_is_called_what_its_namespaces_have_in_common(groups: Groups, expected: tuple[str, ...]) -> None:
    assert named(groups) == expected


def test_a_long_name_leaves_room_for_its_number() -> None:
    long = "x" * 63
    assert named([{long: {}}], taken=[long]) == (f"{'x' * 61}-2",)


def test_a_tier_that_there_is_keeps_its_name() -> None:
    groups = [[native(namespace="a")], [native(namespace="b")]]
    assert names(groups, {}, ["b", "old"], ["old", ""]) == ("old", "b-2")
    assert names(groups, {"a": "new"}, ["old"], ["old", ""]) == ("new", "b")


def test_names_that_are_asked_for_come_first() -> None:
    assert named([{"a": {}, "b": {}}, {"dev": {}}], {"b": "dev"}) == ("dev", "dev-2")


@pytest.mark.parametrize(
    ("groups", "wanted", "said"),
    [
        ([{"a": {}, "b": {}}], {"a": "x", "b": "y"}, "x and y are asked for as names of one tier"),
        ([{"a": {}}, {"b": {}}], {"a": "x", "b": "x"}, "x is asked for as the name of two tiers"),
        ([{"a": {}}], {"a": "taken"}, "a tier taken exists already, with other bounds"),
        ([{"a": {}}], {"z": "x"}, "z is not among the namespaces that are adopted"),
    ],
)
def test_a_name_that_cannot_be_given_is_told(groups: Groups, wanted: Mapping[str, str], said: str) -> None:
    with pytest.raises(BadName, match=said):
        named(groups, wanted, ["taken"])
