"""docs/tier.md: every field of a Tier, from its definition in the chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from tests.docs.values import CHART, ROOT

PAGE: Final[Path] = ROOT / "docs" / "tier.md"
DEFINITION: Final = CHART / "crds" / "tiers.yaml"

Schema = Mapping[str, Any]

_INTRODUCTION: Final = """\
# The Tier API

Written by `make docs` from [the definition](../charts/tiergate/crds/tiers.yaml). `kubectl explain tier.spec` shows the
same.

`Tier` is in the group `tiergate.io`, version `v1alpha1`. It is cluster-scoped. A namespace joins a tier by the label
`tiergate.io/tier: NAME`, for which the user needs the verb `assign` on that tier. The name of a tier has at most 63
characters, because it is the value of a label.

Besides this schema, the webhook checks that a tier does not contradict itself ([faults](operate.md#tier-invalid)). What
the fields do differently from LimitRange and ResourceQuota is in [differences.md](differences.md); complete tiers are
in [environments.yaml](../charts/tiergate/values/environments.yaml) and
[teams.yaml](../charts/tiergate/values/teams.yaml).
"""


def schema() -> Schema:
    """Return the schema of the one version."""
    return _version()["schema"]["openAPIV3Schema"]  # type: ignore[no-any-return]


class Field(msgspec.Struct, frozen=True):
    """A field of a Tier: its path, its schema, and whether the object that it is in must have it."""

    path: str
    schema: Schema
    required: bool


def fields(node: Schema, path: str) -> Iterator[Field]:
    """Yield each field below a node, in the order of the definition."""
    for name, child in node.get("properties", {}).items():
        here = f"{path}.{name}"
        yield Field(here, child, name in node.get("required", ()))
        yield from fields(child, here)
        if "properties" in child.get("items", {}):
            yield from fields(child["items"], f"{here}[]")


def written() -> str:
    """Return the whole page."""
    return "\n".join(_parts())


def _version() -> Schema:
    (version,) = yaml.safe_load(DEFINITION.read_text())["spec"]["versions"]
    found: Schema = version
    return found


def _parts() -> Iterator[str]:
    yield _INTRODUCTION
    for name in ("spec", "status"):
        node = schema()["properties"][name]
        yield f"## {name}\n\n{node['description']}\n\n| field | type | meaning |\n|---|---|---|"
        yield from (_row(field) for field in fields(node, name))
        yield ""
    yield "## Rules\n\nThe API server itself refuses a Tier that breaks one of these.\n\n| field | rule |\n|---|---|"
    for path, node in _nodes(schema()["properties"]["spec"], "spec"):
        yield from (f"| `{path}` | {rule['message']} |" for rule in node.get("x-kubernetes-validations", ()))
    yield "\n## Columns of `kubectl get tiers`\n\n| column | shows |\n|---|---|"
    for column in _version()["additionalPrinterColumns"]:
        wide = ", with `-o wide`" if column.get("priority") else ""
        says = column.get("description", f"`{column['jsonPath'].removeprefix('.')}`")
        yield f"| {column['name'].upper()}{wide} | {says} |"
    yield ""


def _nodes(node: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Yield (path, schema) of a node and of all below it, entries of lists included."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}")
    if "items" in node:
        yield from _nodes(node["items"], f"{path}[]")


def _row(field: Field) -> str:
    required = ", required" if field.required else ""
    return f"| `{field.path}` | {_type(field.schema)}{_extent(field.schema)}{required} | {_meaning(field.schema)} |"


def _type(node: Schema) -> str:
    if "items" in node:
        return f"list of {_type(node['items'])}s"
    if "additionalProperties" in node:
        is_amount = "x-kubernetes-int-or-string" in node["additionalProperties"]
        return f"map of {'quantities' if is_amount else 'strings'}"
    return str(node["type"])


def _extent(node: Schema) -> str:
    most = node.get("maxItems", node.get("maxProperties", node.get("maxLength")))
    unit = "characters" if "maxLength" in node else "entries"
    return "" if most is None else f", at most {most} {unit}"


def _meaning(node: Schema) -> str:
    says: str = node.get("description", "")
    if words := node.get("enum", node.get("items", {}).get("enum")):
        says += f"{' ' if says else ''}One of {', '.join(f'`{word}`' for word in words)}."
    if "default" in node:
        says += f" Default: `{node['default']}`."
    return says.replace("|", "\\|")
