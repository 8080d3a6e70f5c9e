"""Strict schemas of Kubernetes' own objects, for each supported minor, without a network."""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Iterator
from typing import Any, Final

import jsonschema
import yaml
from jsonschema.exceptions import relevance
from referencing import Registry, Resource

from tests.chart.helm import CHART, Object

OLDEST: Final = "1.34"
NEWEST: Final = "1.37"
FOREIGN: Final = frozenset({"ServiceMonitor", "PrometheusRule", "Certificate", "Issuer"})
"""Kinds of CRDs that are not ours: their schemas are not here."""


def faults(item: Object, minor: str) -> list[str]:
    """Return what the API server of this minor would not know or not take in the object; [] is valid."""
    return list(_faults(json.dumps(item, default=str), minor))


@functools.lru_cache(maxsize=8192)
def _faults(document: str, minor: str) -> tuple[str, ...]:
    """Most objects of two renders are equal."""
    item: Object = json.loads(document)
    group, _, version = item["apiVersion"].rpartition("/")
    validator = _tier() if item["kind"] == "Tier" else _known(minor, item["kind"], group.partition(".")[0], version)
    errors = sorted(validator.iter_errors(item), key=relevance)
    name = f"{item['kind']} {item['metadata']['name']}"
    return tuple(f"{name}: {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in errors)


@functools.cache
def _known(minor: str, kind: str, group: str, version: str) -> jsonschema.Draft202012Validator:
    name = "-".join(part for part in (kind.lower(), group, version) if part)
    return jsonschema.Draft202012Validator(_read(minor, name), registry=_registry(minor))


@functools.cache
def _registry(minor: str) -> Registry[Any]:
    definitions: Resource[Any] = Resource.from_contents(_read(minor, "_definitions"))
    registry: Registry[Any] = Registry()
    return definitions @ registry


def _read(minor: str, name: str) -> Object:
    folder = importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema" / f"v{minor}.0-local-strict"
    loaded: Object = json.loads((folder / f"{name}.json").read_text())
    return loaded


@functools.cache
def _tier() -> jsonschema.Draft202012Validator:
    """Return the schema of our CRD, in which no unknown field is pruned but refused."""
    definition = yaml.safe_load((CHART / "crds" / "tiers.yaml").read_text())
    (version,) = definition["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    for each in _objects(schema):
        if each is not schema["properties"]["metadata"]:
            each.setdefault("additionalProperties", False)
    return jsonschema.Draft202012Validator(schema)


def _objects(schema: object) -> Iterator[Object]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from _objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _objects(value)
