"""What an explanation of a rule is made of."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tiergate.core.decision import Finding, RuleId
from tiergate.core.quantity import Quantity

HARD: Final = "hard in spec.quotas of the Tier, kept as ResourceQuota in each of its namespaces; other ResourceQuotas"
"""Where the bounds of quotas come from."""
REFUSES: Final = "refuses in mode Enforce, warns in Warn, records in Audit"
ALWAYS: Final = "refuses in every mode"
WARNS: Final = "warns"
WARNS_BY_MODE: Final = "warns, in mode Audit records"
"""Of what the mode of a tier is applied to, as it is not to rules about tiers and labels."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is a rule.

    Attributes:
        what: What it asks, in half a sentence.
        why: What goes wrong without it.
        passes: What would pass.
        bounds: Where the bounds come from.
        example: A finding that the registry puts into words; the words themselves where it has no such rule.
        namespace: Where that is found.
        of: What it judges, where the checks of the registry do not say it.
        does: What follows where it is broken, if the effect of the rule does not say it.
    """

    what: str
    why: str
    passes: str
    bounds: str
    example: Finding | str
    namespace: str = "dev"
    of: str = ""
    does: str = ""


def found(rule: RuleId, resource: str = "", *, same_request: bool = False, **texts: str) -> Finding:
    """Return an example of a finding; amounts are texts."""
    amounts = ("actual", "bound", "used", "fits", "limit")
    fields: dict[str, Any] = {name: Quantity.parse(text) if name in amounts else text for name, text in texts.items()}
    return Finding(rule, "", resource=resource, same_request=same_request, **fields)


def field(kind: str, name: str) -> str:
    """Return where a bound of the tier is."""
    return f"{name} of the item of type {kind} in spec.limits of the Tier: kubectl get tier NAME -o yaml"
