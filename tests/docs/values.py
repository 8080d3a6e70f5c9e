"""docs/values.md: every value of the chart, from what is written elsewhere.

Names, defaults and descriptions are values.yaml's, whose comments are the one place where a value is described; types
and bounds are values.schema.json's. A comment stands right above its key; that of a group also speaks for the values in
it. What follows an empty line in a comment is an example.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "charts" / "tiergate"
PAGE: Final = ROOT / "docs" / "values.md"

Schema = Mapping[str, Any]

AS_IN_KUBERNETES: Final = {
    "pullPolicy": "imagePullPolicy of the containers",
    "resources": "as in a container",
    "maxUnavailable": "as in a PodDisruptionBudget",
    "revisionHistoryLimit": "as in a Deployment",
    "podLabels": "added to the pods",
    "podAnnotations": "added to the pods",
    **dict.fromkeys(
        (
            *("affinity", "dnsConfig", "dnsPolicy", "nodeSelector", "priorityClassName", "runtimeClassName"),
            *("terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints"),
        ),
        "as in a PodSpec",
    ),
}
"""Names that Kubernetes describes: where values.yaml has nothing to add, these words stand."""

NULL: Final = {"type": "null"}

_INTRODUCTION: Final = """\
# Values of the chart

Written by `make docs` from [values.yaml](../charts/tiergate/values.yaml), which describes each value, and
[values.schema.json](../charts/tiergate/values.schema.json), which says what it may be. Helm refuses everything else: a
misspelt name is an error. Ready files are in [values/](../charts/tiergate/values/).
"""


class Value(msgspec.Struct, frozen=True):
    """A value or a group of them: its dotted path, its default as YAML on one line, and its comment.

    ``is_covered`` says that the comment of a group it is in speaks for it.
    """

    path: tuple[str, ...]
    default: str
    is_group: bool
    says: str
    example: str = ""
    is_covered: bool = False

    @property
    def name(self) -> str:
        """The dotted path."""
        return ".".join(self.path)


def written() -> str:
    """Return the whole page."""
    return f"{_INTRODUCTION}\n{sections()}"


def sections() -> str:
    """Return a section for each key at the top."""
    schema = read_schema()
    parts: list[str] = []
    found = values()
    for key in dict.fromkeys(value.path[0] for value in found):
        parts.append(f"## {key}\n")
        parts += _section([value for value in found if value.path[0] == key], schema)
    return "\n".join(parts)


def _section(found: list[Value], schema: Schema) -> Iterator[str]:
    head, *rest = found
    if head.says:
        yield textwrap.fill(head.says, 120, break_long_words=False, break_on_hyphens=False) + "\n"
    if not head.is_group:
        yield f"{_capital(kind(_schema_of(head.path, schema), schema))}; default `{head.default}`.\n"
    if head.example:
        yield f"```yaml\n{head.example}\n```\n"
    if rest:
        yield "| value | type | default | |\n|---|---|---|---|"
        yield from (_row(value, schema) for value in rest if value.says or not value.is_group)
        yield ""


def _row(value: Value, schema: Schema) -> str:
    may_be = "" if value.is_group else kind(_schema_of(value.path, schema), schema)
    default = "" if value.is_group else f"`{value.default}`"
    cells = (f"`{value.name}`", may_be, default, value.says)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def read_schema() -> Schema:
    """Return values.schema.json."""
    schema: Schema = json.loads((CHART / "values.schema.json").read_text())
    return schema


def values() -> list[Value]:
    """Return every value and group of values.yaml, in its order."""
    text = (CHART / "values.yaml").read_text()
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    return list(_values(root, (), text.splitlines(), read_schema(), is_covered=False))


def _values(
    node: yaml.MappingNode, path: tuple[str, ...], lines: list[str], schema: Schema, *, is_covered: bool
) -> Iterator[Value]:
    for key, child in node.value:
        here = (*path, key.value)
        is_group = "properties" in _schema_of(here, schema) and bool(child.value)  # {} is a value of its own
        says, example = _parted(_comment(lines, key.start_mark.line))
        if not says and not is_covered:
            says = AS_IN_KUBERNETES.get(key.value, "")
        yield Value(here, _default(child), is_group, says, example, is_covered)
        if is_group:
            assert isinstance(child, yaml.MappingNode)
            covered = bool(says) and len(here) > 1  # what a whole section is about says nothing of a value
            yield from _values(child, here, lines, schema, is_covered=covered)


def _comment(lines: list[str], line: int) -> list[str]:
    """Return the lines of the comment right above a line, without their marks."""
    first = line
    indent = re.match(" *", lines[line])
    assert indent is not None
    while first > 0 and lines[first - 1].startswith(f"{indent[0]}#"):
        first -= 1
    return [re.sub(r"^ *#( --)? ?", "", one) for one in lines[first:line]]


def _parted(comment: list[str]) -> tuple[str, str]:
    """Return (the sentences on one line, the example after the empty line)."""
    if "" not in comment:
        return " ".join(comment), ""
    middle = comment.index("")
    example = comment[middle + 1 :]
    return " ".join(comment[:middle]), "\n".join(one.removeprefix("  ") for one in example)


def _default(node: yaml.Node) -> str:
    """Return a value as YAML on one line."""
    value = yaml.safe_load(yaml.serialize(node))
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return str(text).removesuffix("...\n").strip().replace("''", '""')


def _schema_of(path: tuple[str, ...], schema: Schema) -> Schema:
    """Return the schema of a value; KeyError where there is none."""
    node = schema
    for name in path:
        node = node["properties"][name]
    return node


def resolved(node: Schema, schema: Schema) -> Schema:
    """Return what a part of the schema refers to."""
    while "$ref" in node:
        node = schema["definitions"][node["$ref"].rpartition("/")[2]]
    return node


def kind(node: Schema, schema: Schema) -> str:
    """Return what a value may be, in words."""
    if node.get("$ref", "").endswith("/quantity"):
        return "quantity"
    node = resolved(node, schema)
    if "enum" in node:
        return " or ".join(f"`{one}`" for one in node["enum"] if one)
    for several in ("anyOf", "allOf"):
        if several in node:
            return " or ".join(kind(one, schema) for one in node[several] if one != NULL)
    match _type_of(node):
        case "integer":
            return f"integer{_bounds(node)}"
        case "array":
            return f"list of {_plural(kind(node['items'], schema))}"
        case "object":
            return _map(node, schema)
        case word:
            return str(word)


def _type_of(node: Schema) -> str:
    """Return the type, without the null that may stand for it."""
    named = node.get("type")
    return str(next(one for one in named if one != "null") if isinstance(named, list) else named)


def _bounds(node: Schema) -> str:
    low, high = node.get("minimum"), node.get("maximum")
    if low is not None and high is not None:
        return f" ({low} to {high})"
    return "" if low is None else f" (at least {low})"


def _map(node: Schema, schema: Schema) -> str:
    if isinstance(node.get("additionalProperties"), dict):
        return f"map of {_plural(kind(node['additionalProperties'], schema))}"
    return "object" + (f" with {', '.join(f'`{one}`' for one in node['properties'])}" if "properties" in node else "")


def _plural(one: str) -> str:
    """Return the same of many; KeyError for a word that has no plural here."""
    words = {"quantity": "quantities", "integer": "integers", "string": "strings", "object": "objects", "map": "maps"}
    return re.sub(r"^\w+|(?<= or )\w+", lambda noun: words[noun[0]], one)
