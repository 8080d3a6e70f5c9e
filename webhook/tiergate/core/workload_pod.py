"""The pod that a template becomes, and whether such a pod can run at all (ADR 27)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from tiergate.core import native, prediction, quota_rules, rules
from tiergate.core.authorship import with_author
from tiergate.core.decision import Finding
from tiergate.core.defaults import additions_to, described
from tiergate.core.mode import Effect
from tiergate.core.podspec import Pod
from tiergate.core.quota import Measured
from tiergate.core.quota_bounds import Charged, NamespaceQuotas, charged
from tiergate.core.quota_rules import ObjectCase
from tiergate.core.tier import CLAIM, CONTAINER, amounts_by_field
from tiergate.core.validity import invalid
from tiergate.core.workload import Workload
from tiergate.core.workload_case import WorkloadCase
from tiergate.core.workload_findings import NeverRuns
from tiergate.core.workload_unwritten import by_limit_range, of_refusal

MAX_REFUSED: Final = 200
"""Problems of a pod that are named, or counted; twice as many as an answer lists."""
MOST_COMPARISONS: Final = 3_000
"""Of amounts of LimitRanges with containers and claims, 5 us each: tenants who may write LimitRanges can write many."""
MOST_LOOKUPS: Final = 50_000
"""Of names of quotas with a pod and its claims, up to 0.5 us each: tenants can write many of these as well."""
_OF_A_QUOTA: Final = 5
"""As so many names counts a quota itself."""


class Unit(msgspec.Struct, frozen=True):
    """One pod of a template as it will be admitted, and what it and the claims made with it are charged.

    ``kept`` are the claims of a StatefulSet, which stay when the pod goes.
    """

    pod: Pod
    charges: tuple[Charged, ...]
    kept: tuple[Charged, ...] = ()


def unit_of(workload: Workload, case: WorkloadCase) -> Unit | None:
    """Return the pod that the template becomes and the claims made with it, None where that is not known.

    The caller asks first whether there is `too_much` of the case.

    LimitRanger mutates before our webhook is asked (L-7); on which of two defaults it does so is not defined.
    """
    around, ranges, pod = case.around, case.around.limit_ranges, workload.template
    if ranges is None or not pod.containers or not native.is_defined(pod, ranges):
        return None
    if workload.runtime_class and not pod.overhead:
        overhead = None if around.overheads is None else around.overheads.get(workload.runtime_class)
        if overhead is None:
            return None
        pod = msgspec.structs.replace(pod, overhead=overhead)
    pod = prediction.admitted(native.with_native_defaults(pod, ranges) if ranges else pod, case.tier, minor=case.minor)
    kept = _charges(workload.kept_claims, case) if workload.kept_claims else ()
    return Unit(pod, _charges((pod, *workload.claims), case), kept)


def _charges(made: Sequence[Measured], case: WorkloadCase) -> tuple[Charged, ...]:
    return tuple([charged(one, minor=case.minor) for one in made])


def too_much(case: WorkloadCase) -> str:
    """Say of what there is too much to judge the workload while others wait (ADR 21); "" where there is not.

    Of an update it is the larger of both templates.
    """
    both = [case.workload, *([] if case.old is None else [case.old])]
    claims = max(len(one.claims) + len(one.kept_claims) for one in both)
    judged = {CONTAINER: max(len(one.template.every_container()) for one in both), CLAIM: claims}
    comparisons = sum(
        max(1, judged.get(item.type, 1)) * (1 + sum(len(amounts) for _, amounts in amounts_by_field(item)))
        for one in case.around.limit_ranges or ()
        for item in one.items
    )
    if comparisons > MOST_COMPARISONS:
        what = "the LimitRanges of the namespace are too many for its containers and claims"
        return f"{what}: {comparisons} comparisons, at most {MOST_COMPARISONS} are made"
    lookups = (1 + claims) * sum(_OF_A_QUOTA + len(quota.hard) for quota in case.quotas or ())
    if lookups > MOST_LOOKUPS:
        what = "the ResourceQuotas of the namespace are too many for its claims"
        return f"{what}: {lookups} comparisons, at most {MOST_LOOKUPS} are made"
    return ""


def is_sound(unit: Unit, case: WorkloadCase, quotas: NamespaceQuotas) -> bool:
    """Say whether one look shows that nothing refuses a pod for which quotas have room; False where that takes more."""
    pod, sound = unit.pod, len(unit.charges) == 1 and not case.around.limit_ranges and not unit.pod.pod_level
    return sound and rules.is_in_range(pod, case.tier) and quota_rules.has_required(pod, quotas.quotas)


def never_runs(unit: Unit, case: WorkloadCase, quotas: NamespaceQuotas, *, deny: bool) -> tuple[Finding, ...]:
    """Return what refuses each single pod, or a claim that is made with it, whatever else runs."""
    return tuple(islice(_every_refusal(unit, case, quotas, "deny" if deny else "warn"), MAX_REFUSED))


def never_made(unit: Unit, case: WorkloadCase, quotas: NamespaceQuotas) -> tuple[Finding, ...]:
    """Return what refuses each claim of a StatefulSet.

    It is a warning: where one is there already, a pod uses it as it is.
    """
    found = (refused for asked in unit.kept for refused in _of_claim(asked, case, quotas))
    return tuple(islice(found, MAX_REFUSED))


def _of_claim(asked: Charged, case: WorkloadCase, quotas: NamespaceQuotas) -> Iterator[Finding]:
    name, fixed = asked.subject.name, case.old is not None
    for cause in _refused(asked, case, quotas):
        yield _never(NeverRuns(cause, claim=name, fixed=fixed), "warn")


def _every_refusal(unit: Unit, case: WorkloadCase, quotas: NamespaceQuotas, effect: Effect) -> Iterator[Finding]:
    if case.around.limit_ranges or unit.pod.pod_level:  # a tier's own defaults never make a valid pod invalid
        yield from _not_valid(unit, case, effect)
    for asked in unit.charges:
        for cause in _refused(asked, case, quotas):
            author = of_refusal(cause, unit.pod, case) if isinstance(cause, native.Refusal) else None
            yield _never(NeverRuns(cause, unwritten=author), effect)


def _not_valid(unit: Unit, case: WorkloadCase, effect: Effect) -> Iterator[Finding]:
    """Yield why the API server refuses the pod, for what a LimitRange or a pod-level value adds to the template."""
    for fault in invalid(unit.pod):
        yield _never(NeverRuns(fault, defaulted=bool(case.around.limit_ranges)), effect)


def _refused(asked: Charged, case: WorkloadCase, quotas: NamespaceQuotas) -> Iterator[Finding | native.Refusal]:
    """Yield what refuses a pod or claim."""
    one, tier, minor = asked.subject, case.tier, case.minor
    judged = ObjectCase(one, None, tier, quotas.quotas, 0.0, minor)
    broken = [*rules.out_of_range(one, rules.checks(tier)), *quota_rules.required(judged)]
    if not quotas.allow(asked):
        broken += quota_rules.exceeded(msgspec.structs.replace(judged, quotas=quotas.unused), case.ranges)
    if broken:
        for found in with_author(tuple(broken), _annotated(one, case), None, tier):
            yield by_limit_range(found, case) if case.around.limit_ranges and isinstance(one, Pod) else found
    if case.around.limit_ranges:  # in most namespaces there are none
        yield from native.refusals(one, case.limit_ranges_of_others)


def _never(found: NeverRuns, effect: Effect) -> Finding:
    """Return the finding: that of a rule of ours with all its numbers, else what names the rule and the place."""
    cause = found.cause
    if isinstance(cause, Finding):
        return msgspec.structs.replace(
            cause, rule="workload-never-runs", because=cause.rule, effect=effect, workload=found
        )
    because = cause.rule if isinstance(cause, native.Refusal) else "invalid"
    return Finding("workload-never-runs", cause.pointer, because=because, effect=effect, workload=found, native=True)


def _annotated(one: Measured, case: WorkloadCase) -> Measured:
    """Return a pod with the note of what the tier sets of it, as the pod itself will have it."""
    if not isinstance(one, Pod):
        return one
    sent = prediction.sent(case.template_after_limit_ranges, minor=case.minor)
    additions = additions_to(sent, case.tier)
    return msgspec.structs.replace(one, defaults_annotation=described(additions))
