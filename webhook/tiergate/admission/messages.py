"""Violations as the sentences kubectl prints: what, where, asked, allowed, and the smallest way out.

A message never contains another namespace's object names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tiergate.core.decision import Fault, RuleId, Violation
from tiergate.core.quantity import ZERO, Quantity
from tiergate.wire.malformed import shortened

_CHANGEABLE: Final = frozenset({"requests", "limits", "cpu", "memory", "ephemeral-storage"})
"""What a quota name starts with when the object's author can ask for less of it."""
COMFORTABLE: Final = 120
"""Characters a warning should not have more of (A-54)."""


def headline(*, kind: str, name: str, namespace: str, tier: str) -> str:
    """Return the first line of a denial: which object, where, under which tier."""
    noun = "persistentvolumeclaim" if kind == "persistentvolumeclaims" else "pod"
    verb = "resize of " if kind.endswith("/resize") else ""
    of_tier = f" (tier {tier})" if tier else ""
    return f'{verb}{noun} "{shortened(name)}" in namespace "{namespace}"{of_tier}:'


def sentence(violation: Violation, *, namespace: str) -> str:
    """Return the one line that says what is wrong and what would be right."""
    return _SENTENCES[violation.rule](violation, namespace)


def warning(violation: Violation, *, namespace: str, tier: str) -> str:
    """Return the line that says what mode Enforce would refuse; without the way out where it would get too long."""
    told = f'would violate tier "{tier}": {sentence(violation, namespace=namespace)}'
    if len(told) <= COMFORTABLE:
        return told
    fact, way_out, _ = told.rpartition("; ")
    return fact if way_out else told


def unchecked_sentence(tier: str) -> str:
    """Return the line that says why nothing is said about quotas."""
    return f'quotas of tier "{tier}" were not checked: the usage in the namespace is not known yet'


def malformed_sentence(fault: Fault) -> str:
    """Return the line for a value that cannot be read."""
    return f"{shortened(fault.pointer) or 'object'}: {shortened(fault.reason)}"


def _where(violation: Violation) -> str:
    if violation.rule in ("claim-min", "claim-max"):
        return "claim"
    if not violation.container:
        return "pod"
    return f'{"init container" if violation.init else "container"} "{shortened(violation.container)}"'


def _too_small(violation: Violation, _namespace: str) -> str:
    return _bounded(violation, "asks for at least", "more")


def _too_large(violation: Violation, _namespace: str) -> str:
    return _bounded(violation, "allows at most", "less")


def _bounded(violation: Violation, allows: str, direction: str) -> str:
    name, bound = violation.resource, violation.bound
    actual = "not set" if violation.actual is None else violation.actual
    return f"{_where(violation)}: {name} is {actual}, the tier {allows} {bound}; set {name} to {bound} or {direction}"


def _zero_limit(violation: Violation, _namespace: str) -> str:
    name, bound = violation.resource, violation.bound
    return (
        f"{_where(violation)}: {name} is 0, which means no limit, the tier allows at most {bound}; "
        f"set {name} above 0 and to {bound} or less, or leave it out"
    )


def _ratio(violation: Violation, _namespace: str) -> str:
    name = violation.resource
    limit_name = name.replace("requests.", "limits.", 1)
    if not violation.actual or not violation.limit:
        missing = name if not violation.actual else limit_name
        return (
            f"{_where(violation)}: {missing} is not set or 0, the tier allows {limit_name} / {name} "
            f"at most {violation.bound}; set {missing}"
        )
    least = _request_for(violation.limit, violation.bound or ZERO)
    return (
        f"{_where(violation)}: {limit_name} / {name} is {violation.limit} / {violation.actual}, "
        f"the tier allows at most {violation.bound}; raise {name} to {least} or lower {limit_name}"
    )


def _request_for(limit: Quantity, ratio: Quantity) -> Quantity:
    """Return the smallest request, in milli, that keeps the ratio under the limit."""
    nano = -(-limit.nano * 10**9 // ratio.nano)
    return Quantity(nano, limit.format).rounded_up(10**6)


def _required(violation: Violation, _namespace: str) -> str:
    return (
        f'quota "{violation.quota}": {_where(violation)} has no {violation.resource}, '
        f"which the quota counts; set {violation.resource}"
    )


def _exceeded(violation: Violation, namespace: str) -> str:
    asked, used, hard = violation.actual or ZERO, violation.used or ZERO, violation.bound or ZERO
    over = used + asked - hard
    free = f"free {over} in {namespace}"
    return (
        f'quota "{violation.quota}": {violation.resource} asks {asked}, used {used} of {hard}, over by {over}; '
        f"{_fix(violation)}{free}"
    )


def _fix(violation: Violation) -> str:
    name, fits = violation.resource, violation.fits or ZERO
    if fits <= ZERO:
        return ""
    if name.endswith("requests.storage"):
        return f"set requests.storage to {fits} or less, or "
    if name.partition(".")[0] not in _CHANGEABLE:
        return ""
    if violation.container:
        return f"set {name} to {fits} or less, or "
    return f"lower {name} of all its containers together to {fits} or less, or "


def _pending(violation: Violation, namespace: str) -> str:
    return f'quota "{violation.quota}" is being set up in {namespace}; try again in a moment'


def _no_tier(violation: Violation, namespace: str) -> str:
    return (
        f'the label tiergate.io/tier of namespace "{namespace}" names "{shortened(violation.detail)}", '
        "and there is no such tier; create it or correct the label"
    )


def _bad_tier(violation: Violation, _namespace: str) -> str:
    return f"tier {shortened(violation.detail)}; correct the tier"


_SENTENCES: Final[dict[RuleId, Callable[[Violation, str], str]]] = {
    "request-min": _too_small,
    "limit-min": _too_small,
    "limit-max": _too_large,
    "request-max": _too_large,
    "limit-request-ratio": _ratio,
    "limit-zero": _zero_limit,
    "pod-request-min": _too_small,
    "pod-limit-min": _too_small,
    "pod-limit-max": _too_large,
    "pod-request-max": _too_large,
    "pod-limit-request-ratio": _ratio,
    "claim-min": _too_small,
    "claim-max": _too_large,
    "quota-required": _required,
    "quota-exceeded": _exceeded,
    "quota-pending": _pending,
    "tier-missing": _no_tier,
    "tier-invalid": _bad_tier,
}
