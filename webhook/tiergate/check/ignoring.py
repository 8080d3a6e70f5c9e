"""Annotations that leave rules out of a check: the person who reads the manifest sees which, and why."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tiergate.manifests.load import Manifest

PREFIX: Final = "check.tiergate.io/ignore-"
"""What the name of such an annotation begins with; the rule follows, and the value is the reason."""


class _Metadata(msgspec.Struct):
    annotations: dict[str, Any] | None = None


class _Object(msgspec.Struct):
    metadata: _Metadata | None = None


_decode: Final = msgspec.json.Decoder(_Object).decode


def ignored_rules(manifest: Manifest) -> dict[str, str]:
    """Return the reasons by rule; an annotation without a reason ignores nothing."""
    try:
        found = _decode(manifest.raw)
    except (ValueError, RecursionError):
        return {}
    annotations = (found.metadata and found.metadata.annotations) or {}
    return {
        name.removeprefix(PREFIX): reason
        for name, reason in annotations.items()
        if name.startswith(PREFIX) and isinstance(reason, str) and reason.strip()
    }
