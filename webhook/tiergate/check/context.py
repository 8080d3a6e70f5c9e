"""An object as it is judged, and how a finding about it is reported."""

from __future__ import annotations

import msgspec

from tiergate.check.about import About
from tiergate.check.reading import is_unstorable
from tiergate.check.result import API_VALIDATION, ReportedFinding, Severity
from tiergate.check.surroundings import NamespaceSurroundings
from tiergate.core.decision import Decision, Fault, Finding
from tiergate.core.prediction import Prediction
from tiergate.core.request import Subject
from tiergate.core.rules import sentence
from tiergate.core.text import shortened
from tiergate.manifests.load import Manifest
from tiergate.wire.kinds import Kind


class ObjectContext(msgspec.Struct, frozen=True):
    """An object as it is judged.

    ``stored`` is the one that it replaces, as the cluster has it, ``predicted`` what becomes of a pod in a tier.
    """

    manifest: Manifest
    kind: Kind
    namespace: str
    subject: Subject
    surroundings: NamespaceSurroundings
    index: int
    stored: Subject | None = None
    predicted: Prediction | None = None

    @property
    def what(self) -> str:
        """What a sentence calls it."""
        return f"{self.kind.noun} {shortened(self.manifest.name) or 'without a name'}"

    def about(self, decision: Decision) -> About:
        """Return what findings are about: the object, and the tier of its decision."""
        return About(self.manifest, self.what, self.namespace if self.kind.namespaced else "", decision.tier)

    def reported(self, finding: Finding, decision: Decision) -> ReportedFinding:
        """Return a finding of the decision as it is reported."""
        refused = decision.effect_of(finding) == "deny" or is_unstorable(self.subject)
        severity: Severity = "error" if refused else "warning"
        said = sentence(finding, namespace=self.namespace, mode=decision.mode)
        return self.about(decision).finding(finding.reason, severity, finding.pointer, said)

    def refused(self, fault: Fault, decision: Decision) -> ReportedFinding:
        """Return a finding that says what the API server itself refuses."""
        said = f"the API server refuses {fault.pointer}: {fault.reason}"
        return self.about(decision).finding(API_VALIDATION, "error", fault.pointer, said)
