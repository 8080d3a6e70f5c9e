"""Whether a label selector of an object selects labels, as the API server decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Say whether a LabelSelector as stored selects these labels; none and an empty one select everything."""
    selector = selector or {}
    equal = (labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return all(equal) and all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Say whether one requirement holds; of an operator that Kubernetes does not have it never does."""
    value, values = labels.get(expression.get("key", "")), expression.get("values") or ()
    return {
        "In": value is not None and value in values,
        "NotIn": value is None or value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }.get(str(expression.get("operator")), False)
