"""A report as JSON, by the schema in docs/check.schema.json."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tiergate.check.escaping import json_text
from tiergate.check.result import NamespaceResult, ObjectResult, Report
from tiergate.core.messages import brief

VERSION: Final = 1
"""Of the format: a field that goes or changes its meaning raises it, a new one does not."""


def render(report: Report) -> str:
    """Return the report as JSON text."""
    document = {
        "version": VERSION,
        "summary": {
            "objects": len(report.objects),
            "files": report.files,
            "pass": report.count("pass"),
            "fail": report.count("fail"),
            "warning": report.count("warning"),
            "unproved": report.count("unproved"),
            "others": report.others,
        },
        "findings": [msgspec.structs.asdict(one) for one in report.findings],
        "objects": [_object(one) for one in report.objects],
        "namespaces": [_namespace(one) for one in report.namespaces],
        "unread": [
            {
                "path": one.path,
                "reason": one.reason,
                "line": one.place.line if one.place else None,
                "column": one.place.column if one.place else None,
            }
            for one in report.unread
        ],
    }
    return json_text(document)


def _object(result: ObjectResult) -> dict[str, Any]:
    return {
        "kind": result.kind,
        "name": result.name,
        "namespace": result.namespace,
        "tier": result.tier,
        "mode": result.mode,
        "path": result.path,
        "outcome": result.outcome,
        "unproved": result.unproved,
        "defaults": {one.pointer: one.value for one in result.defaults},
        "ignored": {one.rule: one.reason for one in result.ignored},
    }


def _namespace(result: NamespaceResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "tier": result.tier,
        "mode": result.mode,
        "unproved": list(result.unproved),
        "quotas": [
            {
                "quota": one.quota,
                "resource": one.resource,
                "hard": brief(one.hard),
                "used": None if one.used is None else brief(one.used),
                "steady": brief(one.steady),
                "peak": brief(one.peak),
            }
            for one in result.sums
        ],
        "room": {one.object: one.replicas for one in result.room},
    }
