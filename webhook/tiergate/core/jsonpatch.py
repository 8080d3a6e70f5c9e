"""JSONPatch operations (RFC 6902) and pointer escaping (RFC 6901)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

PatchValue = str | Mapping[str, str] | Mapping[str, Mapping[str, str]]


class JSONPatchOp(msgspec.Struct, frozen=True):
    """One operation. ``add`` to an existing member replaces it, its parent must exist (X-1)."""

    op: Literal["add", "replace", "test", "remove"]
    path: str
    value: PatchValue


def escape(token: str) -> str:
    """Return one reference token of a JSON pointer."""
    return token.replace("~", "~0").replace("/", "~1") if "/" in token or "~" in token else token


def add(parent: str, key: str, value: PatchValue) -> JSONPatchOp:
    """Return the operation that sets a member of the object at ``parent``."""
    return JSONPatchOp("add", f"{parent}/{escape(key)}", value)
