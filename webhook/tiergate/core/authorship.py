"""Whether a value that is out of range was written in the object, or set by the tier."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from tiergate.core import defaults
from tiergate.core.claim import Claim
from tiergate.core.decision import Finding, RuleId
from tiergate.core.podspec import Pod

_OF_REQUEST: Final[dict[RuleId, RuleId]] = {"limit-min": "request-min", "limit-max": "request-max"}


def with_author(findings: tuple[Finding, ...], subject: Pod | Claim) -> tuple[Finding, ...]:
    """Mark the findings about a value that the tier set and nobody wrote."""
    if not findings or not isinstance(subject, Pod) or subject.defaults_annotation is None:
        return findings
    ours = defaults.named_in(subject.defaults_annotation)
    return tuple([_by_tier(one, ours) if (one.container, one.resource) in ours else one for one in findings])


def _by_tier(finding: Finding, ours: Collection[tuple[str, str]]) -> Finding:
    """Return the finding with the tier as the author, or about the request that a default limit was raised to."""
    request = finding.resource.replace("limits.", "requests.", 1)
    if not finding.same_request or (finding.container, request) in ours:
        return msgspec.structs.replace(finding, by_tier=True)
    return msgspec.structs.replace(
        finding,
        rule=_OF_REQUEST[finding.rule],
        pointer=finding.pointer.replace("/limits/", "/requests/"),
        resource=request,
        same_request=False,
    )
