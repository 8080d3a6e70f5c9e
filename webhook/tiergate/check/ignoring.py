"""Annotations that leave rules out of a check: the person who reads the manifest sees which, and why."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tiergate.manifests.load import Manifest

PREFIX: Final = "check.tiergate.io/ignore-"
"""What the name of such an annotation begins with; the rule follows, and the value is the reason."""


NEVER: Final = frozenset({"malformed", "tier-missing", "tier-invalid", "quota-pending", "workload-unchecked"})
"""Rules that say that nothing was judged: an object of which they are left out would seem to pass."""


class _Metadata(msgspec.Struct):
    annotations: dict[str, Any] | None = None


class _Object(msgspec.Struct):
    metadata: _Metadata | None = None


_decode: Final = msgspec.json.Decoder(_Object).decode


def ignored_rules(manifest: Manifest) -> dict[str, str]:
    """Return the reasons by rule; an annotation without a reason, or of a rule of ``NEVER``, ignores nothing."""
    try:
        found = _decode(manifest.raw)
    except (ValueError, RecursionError):
        return {}
    annotations = (found.metadata and found.metadata.annotations) or {}
    return {
        rule: reason
        for name, reason in annotations.items()
        if name.startswith(PREFIX)
        and isinstance(reason, str)
        and reason.strip()
        and (rule := name.removeprefix(PREFIX)) not in NEVER
    }
