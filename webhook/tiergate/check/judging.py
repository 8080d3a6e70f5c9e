"""One object through the one decision, as the webhook would be asked about it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tiergate.check.change_set import Part
from tiergate.check.context import ObjectContext
from tiergate.check.facts import left_alone, offline
from tiergate.check.ignoring import NEVER, ignored_rules
from tiergate.check.parts import part_of
from tiergate.check.reading import kind_of, subject_of, unserved
from tiergate.check.result import DIFFERS, Default, Ignored, ObjectResult, ReportedFinding
from tiergate.check.surroundings import Surroundings, without_objects
from tiergate.check.unchanged import as_counted, as_stored, change_of
from tiergate.check.without_tier import of_pods
from tiergate.core.claim import Claim
from tiergate.core.decide import decide
from tiergate.core.decision import Decision, Fault, Finding
from tiergate.core.defaults import Additions, additions_to, described
from tiergate.core.jsonpatch import escape
from tiergate.core.podspec import Container, Pod
from tiergate.core.prediction import Prediction, predicted
from tiergate.core.quota_bounds import NamespaceQuotas
from tiergate.core.request import LabelChange, Request, Subject, TierChange, Unreadable, WorkloadChange, workload_of
from tiergate.core.rules import sentence
from tiergate.core.text import printable, shortened
from tiergate.core.tier import CLAIM, Tier
from tiergate.core.validity import invalid, invalid_template
from tiergate.manifests.load import Manifest
from tiergate.manifests.tiers import schema_faults
from tiergate.wire.kinds import Kind


class Checked(msgspec.Struct, frozen=True):
    """The result of an object, and its part in the sum of its namespace, if it has one."""

    result: ObjectResult
    part: Part | None = None


class ObjectChecker:
    """Judges objects in their surroundings, on a server of release 1.``minor``."""

    def __init__(self, surroundings: Surroundings, *, minor: int, ignores: bool, shows_defaults: bool) -> None:
        """Take also whether annotations may leave rules out, and whether the defaults are asked for."""
        self._surroundings = surroundings
        self._minor = minor
        self._ignores = ignores
        self._shows_defaults = shows_defaults

    def check(self, manifest: Manifest, index: int) -> Checked | None:
        """Return what becomes of an object, None for a kind that no tier judges; ``index`` is that of its result."""
        kind = kind_of(manifest)
        if kind is None:
            return None
        namespace = self._surroundings.namespace_of(manifest) if kind.namespaced else manifest.name
        if (fault := unserved(manifest, kind)) is not None:
            return Checked(self._refused(manifest, kind, fault, namespace))
        subject = subject_of(manifest, kind)
        if isinstance(subject, Unreadable) and not kind.namespaced:
            return Checked(self._unreadable(manifest, kind, subject))
        surroundings = self._surroundings.of(namespace) if kind.namespaced else without_objects(None)
        stored = self._surroundings.stored.subject(self._surroundings.key(manifest)) if manifest.named else None
        subject, pod = as_counted(subject, stored, manifest.raw), None
        if isinstance(subject, Pod) and isinstance(surroundings.tier, Tier):
            pod = predicted(subject, surroundings.tier, minor=self._minor)
        context = ObjectContext(manifest, kind, namespace, subject, surroundings, index, stored, pod)
        if isinstance(subject, LabelChange | TierChange):
            decision = self._of_cluster(context, subject)
            return Checked(self._result(context, decision, "", tuple(self._as_written(context, decision))))
        if not self._surroundings.is_mapped(namespace):
            return Checked(self._result(context, Decision(governed=False), _unmapped(namespace)))
        return self._governed(context)

    def _governed(self, context: ObjectContext) -> Checked:
        tier = context.surroundings.tier
        subject, decision, unproved = self._decided(context)
        if not isinstance(tier, Tier):
            return Checked(self._result(context, *of_pods(context.subject, tier, decision)))
        if not decision.governed:
            return Checked(self._result(context, decision))
        part, unknown = part_of(context, subject, tier, minor=self._minor)
        said = any(one.because == "invalid" for one in decision.findings)  # of what a LimitRange makes of it
        faults = () if said else _refused_by_server(subject, part)
        refused = tuple(context.refused(one, decision) for one in faults)
        unproved = unknown or left_alone(subject, tier) or unproved or self._usage_unproved(context, part, decision)
        defaults = _defaults(context, tier) if self._shows_defaults and not decision.exempt else ()
        return Checked(self._result(context, decision, unproved, refused, defaults=defaults), part)

    def _decided(self, context: ObjectContext) -> tuple[Subject, Decision, str]:
        """Return what was decided on, the decision, and what is not known of it."""
        subject, tier, running = context.subject, context.surroundings.tier, workload_of(context.stored)
        if isinstance(subject, Pod) and isinstance(tier, Tier) and context.predicted is not None:
            if isinstance(context.stored, Pod):  # an update, which changes no amounts
                return subject, Decision(tier=tier.name, mode=tier.mode), ""
            return subject, self._decision(context, _with_defaults(subject, context.predicted, tier)), ""
        workload = workload_of(subject)
        if workload is None or running is None:
            return subject, self._decision(context, subject), ""
        asked = WorkloadChange(workload, running)
        change, decision = change_of(workload, running), self._decision(context, asked)
        if change == "changed":
            return asked, decision, ""
        kept = WorkloadChange(as_stored(workload, running), running)
        if change == "unchanged" or not decision.findings:
            return kept, self._decision(context, kept), ""
        said = sentence(decision.findings[0], namespace=context.namespace, mode=decision.mode)
        unproved = f"whether its template changes is not known without images; if it does: {said}"
        return kept, self._decision(context, kept), unproved

    def _decision(self, context: ObjectContext, subject: Subject) -> Decision:
        facts = offline(context.surroundings, context.surroundings.tier, minor=self._minor)
        return decide(self._request(context, subject), facts)

    def _usage_unproved(self, context: ObjectContext, part: Part | None, decision: Decision) -> str:
        """Return that a quota counts the object and its usage is not known."""
        tier, stored, name = context.surroundings.tier, self._surroundings.stored, context.manifest.name
        if isinstance(context.subject, Claim) and stored.may_have(CLAIM, namespace=context.namespace, name=name):
            return "whether the claim is there already, and counted, is not known: it may not be read"
        if context.surroundings.known or part is None or not isinstance(tier, Tier) or decision.exempt or not part.pods:
            return ""
        unit, minor = (*part.unit, *part.kept_claims), self._minor
        counted = next(NamespaceQuotas(context.surroundings.quotas, tier, minor).asked(unit), None)
        return unknown_usage(context.namespace, tier) if counted else ""

    def _of_cluster(self, context: ObjectContext, change: LabelChange | TierChange) -> Decision:
        """Decide on a Namespace or Tier; whoever applies it is taken for permitted."""
        label = change.after if isinstance(change, LabelChange) else None
        tier = self._surroundings.tier(label) if label else None
        permitted = frozenset({label} if label is not None else ())
        facts = offline(without_objects(tier), tier, minor=self._minor, permitted=permitted)
        return decide(self._request(context, change), facts)

    def _as_written(self, context: ObjectContext, decision: Decision) -> Iterator[ReportedFinding]:
        """Yield what is wrong with a Namespace or Tier as the input has it."""
        if isinstance(context.subject, TierChange):
            for one in schema_faults(context.manifest.raw):
                yield context.refused(one, decision)
        if (other := self._surroundings.differing(context.manifest)) is not None:
            yield context.about(decision).finding(DIFFERS, "warning", other.pointer, other.reason)

    def _request(self, context: ObjectContext, subject: Subject) -> Request:
        return Request(
            endpoint=context.kind.endpoint,
            resource=context.kind.resource,
            namespace=context.namespace,
            name=context.manifest.name,
            user="",
            subject=subject,
            old=context.stored if isinstance(context.stored, Claim) else None,
        )

    def _unreadable(self, manifest: Manifest, kind: Kind, subject: Unreadable) -> ObjectResult:
        findings = tuple(Finding("malformed", one.pointer, detail=one.reason) for one in subject.faults)
        context = ObjectContext(manifest, kind, manifest.name, subject, without_objects(None), 0)
        return self._result(context, Decision(findings))

    def _refused(self, manifest: Manifest, kind: Kind, fault: Fault, namespace: str) -> ObjectResult:
        subject, surroundings = Unreadable((fault,)), without_objects(None)
        context, decision = ObjectContext(manifest, kind, namespace, subject, surroundings, 0), Decision(governed=False)
        return self._result(context, decision, "", (context.refused(fault, decision),))

    def _result(
        self,
        context: ObjectContext,
        decision: Decision,
        unproved: str = "",
        more: tuple[ReportedFinding, ...] = (),
        *,
        defaults: tuple[Default, ...] = (),
    ) -> ObjectResult:
        manifest = context.manifest
        reasons = ignored_rules(manifest) if self._ignores and decision.findings else {}
        left_out = {
            one.rule: reasons[one.rule] for one in decision.findings if one.rule in reasons and one.because not in NEVER
        }
        kept = [one for one in decision.findings if one.rule not in left_out]
        findings = (*(context.reported(one, decision) for one in kept), *more)
        return ObjectResult(
            path=manifest.path,
            kind=context.kind.noun,
            name=shortened(manifest.name),
            namespace=shortened(context.namespace) if context.kind.namespaced else "",
            tier=shortened(decision.tier),
            mode=decision.mode if decision.tier else "",
            findings=findings,
            ignored=tuple(Ignored(rule, shortened(reason)) for rule, reason in left_out.items()),
            defaults=defaults,
            unproved=unproved,
        )


def unknown_usage(namespace: str, tier: Tier) -> str:
    """Return why the quotas of a namespace prove nothing."""
    way_out = "give --usage FILE, or --usage none if nothing else runs there"
    if not tier.is_native:
        way_out = f"in mode {tier.mode} no ResourceQuota counts it; --usage none checks the manifests alone"
    return f"what is used in {shortened(namespace)} is not known: {way_out}"


def _refused_by_server(subject: Subject, part: Part | None) -> Iterator[Fault]:
    """Yield what the API server itself refuses: in a cluster its own words come first, here nobody else says it."""
    workload = workload_of(subject)
    if workload is not None and (found := invalid_template(workload.template)):
        yield from found
        return
    for one in part.unit if part is not None else ():
        yield from invalid(one.subject) if isinstance(one.subject, Pod) else ()


def _with_defaults(pod: Pod, predicted: Prediction, tier: Tier) -> Pod:
    """Return a pod as the validating webhook sees it: with what the mutating one sets, in Audit nothing."""
    seen, note = pod, pod.defaults_annotation
    if tier.mode != "Audit":
        seen, note = predicted.pod, described(predicted.additions) if predicted.additions else note
    return msgspec.structs.replace(
        seen,
        containers=_decoded(seen.containers),
        init_containers=_decoded(seen.init_containers),
        defaults_annotation=note,
    )


def _defaults(context: ObjectContext, tier: Tier) -> tuple[Default, ...]:
    """Return what the tier sets, or would set of the pods of a workload."""
    workload = workload_of(context.subject)
    if tier.mode == "Audit" or (workload is None and context.predicted is None):
        return ()
    of_pod = context.predicted.additions if context.predicted is not None else ()
    return tuple(_of_containers(additions_to(workload.template, tier) if workload is not None else of_pod))


def _decoded(containers: tuple[Container, ...]) -> tuple[Container, ...]:
    """Return containers as the API server decodes them: no webhook learns which requests follow limits (D-3)."""
    return tuple([msgspec.structs.replace(one, written_requests=frozenset(one.requests)) for one in containers])


def _of_containers(additions: tuple[Additions, ...]) -> Iterator[Default]:
    for one in additions:
        for side, amounts in (("requests", one.amounts.requests), ("limits", one.amounts.limits)):
            for name, amount in amounts.items():
                where = f"{one.container.pointer}/resources/{side}/{escape(name)}"
                yield Default(printable(where), str(amount))


def _unmapped(namespace: str) -> str:
    if not namespace:
        return "it names no namespace: give -n"
    return f"the tier of namespace {shortened(namespace)} is not known: give its Namespace, --namespaces or --tier"
