"""A recorded admission review, explained rule by rule: the same decision, on what the options say is around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from tiergate.admission.request import AdmissionRequest, read
from tiergate.admission.review import BadReview
from tiergate.check.facts import left_alone, offline
from tiergate.check.surroundings import Surroundings
from tiergate.core.claim import Claim
from tiergate.core.decide import decide
from tiergate.core.decision import Decision, Finding, RuleId
from tiergate.core.defaults import additions_to, described
from tiergate.core.facts import Facts, InvalidTier, MissingTier, TierState
from tiergate.core.mode import Mode
from tiergate.core.podspec import Pod
from tiergate.core.prediction import admitted
from tiergate.core.request import CLUSTER_WIDE, LabelChange, Unreadable, workload_of
from tiergate.core.rules import RULES, Rule, sentence
from tiergate.core.text import shortened
from tiergate.core.tier import Tier
from tiergate.core.workload import Scale, Workload
from tiergate.core.workload_kind import BY_KIND
from tiergate.wire import kinds

RuleOutcome = Literal["ok", "broken", "warned", "no bound", "not judged", "unproved"]
_BEFORE: Final[tuple[RuleId, ...]] = ("malformed", "tier-missing", "tier-invalid")
"""Rules that are judged before any other."""
_ON_USAGE: Final = ("workload-does-not-fit", "workload-rollout-stalls")


class NoReview(ValueError):
    """The bytes hold no admission review that is judged."""


class RuleState(msgspec.Struct, frozen=True):
    """What became of a rule; ``lines`` say why."""

    rule: str
    state: RuleOutcome
    lines: tuple[str, ...] = ()


class Replay(msgspec.Struct, frozen=True):
    """What an endpoint answers to a review, and why; ``unproved`` says why that is not known."""

    request: AdmissionRequest
    decision: Decision
    rules: tuple[RuleState, ...]
    defaults: str = ""
    unproved: str = ""

    @property
    def answer(self) -> str:
        """What the API server is told."""
        if self.unproved:
            return "unproved"
        if not self.decision.allowed:
            return "refused"
        return "allowed with warnings" if any(one.state in ("broken", "warned") for one in self.rules) else "allowed"


class _Resource(msgspec.Struct, frozen=True):
    group: str = ""
    resource: str = ""


class _Request(msgspec.Struct):
    resource: _Resource = _Resource()
    subResource: str | None = None  # noqa: N815 - Kubernetes' own name
    operation: str = ""


class _Review(msgspec.Struct):
    request: _Request


def replay(raw: bytes, surroundings: Surroundings, *, minor: int) -> Iterator[Replay]:
    """Yield the answer of each endpoint that judges the object of a review.

    Raises:
        NoReview: It is none, or of something that no tier judges.
    """
    try:
        of = msgspec.json.decode(raw, type=_Review).request
    except (ValueError, RecursionError) as error:
        msg = f"no AdmissionReview: {error}"
        raise NoReview(msg) from error
    plural = f"{of.resource.resource}.{of.resource.group}" if of.resource.group else of.resource.resource
    resource = f"{plural}/{of.subResource}" if of.subResource else plural
    endpoints = [endpoint for endpoint in kinds.ENDPOINTS.values() if kinds.find(endpoint, resource, of.operation)]
    if not endpoints:
        msg = f"{of.operation or 'no operation'} of {resource or 'no resource'} is not judged"
        raise NoReview(msg)
    for endpoint in endpoints:
        try:
            request = read(endpoint, raw)
        except BadReview as error:
            raise NoReview(str(error)) from error
        yield _Replayer(request, surroundings, minor).replay()


class _Replayer:
    """Answers one request."""

    def __init__(self, request: AdmissionRequest, surroundings: Surroundings, minor: int) -> None:
        self._request = request
        self._surroundings = surroundings
        self._minor = minor
        self._known = surroundings.of(request.namespace)

    def replay(self) -> Replay:
        """Return the answer, and what became of each rule."""
        request = self._request
        if reason := self._unmapped():
            return Replay(request, Decision(governed=False), (), unproved=reason)
        tier = self._tier()
        defaults = ""
        if isinstance(request.subject, Pod) and isinstance(tier, Tier):
            additions = additions_to(request.subject, tier) if request.operation == "CREATE" else ()
            defaults = described(additions) if additions else ""
            if request.endpoint == "validate" and additions and tier.mode != "Audit":  # recorded before the defaults
                stored = admitted(request.subject, tier, minor=self._minor)
                request = msgspec.structs.replace(
                    request, subject=msgspec.structs.replace(stored, defaults_annotation=defaults)
                )
        decision = decide(request, self._facts(tier))
        of_mutate = request.endpoint == "mutate"
        rules = () if decision.exempt or not decision.governed else tuple(self._rules(request, decision, tier))
        return Replay(self._request, decision, rules, defaults if of_mutate else "")

    def _unmapped(self) -> str:
        """Return that nobody knows which tier judges the request, "" where that is known or none has to."""
        request = self._request
        if request.endpoint in CLUSTER_WIDE or isinstance(request.subject, Unreadable):
            return ""
        if self._surroundings.is_mapped(request.namespace):
            return ""
        return f"the tier of namespace {shortened(request.namespace)} is not known: give --namespaces or --tier"

    def _tier(self) -> TierState:
        subject = self._request.subject
        if isinstance(subject, LabelChange):
            return self._surroundings.tier(subject.after) if subject.after else None
        return None if self._request.endpoint == "tiers" else self._known.tier

    def _facts(self, tier: TierState) -> Facts:
        subject = self._request.subject
        labels = {subject.before, subject.after} - {None} if isinstance(subject, LabelChange) else set()
        return offline(
            self._known,
            tier,
            minor=self._minor,
            permitted=frozenset(label for label in labels if label is not None),
            members=self._surroundings.members(self._request.name),
            scaled=self._scaled(),
        )

    def _scaled(self) -> Workload | None:
        """Return the workload whose number of pods changes, as the cluster has it."""
        kind = kinds.SCALED.get(self._request.resource)
        if kind is None:
            return None
        return self._surroundings.stored.workload(
            (BY_KIND[kind].group, kind, self._request.namespace, self._request.name)
        )

    def _not_judged(self, request: AdmissionRequest, tier: Tier) -> RuleState | None:
        """Return why no rule on workloads was judged, in the place of what became of one; None where each was."""
        subject = request.subject
        if reason := left_alone(subject, tier):
            return RuleState("", "not judged", (reason,))
        if isinstance(subject, Scale) and subject.replicas <= subject.before:
            return RuleState("", "not judged", ("no more pods are asked for",))
        if isinstance(subject, Scale) and self._scaled() is None:
            return RuleState("", "unproved", ("the workload that is scaled is not known: give it with --usage",))
        workload = workload_of(subject)
        if workload is not None and workload.kind == "DaemonSet" and self._known.around.nodes is None:
            return RuleState("", "unproved", ("how many nodes it runs on is not known: give the Nodes with --usage",))
        return None

    def _rules(self, request: AdmissionRequest, decision: Decision, tier: TierState) -> Iterator[RuleState]:
        """Yield each rule that concerns the request, in the order of the registry."""
        found: dict[str, list[Finding]] = {}
        for one in decision.findings:
            found.setdefault(one.rule, []).append(one)
        stopped = any(rule in found for rule in _BEFORE) or isinstance(tier, MissingTier | InvalidTier)
        for rule in RULES:
            if rule.id in found:
                findings = found[rule.id]
                lines = tuple(line for one in findings for line in self._said(one, decision.mode))
                yield RuleState(rule.id, "broken" if findings[0].effect == "deny" else "warned", lines)
            elif not stopped and (state := self._state(rule, request, tier)) is not None:
                yield state

    def _state(self, rule: Rule, request: AdmissionRequest, tier: TierState) -> RuleState | None:
        """Return what became of a rule that found nothing, None of one that does not concern the request."""
        endpoint, subject = request.endpoint, request.subject
        if endpoint == "validate" and isinstance(tier, Tier):
            bind: Any = rule.pod if isinstance(subject, Pod) else rule.claim if isinstance(subject, Claim) else None
            if bind is not None:
                return RuleState(rule.id, "ok" if bind(tier) is not None else "no bound")
            if rule.usage is None:
                return None
        elif rule.endpoint != endpoint:
            return None
        other = self._not_judged(request, tier) if endpoint == "workloads" and isinstance(tier, Tier) else None
        if other is not None:
            return msgspec.structs.replace(other, rule=rule.id)
        if rule.id == "tier-assign":
            return RuleState(rule.id, "unproved", (f'whether "{request.user}" may assign the tier is not known',))
        on_usage = rule.usage is not None or rule.id in _ON_USAGE
        if on_usage and not self._known.known:
            return RuleState(rule.id, "unproved", (f"what is used in {request.namespace} is not known: give --usage",))
        return RuleState(rule.id, "ok")

    def _said(self, finding: Finding, mode: Mode) -> Iterator[str]:
        yield sentence(finding, namespace=self._request.namespace, mode=mode)
        if finding.pointer:
            yield f"at {finding.pointer}"
