"""The schema of Tier and the schema of the values say the same; no program is needed to see it."""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART

Schema = dict[str, Any]


@functools.cache
def crd() -> Schema:
    loaded: Schema = yaml.safe_load((CHART / "crds" / "tiers.yaml").read_text())
    return loaded


def tier_spec() -> Schema:
    (version,) = crd()["spec"]["versions"]
    found: Schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return found


@functools.cache
def definitions() -> Schema:
    loaded: Schema = json.loads((CHART / "values.schema.json").read_text())["definitions"]
    return loaded


def schemas(schema: object) -> Iterator[Schema]:
    """Yield every schema inside a schema, itself included."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from schemas(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from schemas(value)


def quantities(schema: Schema) -> list[Schema]:
    return [found for found in schemas(schema) if found.get("x-kubernetes-int-or-string")]


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        pytest.param("tierSpec", (), id="spec"),
        pytest.param("limitRangeItem", ("properties", "limits", "items"), id="limits"),
        pytest.param("quota", ("properties", "quotas", "items"), id="quotas"),
    ],
)
def test_values_know_the_fields_of_the_object(definition: str, path: tuple[str, ...]) -> None:
    """A field in one and not in the other would be dropped silently, or refused without reason."""
    schema = tier_spec()
    for step in path:
        schema = schema[step]
    values = definitions()[definition]
    assert set(values["properties"]) == set(schema["properties"])
    assert values.get("required", []) == schema.get("required", [])
    assert values["additionalProperties"] is False


def test_every_quantity_has_the_same_schema() -> None:
    """Five lists of an item and the hard of a quota read quantities alike, and so do the values."""
    found = quantities(tier_spec())
    assert len(found) == 6
    assert all(schema == found[0] for schema in found)
    text = definitions()["quantity"]["anyOf"][1]
    assert (text["pattern"], text["maxLength"]) == (found[0]["pattern"], found[0]["maxLength"])


@pytest.mark.parametrize("text", ["0", "1", "100m", "1.5", ".5", "1.", "+1", "1Gi", "1k", "10E", "2Ei", "1e3", "1E-3"])
def test_quantity_is_accepted(text: str) -> None:
    """Every way of writing that Kubernetes knows, short of signs and large exponents."""
    assert re.search(quantities(tier_spec())[0]["pattern"], text)


@pytest.mark.parametrize(
    "text", ["", " 1", "-1", "1K", "1ki", "1MB", "1e", "1e1.5", "1e100", "0x10", "NaN", "1\n", "\u0661"]
)
def test_quantity_is_refused(text: str) -> None:
    """A typing error, a negative bound, and an exponent that would cost the API server minutes."""
    # RE2, which the API server uses, has no other meaning of `$` than the end of the text.
    pattern = quantities(tier_spec())[0]["pattern"].replace("$", r"\Z")
    assert not re.search(pattern, text)


def test_schema_prunes_nothing_silently() -> None:
    """No part of a Tier is free-form: unknown fields are reported by a client that validates."""
    assert not [found for found in schemas(crd()) if "x-kubernetes-preserve-unknown-fields" in found]


def test_rules_look_at_a_quantity_before_parsing_it() -> None:
    """A pattern that does not match does not keep a rule from running, and parsing 1e2147483648 takes minutes."""
    rules = [rule["rule"] for found in schemas(tier_spec()) for rule in found.get("x-kubernetes-validations", ())]
    parsing = [rule for rule in rules if "quantity(" in rule]
    assert len(parsing) == 6
    for rule in parsing:
        guarded = set(re.findall(r"string\(([\w.\[\]]+)\)\.matches\(", rule))
        assert guarded == set(re.findall(r"quantity\(string\(([\w.\[\]]+)\)\)", rule))
