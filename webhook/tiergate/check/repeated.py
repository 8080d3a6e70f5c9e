"""Objects that a change set defines more than once: the last one replaces those before it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tiergate.check.about import About
from tiergate.check.reading import kind_of
from tiergate.check.result import REPEATED, ObjectResult
from tiergate.check.stored import ObjectKey
from tiergate.check.surroundings import Surroundings
from tiergate.manifests.load import Manifest


class Repeated:
    """Knows the last manifest of each object that is checked.

    One without a name is always another object, and so may be one whose namespace is not known: folders are applied
    with different ones.
    """

    def __init__(self, manifests: Iterable[Manifest], surroundings: Surroundings) -> None:
        """Take the manifests in the order in which they are applied."""
        self._surroundings = surroundings
        self._last: dict[ObjectKey, Manifest] = {}
        for manifest in manifests:
            if (key := self._key(manifest)) is not None:
                self._last[key] = manifest

    def told(self, result: ObjectResult, manifest: Manifest) -> ObjectResult:
        """Return the result of a manifest, with a warning if a later one replaces it."""
        key = self._key(manifest)
        last = manifest if key is None else self._last[key]
        if last is manifest:
            return result
        there = last.place()
        again = f"{last.path}:{there.line}:{there.column}"
        message = f"it is defined again in {again}, which replaces it and counts; keep one of the two"
        about = About(manifest, f"{result.kind} {result.name}", result.namespace, result.tier)
        finding = about.finding(REPEATED, "warning", "", message)
        return msgspec.structs.replace(result, findings=(*result.findings, finding))

    def _key(self, manifest: Manifest) -> ObjectKey | None:
        kind = kind_of(manifest) if manifest.named else None
        if kind is None or (kind.namespaced and not self._surroundings.namespace_of(manifest)):
            return None
        return self._surroundings.key(manifest)
