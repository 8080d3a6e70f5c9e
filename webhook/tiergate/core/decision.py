"""The outcome of a decision as data; text is rendered elsewhere, last."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from tiergate.core.jsonpatch import JSONPatchOp
from tiergate.core.mode import Mode
from tiergate.core.quantity import Quantity

RuleId = Literal[
    "request-min",
    "limit-min",
    "limit-max",
    "request-max",
    "limit-request-ratio",
    "limit-zero",
    "pod-request-min",
    "pod-limit-min",
    "pod-limit-max",
    "pod-request-max",
    "pod-limit-request-ratio",
    "claim-min",
    "claim-max",
    "quota-required",
    "quota-exceeded",
    "quota-pending",
    "tier-missing",
    "tier-invalid",
]

ON_USAGE: Final[frozenset[RuleId]] = frozenset({"quota-required", "quota-exceeded", "quota-pending"})
"""Rules whose refusal rests on cached usage, so that it is read once more before anybody is refused."""


class Violation(msgspec.Struct, frozen=True):
    """One broken rule.

    ``pointer`` is the JSON pointer of the value to change. ``container`` is the name of the container or
    "" for the object as a whole, ``resource`` the name as written in a quota (``limits.memory``).
    ``actual`` is what was asked (None: nothing), ``bound`` what the tier allows; for quotas ``bound`` is
    hard, ``used`` the usage without this request and ``fits`` the largest amount that would pass (for an
    update not the increase). ``limit`` is set for ratios only.
    """

    rule: RuleId
    pointer: str
    container: str = ""
    init: bool = False
    resource: str = ""
    actual: Quantity | None = None
    bound: Quantity | None = None
    used: Quantity | None = None
    fits: Quantity | None = None
    limit: Quantity | None = None
    quota: str = ""
    detail: str = ""


class Decision(msgspec.Struct, frozen=True):
    """The complete outcome; the patch only counts when allowed.

    Violations refuse in mode Enforce only; in Warn and Audit the answer tells of them. ``defaults`` says in Audit what
    would be set in Warn and Enforce. ``exempt`` names the user or group whose exemption allowed the request.
    ``unchecked`` says that the tier's quotas were left out because the usage was not known.
    """

    violations: tuple[Violation, ...] = ()
    patch: tuple[JSONPatchOp, ...] = ()
    warnings: tuple[str, ...] = ()
    exempt: str = ""
    mode: Mode = "Enforce"
    defaults: str = ""
    unchecked: bool = False

    @property
    def allowed(self) -> bool:
        """Whether the object may pass."""
        return not self.violations or self.mode != "Enforce"

    @property
    def rests_on_usage(self) -> bool:
        """Whether some refusal would be another with later usage."""
        return any(violation.rule in ON_USAGE for violation in self.violations)

    @property
    def pending(self) -> bool:
        """Whether a quota of the tier is not in force yet, so that waiting may help."""
        return any(violation.rule == "quota-pending" for violation in self.violations)


ALLOW: Final = Decision()


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a policy: where (JSON pointer) and why."""

    pointer: str
    reason: str
