"""files/sections.yaml of the chart: the defaults of its values, which templates cannot read from values.yaml.

A section is a map of names that the schema lists, such as `controller` or `webhook.service`. One that somebody emptied
(`controller:` with nothing below it) is a null to Helm, which removes it with all of its defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.docs.values import CHART, Schema, read_schema, resolved

FILE: Final[Path] = CHART / "files" / "sections.yaml"
_INTRODUCTION: Final = """\
# Written by `make docs` from values.yaml: the defaults of each section, for values in which it is emptied.
"""


def written() -> str:
    """Return the whole file."""
    defaults = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = read_schema()
    found = {".".join(path): own for path, own in sections(schema, schema, defaults)}
    return _INTRODUCTION + str(yaml.safe_dump(found, width=10_000))


def sections(
    node: Schema, schema: Schema, defaults: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield the path of each section and the defaults in it, without those of sections in it.

    The first one is that of all values, whose path is empty.
    """
    inner = {name: each for name, each in defaults.items() if is_section(node["properties"][name], schema, each)}
    yield path, {name: each for name, each in defaults.items() if name not in inner}
    for name, each in inner.items():
        yield from sections(resolved(node["properties"][name], schema), schema, each, (*path, name))


def is_section(node: Schema, schema: Schema, default: object) -> bool:
    """Return whether a value has names of its own and not those of a type of Kubernetes', which a null takes away."""
    return bool(default) and "properties" in resolved(node, schema) and node.get("$ref") != "#/definitions/resources"
