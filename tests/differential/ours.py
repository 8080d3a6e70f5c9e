"""Our decision about a case, by the same steps as in a cluster: review, mutate, patch, API server, review, validate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import msgspec

from tests.builders import defaults_of, validated
from tests.differential.case import copied
from tests.differential.differences import CLAIM_UNCHANGED, RESIZE_UNCHANGED, Difference, anew
from tests.differential.outcome import Outcome, Problem, quota_problems, range_problem, resources
from tests.differential.policies import Json, Policy
from tiergate.admission.request import read
from tiergate.core import defaults
from tiergate.core.claim import Claim
from tiergate.core.decision import Decision
from tiergate.core.desired import desired_quotas
from tiergate.core.jsonpatch import JSONPatchOp
from tiergate.core.native import LimitRange, with_native_defaults
from tiergate.core.podlevel import completed
from tiergate.core.podspec import Pod
from tiergate.core.quota import QuotaStatus
from tiergate.core.release import NEWEST, POD_LEVEL_COMPLETED_LATE
from tiergate.core.request import Endpoint, Unreadable
from tiergate.core.tier import ScopeRequirement, Tier
from tiergate.wire.quota import read_quota
from tiergate.wire.tier import read_tier

_PLURALS: Final = {"Pod": b"pods", "PersistentVolumeClaim": b"persistentvolumeclaims"}


class UnreadableObjectError(ValueError):
    """Our reader refuses the object."""


class Governed(msgspec.Struct):
    """A policy as Tiergate has it: once with the quotas as the tier's own, once with quotas made by others."""

    tier: Tier
    tier_quotas: tuple[QuotaStatus, ...]
    ranges: Tier
    quotas: tuple[QuotaStatus, ...]
    objects: tuple[LimitRange, ...]
    """The native LimitRanges of the policy."""


def governed(policy: Policy) -> Governed:
    """Return the policy as a Tier, read by the readers that read it in a cluster."""
    document = policy.document
    specs = [{field: value for field, value in one.items() if field != "used"} for one in document["quotas"]]
    tier = tier_of({"limits": document["limits"], "quotas": specs})
    ranges = tier_of({"limits": document["limits"]})
    quotas = tuple(read_quota(_native_quota(one)) for one in document["quotas"])
    further = [tier_of({"limits": items}).limits for items in policy.further]
    objects = tuple(LimitRange(f"policy-{index}", items) for index, items in enumerate((ranges.limits, *further)))
    return Governed(tier, _own_quotas(tier, quotas), ranges, quotas, objects)


def tier_of(spec: Json) -> Tier:
    """Return a Tier of this spec as our reader reads it."""
    document = {"apiVersion": "tiergate.io/v1alpha1", "kind": "Tier", "metadata": {"name": "case"}, "spec": spec}
    return read_tier(msgspec.json.encode(document))


def _native_quota(quota: Json) -> bytes:
    spec = {field: value for field, value in quota.items() if field not in ("name", "used")}
    status = {"hard": quota["hard"], "used": quota["used"]}
    return msgspec.json.encode({"metadata": {"name": quota["name"]}, "spec": spec, "status": status})


def _own_quotas(tier: Tier, quotas: Sequence[QuotaStatus]) -> tuple[QuotaStatus, ...]:
    """Return the objects the controller makes of the tier's quotas, with the usage of the native ones."""
    return tuple(
        QuotaStatus(
            name=desired.name,
            hard=desired.hard,
            used={
                name: quantity
                for quota in quotas
                if _scope_set(quota) == (desired.scopes, desired.scope_selector)
                for name, quantity in quota.used.items()
            },
            scopes=desired.scopes,
            scope_selector=desired.scope_selector,
            managed=True,
        )
        for desired in desired_quotas(tier)
    )


def _scope_set(quota: QuotaStatus) -> tuple[tuple[str, ...], tuple[ScopeRequirement, ...]]:
    wanted = {(one.scope_name, one.operator, tuple(sorted(one.values))) for one in quota.scope_selector}
    return tuple(sorted(set(quota.scopes))), tuple(ScopeRequirement(*one) for one in sorted(wanted))


class Asked(msgspec.Struct):
    """The object of a review, and the stored one of an update."""

    subject: Pod | Claim
    old: Pod | Claim | None


def ask(endpoint: Endpoint, raw: bytes, kind: str, *, old: bytes | None = None) -> Asked:
    """Return the objects of a review of a create, or of an update (a pod's is a resize), from the object's bytes.

    Raise UnreadableObjectError for an object that our reader refuses.
    """
    operation = b"CREATE" if old is None else b"UPDATE"
    resized = b',"subResource":"resize"' if old is not None and kind == "Pod" else b""
    body = (
        b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"%b",'
        b'"namespace":"case","resource":{"group":"","version":"v1","resource":"%b"}%b,"dryRun":true,"object":%b,'
        b'"oldObject":%b}}'
    )
    request = read(endpoint, body % (operation, _PLURALS[kind], resized, raw, old or b"null"))
    subject = request.subject
    if isinstance(subject, Unreadable):
        raise UnreadableObjectError("; ".join(f"{one.pointer or 'object'}: {one.reason}" for one in subject.faults))
    assert isinstance(subject, Pod | Claim)
    return Asked(subject, request.old)


