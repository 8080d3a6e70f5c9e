"""docs/values.md says what the chart's values are, and every value is described."""

from __future__ import annotations

import pytest
import yaml

from tests.docs import values
from tests.docs.values import read_schema

FOUND = values.values()
DEFAULTS = yaml.safe_load((values.CHART / "values.yaml").read_text())


def test_every_value_is_described() -> None:
    """By a comment in values.yaml right above it, or by that of a group it is in."""
    bare = [value.name for value in FOUND if not value.is_group and not value.says and not value.is_covered]
    assert bare == []


def test_every_value_that_the_schema_knows_is_there() -> None:
    """A value without a default would be in no page."""
    schema = read_schema()
    assert schema["properties"].keys() == {value.path[0] for value in FOUND}
    for value in FOUND:
        if value.is_group:
            node = schema
            for name in value.path:
                node = node["properties"][name]
            children = {other.path[-1] for other in FOUND if other.path[:-1] == value.path}
            assert node["properties"].keys() == children, value.name


@pytest.mark.parametrize("value", FOUND, ids=lambda value: value.name)
def test_the_default_is_the_one_of_the_chart(value: values.Value) -> None:
    default = DEFAULTS
    for name in value.path:
        default = default[name]
    assert yaml.safe_load(value.default) == default


def test_examples_are_values() -> None:
    """Each is what it says: YAML whose one key is the value that it is an example of."""
    examples = [value for value in FOUND if value.example]
    assert [value.name for value in examples] == ["tiers", "namespaces"]
    for value in examples:
        assert list(yaml.safe_load(value.example)) == [value.name]


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        pytest.param({"type": "integer", "minimum": 1}, "integer (at least 1)", id="bound"),
        pytest.param({"$ref": "#/definitions/port"}, "integer (1 to 65535)", id="reference"),
        pytest.param(
            {"type": "array", "items": {"$ref": "#/definitions/portOrName"}},
            "list of integers (1 to 65535) or strings",
            id="list-of-two",
        ),
        pytest.param({"$ref": "#/definitions/stringMap"}, "map of strings", id="map"),
        pytest.param({"$ref": "#/definitions/resourceList"}, "map of quantities", id="quantities"),
        pytest.param({"enum": ["Fail", "Ignore"]}, "`Fail` or `Ignore`", id="words"),
    ],
)
def test_types_are_said_in_words(schema: values.Schema, kind: str) -> None:
    assert values.kind(schema, read_schema()) == kind
