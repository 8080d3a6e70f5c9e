"""What the fuzzer reports, and how it reads a review by itself."""

from __future__ import annotations

import re
from typing import Any, Final, cast

from tiergate.core.request import Endpoint

ENDPOINTS: Final[tuple[Endpoint, ...]] = ("mutate", "validate", "workloads", "namespaces", "tiers")
Signature = tuple[object, ...]


class Finding(AssertionError):
    """Something that must never be; the text says what."""


def integer(text: str) -> int | str:
    """Return an integer where one could be meant; longer ones are quantities by their text."""
    return int(text) if len(text) <= len(str(-(2**63))) else text


def has_null_container(pod: dict[str, Any]) -> bool:
    """The API server never sends a null in a list of containers; nothing can be added to one."""
    spec = pod.get("spec") or {}
    return any(one is None for key in ("containers", "initContainers") for one in spec.get(key) or ())


def value_at(tree: object, pointer: str) -> object:
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        members = cast("dict[str, object]", tree or {})
        tree = tree[int(name)] if isinstance(tree, list) else members.get(name)
    return tree


def outline(detail: str) -> str:
    """Return the reason in a message, without where it is and without what differs between inputs of the same way."""
    return re.sub(r'"[^"]*"|[0-9]+', "#", detail.rpartition(": ")[2])[:60]
