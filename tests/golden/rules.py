"""What the chart's rules send to which endpoint: the copy in ``rules.yaml``, and how it is read.

The copy lets the pure tests tell which requests must have a case; `test_rules` compares it with the rendered chart, and
`capture` writes it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import yaml

from tests.builders import Json

FILE: Final = Path(__file__).with_name("rules.yaml")
CONFIGURATIONS: Final = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


class Kind(NamedTuple):
    """A kind of request that reaches a endpoint; ``resource`` has the subresource behind a slash."""

    endpoint: str
    group: str
    resource: str
    operation: str
    dry_run: bool


NO_SUCH_API: Final = frozenset({("namespaces/status", "CREATE"), ("namespaces/finalize", "CREATE")})
"""What the rules match and no client can send: the subresources of a namespace can only be read and updated."""


def entries_of(objects: Iterable[Json]) -> list[Json]:
    """Return the entries of rendered webhook configurations, with what decides whether and where they are called."""
    return [
        {
            "configuration": each["kind"],
            "name": entry["name"],
            "path": entry["clientConfig"]["service"]["path"],
            **{key: entry[key] for key in ("namespaceSelector", "matchConditions", "rules") if key in entry},
        }
        for each in objects
        if each["kind"] in CONFIGURATIONS
        for entry in each["webhooks"]
    ]


def write(entries: list[Json]) -> str:
    """Return the text of the copy."""
    return yaml.safe_dump(entries, sort_keys=False, width=120)


def sent() -> Iterator[Kind]:
    """Yield every kind of request that the chart's rules send to a endpoint."""
    for entry in yaml.safe_load(FILE.read_text()):
        for rule in entry["rules"]:
            for group, resource, operation, dry_run in itertools.product(
                rule["apiGroups"], rule["resources"], rule["operations"], (False, True)
            ):
                if (resource, operation) not in NO_SUCH_API:
                    yield Kind(entry["path"].removeprefix("/"), group, resource, operation, dry_run)


def kind_of(endpoint: str, request: Json) -> Kind:
    """Return which kind of request a review is."""
    what = request["resource"]
    name = "/".join(part for part in (what["resource"], request.get("subResource")) if part)
    return Kind(endpoint, what["group"], name, request["operation"], bool(request["dryRun"]))
