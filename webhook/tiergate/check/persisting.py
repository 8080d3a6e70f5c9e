"""Manifests as the cluster would store them: with what the mutating webhook sets."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from tiergate.check.facts import offline
from tiergate.check.judging import ObjectChecker
from tiergate.check.reading import kind_of, subject_of
from tiergate.check.surroundings import Surroundings
from tiergate.core.decide import decide
from tiergate.core.defaults import additions_to, patch
from tiergate.core.jsonpatch import JSONPatchOp
from tiergate.core.podspec import Pod
from tiergate.core.request import Request, workload_of
from tiergate.core.tier import Tier
from tiergate.manifests.documents import Document, ManifestFault
from tiergate.manifests.editing import edited
from tiergate.manifests.load import Manifest, manifests_of

PatchOperations: TypeAlias = tuple[JSONPatchOp, ...]


class Notes(msgspec.Struct):
    """What is said beside the manifests.

    ``set`` counts the objects that get defaults, ``templates`` those whose pods would and whose templates stay as they
    are. ``refused`` and ``unproved`` name objects that would not be stored, or of which that is not known.
    """

    set: int = 0
    templates: int = 0
    refused: list[str] = msgspec.field(default_factory=list)
    unproved: list[str] = msgspec.field(default_factory=list)


class Persister:
    """Sets defaults; ``templates`` also in the templates of workloads, as their pods will get them."""

    def __init__(self, surroundings: Surroundings, *, minor: int, templates: bool) -> None:
        """Take what is known of the cluster, and the release of its server."""
        self.notes = Notes()
        self._surroundings = surroundings
        self._minor = minor
        self._templates = templates
        self._checker = ObjectChecker(surroundings, minor=minor, ignores=False, shows_defaults=False)

    def persisted(self, raw: bytes, path: str) -> bytes:
        """Return the text of a file as its objects would be stored."""

        def additions(document: Document) -> list[JSONPatchOp]:
            try:
                return [one for each in manifests_of(path, document) for one in self._of(each)]
            except ManifestFault:  # told when the file was read
                return []

        return edited(raw, additions)

    def _of(self, manifest: Manifest) -> PatchOperations:
        checked = self._checker.check(manifest, 0)
        if checked is None:
            return ()
        result = checked.result
        where = f"{manifest.path}: {result.kind} {result.name}"
        if result.outcome == "fail":
            self.notes.refused.append(f"{where}: {result.findings[0].message}")
        elif result.unproved and not result.tier:
            self.notes.unproved.append(f"{where}: {result.unproved}")
        operations = self._additions(manifest)
        self.notes.set += bool(operations)
        return tuple(msgspec.structs.replace(one, path=manifest.pointer + one.path) for one in operations)

    def _additions(self, manifest: Manifest) -> PatchOperations:
        kind, namespace = kind_of(manifest), self._surroundings.namespace_of(manifest)
        if kind is None or not kind.namespaced or not self._surroundings.is_mapped(namespace):
            return ()
        subject = subject_of(manifest, kind)
        tier = self._surroundings.of(namespace).tier
        if isinstance(subject, Pod):
            request = Request(
                endpoint="mutate", resource=kind.resource, namespace=namespace, name=manifest.name, user="",
                subject=subject,
            )  # fmt: skip
            facts = offline(self._surroundings.of(namespace), tier, minor=self._minor)
            return decide(request, facts).patch
        workload = workload_of(subject)
        if workload is None or not isinstance(tier, Tier) or tier.mode == "Audit":
            return ()
        return self._of_template(workload.template, tier)

    def _of_template(self, template: Pod, tier: Tier) -> PatchOperations:
        """Return what the pods of a template get; the annotation that says so is theirs alone."""
        operations = tuple(one for one in patch(template, additions_to(template, tier)) if "/metadata" not in one.path)
        if operations and not self._templates:
            self.notes.templates += 1
            return ()
        return operations
