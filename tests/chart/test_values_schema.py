"""The schema of the values, walked: no level of it lets a misspelt name or a value of the wrong kind pass."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, Helm, RefusedError
from tests.chart.switches import merged

Schema = dict[str, Any]
Path = tuple[str | int, ...]
KEY = "some"
UNHEARD_OF = "unheardOf"
# Kubernetes' own types, in which anything may stand that some release of Kubernetes knows.
FREE = re.compile(
    r"/(affinity|dnsConfig|tolerations/0|topologySpreadConstraints/0|claims/0|metricsFrom/0|relabelings/0"
    r"|metricRelabelings/0|extraEnv/0|extraVolumes/0|extraVolumeMounts/0)$"
    r"|^/(podSecurityContext|securityContext)$|^/global(/|$)"  # `global` is every chart's
)
SCHEMA: Schema = json.loads((CHART / "values.schema.json").read_text())


def resolved(schema: Schema) -> Schema:
    """Return the schema with what it refers to."""
    found: Schema = {}
    for each in (*schema.get("allOf", ()), schema):
        found |= each
    if "$ref" in found:
        found = resolved(SCHEMA["definitions"][found["$ref"].removeprefix("#/definitions/")]) | found
    if isinstance(found.get("type"), list):  # a null in an overlay removes it
        found = found | {"type": next(each for each in found["type"] if each != "null")}
    return found


def places(schema: Schema, path: Path = ()) -> Iterator[tuple[Path, Schema]]:
    """Yield every schema that the values can reach; a map is entered by one key, a list by its first item."""
    here = resolved(schema)
    yield path, here
    for name, each in here.get("properties", {}).items():
        yield from places(each, (*path, name))
    if isinstance(here.get("additionalProperties"), dict):
        yield from places(here["additionalProperties"], (*path, KEY))
    if isinstance(here.get("items"), dict):
        yield from places(here["items"], (*path, 0))


def pointer(path: Path) -> str:
    return "".join(f"/{part}" for part in path)


def values_with(path: Path, leaf: object) -> dict[str, Any]:
    """Return values that hold the leaf at the path."""
    for part in reversed(path):
        leaf = [leaf] if part == 0 else {part: leaf}
    assert isinstance(leaf, dict)
    return leaf


def refused_at(helm: Helm, values: dict[str, Any]) -> dict[str, str]:
    """Return what the reader is told, by the place that is named."""
    with pytest.raises(RefusedError) as refused:
        helm.render(values)
    said = str(refused.value)
    assert "don't meet the specifications of the schema" in said
    return {match[1]: match[2] for match in re.finditer(r"at '([^']*)': (.*)", said)}


OBJECTS = [(path, found) for path, found in places(SCHEMA) if found.get("type") == "object"]
LISTS = [(path, found) for path, found in places(SCHEMA) if found.get("type") == "array"]
CLOSED = [path for path, found in OBJECTS if found.get("additionalProperties") is False]
SCALARS = [
    path
    for path, found in places(SCHEMA)
    if found.get("type") not in {"object", "array"} and not isinstance(found.get("items"), dict)
]


def test_every_level_is_closed_or_known_to_be_open() -> None:
    """An object takes named members, or members of one kind by any name, or is a type of Kubernetes' own."""
    opened = [pointer(path) for path, found in OBJECTS if found.get("additionalProperties", True) is True]
    assert [where for where in opened if not FREE.search(where)] == []
    assert len(CLOSED) > 30
    assert [pointer(path) for path, found in LISTS if "items" not in found] == []


@pytest.mark.helm
def test_an_unknown_name_is_refused_at_every_level(any_helm: Helm) -> None:
    """All at once: each level is named, and with it the name that nobody knows."""
    values: dict[str, Any] = {}
    for path in sorted(CLOSED, key=len):
        values = _with(values, path, {UNHEARD_OF: 1})
    said = refused_at(any_helm, values)
    unnamed = [pointer(path) for path in CLOSED if UNHEARD_OF not in said.get(pointer(path), "")]
    assert unnamed == []


@pytest.mark.helm
def test_a_value_of_the_wrong_kind_is_refused_everywhere(any_helm: Helm) -> None:
    """0.5 is no text, no switch, no whole number, no word of a list of words and no quantity."""
    values: dict[str, Any] = {}
    for path in SCALARS:
        values = _with(values, path, 0.5)
    said = refused_at(any_helm, values)
    assert [pointer(path) for path in SCALARS if pointer(path) not in said] == []


@pytest.mark.helm
def test_what_is_no_list_is_refused_everywhere(any_helm: Helm) -> None:
    """A single value in place of a list of one is the usual slip."""
    values: dict[str, Any] = {}
    outer = [path for path, _ in LISTS if 0 not in path]
    for path in outer:
        values = _with(values, path, "one")
    said = refused_at(any_helm, values)
    assert [pointer(path) for path in outer if "array" not in said.get(pointer(path), "")] == []


def _with(values: dict[str, Any], path: Path, leaf: object) -> dict[str, Any]:
    """Return the values with a leaf more; lists keep their one item, which gets the rest of the path."""
    if 0 not in path:
        return merged(values, values_with(path, leaf))
    split = path.index(0)
    head, rest = path[:split], path[split + 1 :]
    item = _at(values, head)
    first = item[0] if item else {}
    inner = leaf if not rest else _with(first if isinstance(first, dict) else {}, rest, leaf)
    return merged(values, values_with(head, [inner]))


def _at(values: dict[str, Any], path: Path) -> list[Any]:
    found: Any = values
    for part in path:
        found = found.get(part, {})
    return found if isinstance(found, list) else []


REMOVED = {"resources", "labels", "configurationAnnotations"}
"""Maps that are not empty by default and that a null takes away."""
WHOLE = {*REMOVED, "podSecurityContext", "securityContext", "podLabels"}
"""Maps without names of the chart's own."""


def leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield where a single value, a list or a whole map of another type than a section is."""
    for name, each in values.items():
        if isinstance(each, dict) and each and name not in WHOLE:
            yield from leaves(each, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.helm
def test_what_is_null_has_its_default_or_is_taken_away(helm: Helm) -> None:
    """So does a value that is newer than the release whose values are used again (`helm upgrade --reuse-values`)."""
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    every = list(leaves(defaults))
    removed = [path for path in every if path[-1] in REMOVED and functools.reduce(dict.__getitem__, path, defaults)]
    assert len(removed) == 5
    for chosen in ([path for path in every if path not in removed], every):
        nulls: dict[str, Any] = {}
        for *above, name in chosen:
            functools.reduce(lambda level, key: level.setdefault(key, {}), above, nulls)[name] = None
        assert (helm.render(nulls).everything == helm.render().everything) is (chosen != every)
