"""Check the tiers of a release before anything of it is created. Pure: no cluster is asked.

A tier that the API server refuses in the middle of an installation leaves half a release behind. One that is stored
while no webhook serves yet, which happens as that webhook fails open, governs nothing. Both are known beforehand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tiergate.manifests.load import load
from tiergate.manifests.values import tier_of_values


class _Values(msgspec.Struct):
    tiers: dict[str, dict[str, Any] | None] | None


class NotReadable(ValueError):
    """The file cannot be read, or holds something else than tiers; the message says what."""


def check(path: Path) -> tuple[str, ...]:
    """Return one line for each fault of the tiers in a values file; () when all of them can be in force.

    Args:
        path: A values file of the chart, YAML or JSON: ``tiers`` by name, each with a ``spec``.

    Raises:
        NotReadable: The file cannot be read, or is not that.
    """
    loaded = load([str(path)])
    if loaded.faults:
        raise NotReadable(str(loaded.faults[0]))
    if any(one.kind for one in loaded.manifests):
        msg = f"{path}: an object of Kubernetes, not values of the chart; `tiergate check {path}` checks Tier objects"
        raise NotReadable(msg)
    if len(loaded.manifests) > 1:
        msg = f"{path}: more than one document"
        raise NotReadable(msg)
    raw = loaded.manifests[0].raw if loaded.manifests else b"null"
    try:
        tiers = msgspec.json.decode(raw, type=_Values).tiers or {}
    except (ValueError, RecursionError) as error:
        msg = f"{path}: {error}"
        raise NotReadable(msg) from error
    return tuple(
        f"{place(name, fault.pointer)}: {fault.reason}"
        for name in sorted(tiers)
        if tiers[name] is not None  # the chart leaves out what an overlay has set to null
        for fault in tier_of_values(name, tiers[name])[1]
    )


def place(name: str, pointer: str) -> str:
    """Return where a fault of a tier is in the values, written as Helm does: tiers.dev.spec.limits[0].max.cpu."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    return f"tiers.{name}" + "".join(f"[{part}]" if part.isdecimal() else _member(part) for part in parts)


def _member(name: str) -> str:
    return f'["{name}"]' if "." in name or "/" in name else f".{name}"
