"""What stands in the namespaces now, judged by the new tiers as if it were created now, as ``tiergate check`` would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from tiergate.adopt.lines import WIDEST
from tiergate.adopt.reading import Standing
from tiergate.adopt.values import AdoptionPlan
from tiergate.adopt.writing import namespace_document, tier_document
from tiergate.check.engine import Options, check
from tiergate.check.result import NamespaceResult, ObjectResult
from tiergate.check.surroundings import Surroundings
from tiergate.core.messages import shown
from tiergate.core.text import shortened
from tiergate.manifests.documents import Document, Place
from tiergate.manifests.load import Loaded, Manifest

MOST_LINES: Final = 100
"""Lines of a tier; what is above is counted."""
_PLACE: Final = Place(1)
_AROUND: Final = ("RuntimeClass", "Node")


class _Stored(Document):
    """An object of a cluster: it is in no file."""

    def place(self, pointer: str) -> Place:  # noqa: ARG002 - as its base has it
        return _PLACE


_STORED: Final = _Stored()


class Judged(msgspec.Struct):
    """What mode Enforce would say of what stands in a tier: the first lines, and how many more there are."""

    lines: list[str] = []
    more: int = 0

    def say(self, line: str) -> None:
        """Add a line: a cluster may have some for each container."""
        if len(self.lines) < MOST_LINES:
            self.lines.append(line)
        else:
            self.more += 1


class _Words:
    """Puts results into words, by tier, as soon as they are there; the findings are not kept."""

    def __init__(self) -> None:
        self.by_tier = defaultdict[str, Judged](Judged)

    def of_object(self, result: ObjectResult) -> ObjectResult:
        judged = self.by_tier[result.tier]
        for one in result.findings:
            word = "refused" if one.severity == "error" else "warning"
            judged.say(f"{word}  {one.object} in {one.namespace}: {one.message}")
        if result.unproved:
            judged.say(f"unproved  {result.kind} {result.name} in {result.namespace}: {result.unproved}")
        return msgspec.structs.replace(result, findings=())

    def of_namespace(self, result: NamespaceResult) -> None:
        over = [one for one in result.sums if one.steady > one.hard]
        asked = "; ".join(f"{one.resource} {shown(one.steady, one.hard)} of {one.hard}" for one in over)
        if over:
            said = f"waiting  namespace {result.name}: what runs there asks {asked}; some of it waits, as today"
            self.by_tier[result.tier].say(shortened(said, WIDEST))


def judged(plan: AdoptionPlan, standing: Iterable[Standing], *, minor: int) -> Mapping[str, Judged]:
    """Return by tier what it would say in mode Enforce of what stands there, then of its sum in each namespace."""
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
    words = _Words()
    options = Options(minor=minor, rollouts=False, ignores=False)
    for result in check(loaded, surroundings, options, keep=words.of_object).namespaces:
        words.of_namespace(result)
    return words.by_tier


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
