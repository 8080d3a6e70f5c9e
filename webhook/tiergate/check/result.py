"""What a check finds, as data; the formats render it."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

import msgspec

from tiergate.core.quantity import Quantity
from tiergate.manifests.load import Unread

Severity = Literal["error", "warning"]
"""An error would be refused, a warning is told: by the tier's mode, or because it cannot be refused."""
API_VALIDATION: Final = "api-validation"
"""The rule of what the API server itself refuses."""
DIFFERS: Final = "differs-from-option"
"""The rule of a Tier or Namespace in whose place one that an option names counts."""
REPEATED: Final = "defined-again"
"""The rule of an object that the change set defines again later."""
ObjectOutcome = Literal["pass", "fail", "warning", "unproved"]


class ReportedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One finding, in one line. ``pointer`` is the JSON pointer of the value in its object."""

    rule: str
    severity: Severity
    message: str
    path: str
    line: int
    column: int
    pointer: str
    object: str
    namespace: str = ""
    tier: str = ""


class Default(msgspec.Struct, frozen=True):
    """A value that a tier sets: where in the object, and which."""

    pointer: str
    value: str


class Ignored(msgspec.Struct, frozen=True):
    """A rule that an annotation of the object leaves out, with the reason that it gives."""

    rule: str
    reason: str


class ObjectResult(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one object. ``unproved`` says what is not known of it, "" where all is."""

    path: str
    kind: str
    name: str
    namespace: str = ""
    tier: str = ""
    mode: str = ""
    findings: tuple[ReportedFinding, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    defaults: tuple[Default, ...] = ()
    unproved: str = ""

    @property
    def outcome(self) -> ObjectOutcome:
        """What it counts as, the worst first."""
        if any(one.severity == "error" for one in self.findings):
            return "fail"
        if self.findings:
            return "warning"
        return "unproved" if self.unproved else "pass"


class BoundSum(msgspec.Struct, frozen=True, kw_only=True):
    """One bound of a namespace beside what the change set asks of it.

    ``used`` is what others use, None where nobody knows; ``peak`` is the sum while every rollout is at its largest.
    """

    quota: str
    resource: str
    hard: Quantity
    used: Quantity | None
    steady: Quantity
    peak: Quantity


class Room(msgspec.Struct, frozen=True):
    """How many more replicas of an object fit beside the whole change set."""

    object: str
    replicas: int


class NamespaceResult(msgspec.Struct, frozen=True, kw_only=True):
    """The sum of the change set in a namespace of a tier."""

    name: str
    tier: str
    mode: str
    sums: tuple[BoundSum, ...] = ()
    findings: tuple[ReportedFinding, ...] = ()
    room: tuple[Room, ...] = ()
    unproved: tuple[str, ...] = ()

    @property
    def names_quotas(self) -> bool:
        """Whether a bound has to be shown with its quota: there are several."""
        return len({one.quota for one in self.sums}) > 1 or len({one.resource for one in self.sums}) < len(self.sums)

    def worst(self) -> Severity | None:
        """Return the worst severity of the findings about the sum."""
        severities = {one.severity for one in self.findings}
        return "error" if "error" in severities else "warning" if severities else None


class Unproved(msgspec.Struct, frozen=True):
    """So many objects of which something is not known, and the file of the first one."""

    objects: int
    reason: str
    path: str

    @property
    def said(self) -> str:
        """What is to be said of them."""
        return f"{self.objects} object{'' if self.objects == 1 else 's'} unproved: {self.reason}"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a check found.

    Attributes:
        objects: What was judged, in the order of the input.
        namespaces: The sums of governed namespaces that the change set asks something of, by name.
        unread: What could not be read, of manifests as of tiers, namespaces and usage.
        others: How many objects are of a kind that no tier judges.
        files: How many files of manifests were read.
    """

    objects: tuple[ObjectResult, ...]
    namespaces: tuple[NamespaceResult, ...] = ()
    unread: tuple[Unread, ...] = ()
    others: int = 0
    files: int = 0

    @property
    def findings(self) -> tuple[ReportedFinding, ...]:
        """Every finding: of objects, then of namespaces."""
        of_objects = [one for result in self.objects for one in result.findings]
        return (*of_objects, *(one for result in self.namespaces for one in result.findings))

    @property
    def unproved(self) -> list[Unproved]:
        """What is not known, each reason once."""
        found = [one for one in self.objects if one.unproved]
        counts = Counter(one.unproved for one in found)
        first = {one.unproved: one.path for one in reversed(found)}
        return [Unproved(count, reason, first[reason]) for reason, count in counts.items()]

    @property
    def also_unproved(self) -> int:
        """How many objects of another outcome something is not known of."""
        return sum(bool(one.unproved) and one.outcome != "unproved" for one in self.objects)

    def count(self, outcome: ObjectOutcome) -> int:
        """Return how many objects have an outcome."""
        return sum(result.outcome == outcome for result in self.objects)
