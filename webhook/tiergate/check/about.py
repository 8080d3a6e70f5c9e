"""What a finding is about, and the one way to say where in a file it is."""

from __future__ import annotations

import msgspec

from tiergate.check.result import ReportedFinding, Severity
from tiergate.core.text import printable, shortened
from tiergate.manifests.load import Manifest


class About(msgspec.Struct, frozen=True):
    """An object of a manifest: ``what`` a sentence calls it, and the tier by which it is judged."""

    manifest: Manifest
    what: str
    namespace: str
    tier: str

    def finding(self, rule: str, severity: Severity, pointer: str, message: str) -> ReportedFinding:
        """Return a finding at a place of the object."""
        place = self.manifest.place(pointer)
        return ReportedFinding(
            rule=rule,
            severity=severity,
            message=printable(message),
            path=self.manifest.path,
            line=place.line,
            column=place.column,
            pointer=printable(pointer),
            object=self.what,
            namespace=shortened(self.namespace),
            tier=shortened(self.tier),
        )
