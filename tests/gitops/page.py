"""The YAML of docs/gitops.md, as a reader copies it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

PAGE: Final = Path(__file__).parents[2] / "docs" / "gitops.md"


def objects(registry: str = "REGISTRY") -> Iterator[dict[str, Any]]:
    """Yield the objects of the page, with the registry that is meant."""
    for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        yield from yaml.safe_load_all(block.replace("REGISTRY", registry))


def one(kind: str, registry: str = "REGISTRY") -> dict[str, Any]:
    """Return the page's only object of a kind."""
    (found,) = (item for item in objects(registry) if item["kind"] == kind)
    return found
