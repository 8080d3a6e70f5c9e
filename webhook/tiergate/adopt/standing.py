"""What stands in the namespaces now, judged by the new tiers as if it were created now, as ``tiergate check`` would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from tiergate.adopt.reading import Standing
from tiergate.adopt.values import AdoptionPlan
from tiergate.adopt.writing import namespace_document, tier_document
from tiergate.check.engine import Options, check
from tiergate.check.result import ObjectResult, Report
from tiergate.check.surroundings import Surroundings
from tiergate.manifests.documents import Document, Place
from tiergate.manifests.load import Loaded, Manifest

MOST_FINDINGS: Final = 100
"""Findings of a tier that are listed one by one."""
_PLACE: Final = Place(1)
_AROUND: Final = ("RuntimeClass", "Node")


class _Stored(Document):
    """An object of a cluster: it is in no file."""

    def place(self, pointer: str) -> Place:  # noqa: ARG002 - as its base has it
        return _PLACE


_STORED: Final = _Stored()


class Judged(msgspec.Struct):
    """What the tiers say: as many findings of each as are listed, and how many more there are."""

    report: Report
    more: Counter[str]


class _Kept:
    """Keeps the first findings of each tier and counts the others: a cluster may have some for each container."""

    def __init__(self) -> None:
        self.more = Counter[str]()
        self._kept = Counter[str]()

    def __call__(self, result: ObjectResult) -> ObjectResult:
        room = max(MOST_FINDINGS - self._kept[result.tier], 0)
        kept = result.findings[:room]
        self._kept[result.tier] += len(kept)
        self.more[result.tier] += len(result.findings) - len(kept)
        return msgspec.structs.replace(result, findings=kept)


def judged(plan: AdoptionPlan, standing: Iterable[Standing], *, minor: int) -> Judged:
    """Return what the tiers would say in mode Enforce of what stands there, and of its sum in each namespace."""
    surroundings = Surroundings(usage="none")
    around: list[Manifest] = []
    for one in plan.tiers:
        enforced = msgspec.structs.replace(one.tier, mode="Enforce")
        around.append(_manifest(tier_document(enforced)))
        around += [_manifest(namespace_document(name, one.tier.name)) for name in one.namespaces]
    objects = [_of(one) for one in standing]
    around += [one for one in objects if one.kind in _AROUND]
    surroundings.add(around, named=True)
    loaded = Loaded([one for one in objects if one.kind not in _AROUND], [])
    kept = _Kept()
    report = check(loaded, surroundings, Options(minor=minor, rollouts=False, ignores=False), keep=kept)
    return Judged(report, kept.more)


def _of(one: Standing) -> Manifest:
    return Manifest(
        path="",
        document=_STORED,
        api_version=one.api_version,
        kind=one.kind,
        namespace=one.namespace,
        name=one.name,
        named=True,
        raw=one.raw,
    )


def _manifest(document: Mapping[str, Any]) -> Manifest:
    return Manifest(
        path="",
        document=_STORED,
        api_version=document["apiVersion"],
        kind=document["kind"],
        name=document["metadata"]["name"],
        named=True,
        raw=msgspec.json.encode(document),
    )
