"""The outcome of a decision as data; text is rendered elsewhere, last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from tiergate.core.jsonpatch import JSONPatchOp
from tiergate.core.lowering import Lowered
from tiergate.core.mode import EFFECTS, Effect, Mode
from tiergate.core.quantity import Quantity
from tiergate.core.tier import ScopeRequirement

if TYPE_CHECKING:
    from tiergate.core.workload_findings import WorkloadFinding

RuleId = Literal[
    "request-min",
    "limit-min",
    "limit-max",
    "request-max",
    "limit-request-ratio",
    "limit-zero",
    "pod-limit-zero",
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
    "malformed",
    "tier-missing",
    "tier-invalid",
    "tier-in-use",
    "tier-assign",
    "namespace-protected",
    "label-tier-missing",
    "label-tier-invalid",
    "label-tier-unchecked",
    "default-derived",
    "max-without-min",
    "default-pod-refused",
    "devices-unbounded",
    "exemption-broad",
    "quota-unmeasured",
    "quota-requests-above-limits",
    "workload-never-runs",
    "workload-does-not-fit",
    "workload-rollout-stalls",
    "workload-unchecked",
]
"""Stable names of what a decision can find: the reasons of ``status.details.causes``."""


FactName = Literal["tier", "quotas", "quota-change", "permissions", "workload", "nodes"]
"""What a decision can ask for: reads from the API server, or to wait until a ResourceQuota changed."""


class Finding(msgspec.Struct, frozen=True):
    """One broken rule, or one thing to warn of.

    ``pointer`` is the JSON pointer of the value to change. ``container`` is the name of the container or
    "" for the object as a whole, ``resource`` the name as written in a quota (``limits.memory``).
    ``actual`` is what was asked (None: nothing), ``bound`` what the tier allows; for quotas ``bound`` is hard,
    ``used`` the usage without this request and ``fits`` the largest amount of the values that ``lowered`` names with
    which the request would pass (for an update not the increase), 0 where there is none. ``limit`` is set for ratios
    only, ``same_request`` where the request is the same as the limit that is out of range, as where only the limit was
    written (D-3), or is above what fits of it, ``by_tier`` where the tier set the value; ``default`` is its default
    then, where it set another value, as the limit is never below the request. ``by_limit_range`` is set where a
    LimitRange of the namespace set the value of a workload's pods.
    ``scopes`` say which objects the quota counts. ``pod_level`` is set for a container's request that has to grow,
    where there is a pod-level one. ``tier``, ``user``, ``namespaces`` and ``item`` (a LimitRange item's type) are what
    the sentence of a finding about a tier or a label needs, ``workload`` what that of one about a workload needs.
    ``because`` is the rule that keeps its pods from running: one of ours, of LimitRanger, or ``invalid`` for the API
    server's own. ``effect`` is the one in mode Enforce; ``native`` is set where what is broken is not the tier's, but a
    ResourceQuota or LimitRange of the namespace or the API server's own rule: it refuses in every mode.
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
    lowered: Lowered = ""
    limit: Quantity | None = None
    same_request: bool = False
    by_tier: bool = False
    by_limit_range: bool = False
    default: Quantity | None = None
    scopes: tuple[ScopeRequirement, ...] = ()
    pod_level: Quantity | None = None
    quota: str = ""
    detail: str = ""
    because: str = ""
    workload: WorkloadFinding | None = None
    tier: str = ""
    user: str = ""
    namespaces: tuple[str, ...] = ()
    item: str = ""
    effect: Effect = "deny"
    native: bool = False

    @property
    def reason(self) -> str:
        """The rule, with the one behind it: ``workload-never-runs/limit-max``."""
        return f"{self.rule}/{self.because}" if self.because else self.rule


class Decision(msgspec.Struct, frozen=True):
    """The complete outcome; the patch only counts when allowed.

    Attributes:
        findings: In the order in which they are reported.
        patch: The defaults, as JSONPatch operations.
        tier: The tier that was decided under; "" where none governs the object.
        mode: The mode of that tier.
        governed: Whether the object is in a namespace of a tier.
        exempt: Which user or group the tier exempts, so that the request is allowed.
        defaults: What mode Audit would set in Warn and Enforce.
        unchecked: The tier's quotas were left out because the usage was not known.
        needs_fresh: A fact to be read from the API server before this decision counts: the caller reads it and
            decides again.
        optional: The fresh fact can be done without: where it cannot be read, the decision without it counts.
    """

    findings: tuple[Finding, ...] = ()
    patch: tuple[JSONPatchOp, ...] = ()
    tier: str = ""
    mode: Mode = "Enforce"
    governed: bool = True
    exempt: str = ""
    defaults: str = ""
    unchecked: bool = False
    needs_fresh: FactName | None = None
    optional: bool = False

    @property
    def effect(self) -> Effect:
        """What becomes of a violation, and of what is said beside the findings."""
        return EFFECTS[self.mode]

    def effect_of(self, finding: Finding) -> Effect:
        """Return what a finding does in this mode. Nothing else decides what a mode makes of a finding."""
        return finding.effect if self.mode == "Enforce" else self.effect

    def lifts(self, finding: Finding) -> bool:
        """Say whether the mode alone keeps a finding from refusing the object."""
        return self.mode != "Enforce" and finding.effect == "deny"

    @property
    def violations(self) -> tuple[Finding, ...]:
        """The findings for which mode Enforce refuses the object."""
        return tuple([finding for finding in self.findings if finding.effect == "deny"])

    @property
    def allowed(self) -> bool:
        """Whether the object may pass."""
        return not self.findings or self.mode != "Enforce" or not self.violations


UNGOVERNED: Final = Decision(governed=False)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a document or a policy: where (JSON pointer) and why."""

    pointer: str
    reason: str