def add_native_defaults(pod: Json, objects: tuple[LimitRange, ...]) -> None:
    """Write into a pod what LimitRanger adds to it (L-10, L-29)."""
    sent = ask("validate", msgspec.json.encode(pod), "Pod").subject
    assert isinstance(sent, Pod)
    after = with_native_defaults(sent, objects)
    for before, full in zip(sent.every_container(), after.every_container(), strict=True):
        *_, kind, index = before.pointer.split("/")
        container = pod["spec"][kind][int(index)]
        for side, old, new in (("requests", before.requests, full.requests), ("limits", before.limits, full.limits)):
            added = {name: str(quantity) for name, quantity in new.items() if name not in old}
            if added:
                resources = container["resources"] = container.get("resources") or {}
                resources[side] = {**(resources.get(side) or {}), **added}


class Mutated(msgspec.Struct):
    """An object after our mutating pass."""

    document: Json
    expected: Pod | None
    """The pod as we think it will be, but for pod-level completion."""


def mutated(document: Json, tier: Tier, off: Iterable[Difference] = (), *, minor: int) -> Mutated:
    """Return the document with our patch applied; raise UnreadableObjectError where our reader refuses it.

    Servers up to 1.36 show a mutating webhook the pod-level resources completed, later ones as they were sent (D-5a).
    """
    raw = msgspec.json.encode(document)
    if document["kind"] != "Pod":
        ask("validate", raw, document["kind"])
        return Mutated(document, None)
    tier = anew(tier)
    with _without(off):
        pod = ask("mutate", raw, "Pod").subject
        assert isinstance(pod, Pod)
        if minor < POD_LEVEL_COMPLETED_LATE:
            pod = completed(pod, minor=minor)
        decision = defaults_of(pod, tier)
        expected, _ = defaults.with_defaults(pod, tier)
    return Mutated(patched(document, decision.patch), expected)


def patched(document: Json, operations: Iterable[JSONPatchOp]) -> Json:
    """Return a copy of the document with ``add`` operations applied; a missing parent is an error, as in RFC 6902."""
    result: Json = copied(document)
    for operation in operations:
        assert operation.op == "add"
        *parents, last = [token.replace("~1", "/").replace("~0", "~") for token in operation.path.split("/")[1:]]
        target: Any = result
        for token in parents:
            target = target[int(token)] if isinstance(target, list) else target[token]
        target[last] = operation.value
    return result


def judged(
    stored: Pod | Claim,
    governed_by: Governed,
    off: Sequence[Difference] = (),
    *,
    old: Pod | Claim | None = None,
    minor: int = NEWEST,
) -> Outcome:
    """Return our verdict on the object that the API server would store, in place of the old one if there is one."""
    pod = stored if isinstance(stored, Pod) else None
    before = None if (RESIZE_UNCHANGED if pod else CLAIM_UNCHANGED) in off else old
    with _without(off):
        own = validated(stored, old=old, tier=governed_by.tier, quotas=governed_by.tier_quotas, minor=minor)
        again = validated(stored, old=before, tier=governed_by.ranges, quotas=(), minor=minor)
        decision = validated(stored, old=old, tier=governed_by.ranges, quotas=governed_by.quotas, minor=minor)
        ranges, _ = problems(again, stored, governed_by.ranges, off)
        _, quotas = problems(decision, stored, governed_by.ranges, off)
        also = bool(problems(_comparable(own, stored, old), stored, governed_by.tier, off)[1])
    if also != bool(quotas):  # the tier's merged quotas must say the same as the single ones
        return Outcome("other", text=f"own quotas refuse: {also}, single quotas: {bool(quotas)}")
    if ranges:
        return Outcome("range", ranges, stored=stored)
    if quotas:
        return Outcome("quota", quotas, stored=stored)
    return Outcome("allowed", resources=resources(pod) if pod else None, stored=stored)


def _comparable(own: Decision, stored: Pod | Claim, old: Pod | Claim | None) -> Decision:
    """Leave out what a tier's own quota demands of a new pod where any pod-level value silences native quota (R-23)."""
    if old is not None or not isinstance(stored, Pod) or not stored.pod_level:
        return own
    findings = tuple(one for one in own.findings if one.rule != "quota-required")
    return msgspec.structs.replace(own, findings=findings)


def problems(
    decision: Decision, subject: Pod | Claim, tier: Tier, off: Iterable[Difference]
) -> tuple[frozenset[Problem], frozenset[Problem]]:
    """Return (range problems, quota problems), without those of differences that are off."""
    ranges: dict[tuple[str, str, str], Problem] = {}
    quotas: set[Problem] = set()
    for violation in decision.findings:
        if violation.rule.startswith("quota-"):
            quotas.update(quota_problems(violation))
        else:
            family, kind, name, *_ = problem = range_problem(violation)
            ranges.setdefault((violation.pointer.rpartition("/resources/")[0] + family, kind, name), problem)
    found = frozenset(ranges.values())
    for one in off:
        found = one.verdict(found, subject, tier)
    return found, frozenset(quotas)


def _without(off: Iterable[Difference]) -> ExitStack:
    """Return a context in which some differences are switched off."""
    stack = ExitStack()
    for one in off:
        stack.enter_context(one.switched_off())
    return stack


def unreadable(document: Mapping[str, Any], error: UnreadableObjectError) -> Outcome:
    """Return the outcome of an object that our reader refuses."""
    return Outcome("unreadable", text=f"{document['kind']}: {error}")
