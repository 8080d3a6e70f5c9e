"""Every finding of a report as the formats of other tools take it: what cannot be read is a finding too."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tiergate.check.result import Report, Severity
from tiergate.check.rule_texts import UNREADABLE


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. A file as a whole has line and column 1; ``object`` is "" for what is no object."""

    rule: str
    severity: Severity
    message: str
    path: str
    line: int
    column: int
    object: str = ""
    namespace: str = ""

    @property
    def where(self) -> str:
        """The object in its namespace."""
        return f"{self.object} in {self.namespace}" if self.namespace else self.object

    @property
    def said(self) -> str:
        """The message with the object that it is about."""
        return f"{self.where}: {self.message}" if self.object else self.message


def problems(report: Report) -> Iterator[Problem]:
    """Yield what could not be read, then the findings of objects and of namespaces."""
    for one in report.unread:
        line, column = (one.place.line, one.place.column) if one.place else (1, 1)
        yield Problem(rule=UNREADABLE, severity="error", message=one.reason, path=one.path, line=line, column=column)
    for finding in report.findings:
        yield Problem(
            rule=finding.rule,
            severity=finding.severity,
            message=finding.message,
            path=finding.path,
            line=finding.line,
            column=finding.column,
            object=finding.object,
            namespace=finding.namespace,
        )
