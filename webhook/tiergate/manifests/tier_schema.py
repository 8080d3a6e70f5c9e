"""What only the definition of Tier refuses, as the API server does before any webhook is asked.

The readers of Tiers are more lenient: what is stored has passed the definition, and no replica must lose a tier for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tiergate.core.decision import Fault
from tiergate.core.jsonpatch import escape

AMOUNTS: Final = ("default", "defaultRequest", "min", "max", "maxLimitRequestRatio")
MAX_AMOUNT: Final = 32
"""Characters of an amount."""
MAX_SCOPE_VALUES: Final = 64
MAX_SCOPE_VALUE: Final = 253
"""Characters of one."""
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def beyond_schema(spec: Any) -> Iterator[Fault]:  # noqa: ANN401  # any value of JSON
    """Yield what the definition refuses in a spec whose types are right; others are told by its reader."""
    spec = _members(spec)
    if spec.get("workloads") == "":
        yield Fault("/spec/workloads", 'write "Warn", "Enforce" or "Ignore", or leave it out')
    for index, item in enumerate(_entries(spec.get("limits"))):
        for field in AMOUNTS:
            yield from _amounts(_members(item).get(field), f"/spec/limits/{index}/{field}")
    for index, quota in enumerate(_entries(spec.get("quotas"))):
        yield from _quota(_members(quota), f"/spec/quotas/{index}")
    for field, names in _members(spec.get("exemptions")).items():
        for index, name in enumerate(_entries(names)):
            if name == "":
                yield Fault(f"/spec/exemptions/{field}/{index}", "an empty name")


def _quota(quota: dict[str, Any], where: str) -> Iterator[Fault]:
    name = quota.get("name")
    if not name:
        yield Fault(where, "a quota needs a name")
    elif isinstance(name, str) and not _NAME.fullmatch(name):
        yield Fault(f"{where}/name", "at most 63 of a-z, 0-9 and -, with a letter or digit at both ends")
    if not quota.get("hard"):
        yield Fault(where, "a quota needs a bound in hard")
    yield from _amounts(quota.get("hard"), f"{where}/hard")
    selector = _members(quota.get("scopeSelector"))
    for index, one in enumerate(_entries(selector.get("matchExpressions"))):
        values = _entries(_members(one).get("values"))
        if len(values) > MAX_SCOPE_VALUES or any(len(str(value)) > MAX_SCOPE_VALUE for value in values):
            reason = f"at most {MAX_SCOPE_VALUES} values of at most {MAX_SCOPE_VALUE} characters"
            yield Fault(f"{where}/scopeSelector/matchExpressions/{index}/values", reason)


def _amounts(amounts: Any, where: str) -> Iterator[Fault]:  # noqa: ANN401  # any value of JSON
    for name, amount in _members(amounts).items():
        if isinstance(amount, float) and not amount.is_integer():
            yield Fault(f"{where}/{escape(name)}", f'a number with a fraction; write it as text: "{amount}"')
        elif isinstance(amount, str) and len(amount) > MAX_AMOUNT:
            yield Fault(f"{where}/{escape(name)}", f"an amount has at most {MAX_AMOUNT} characters")


def _members(value: Any) -> dict[str, Any]:  # noqa: ANN401  # any value of JSON
    return value if isinstance(value, dict) else {}


def _entries(value: Any) -> list[Any]:  # noqa: ANN401  # any value of JSON
    return value if isinstance(value, list) else []
