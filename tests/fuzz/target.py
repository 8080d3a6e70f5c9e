"""One execution: bytes through every decoder and every handler, and all that must hold of what comes out."""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import jsonpatch

from tests.fuzz import reference, reference_pod
from tests.fuzz.agreement import decoders_agree, document, parses_by_the_grammar
from tests.fuzz.findings import ENDPOINTS, Finding, Signature, has_null_container, integer, outline, value_at
from tests.fuzz.policies import POLICIES, Policy
from tiergate.admission.review import UserInfo
from tiergate.core import defaults
from tiergate.core.placement import Node
from tiergate.core.quota import Measured, QuotaStatus
from tiergate.core.release import NEWEST
from tiergate.core.request import Endpoint
from tiergate.core.rules import RULES
from tiergate.core.tier import Tier
from tiergate.core.workload_case import Around
from tiergate.core.workload_kind import WorkloadKind
from tiergate.server.admission import Admission, AdmissionFailed, Answer
from tiergate.wire.namespace import Namespace

REVIEW: Final = b'"request"'
"""Bytes with this in them are judged as a review, others as the documents that watches bring."""
_ONLY_WARN: Final = frozenset(rule.id for rule in RULES if rule.effect == "warn")


class Workloads:
    """A cluster of three nodes, in which every workload that is scaled is gone."""

    def around(self, _namespace: str) -> Around:
        """No LimitRange, no RuntimeClass."""
        return Around(limit_ranges=(), overheads={}, nodes=(Node("a"), Node("b"), Node("c")))

    async def know_nodes(self, *, timeout: float) -> None:  # noqa: ASYNC109  # the Protocol's
        """They are."""
        del timeout

    async def workload_now(self, kind: WorkloadKind, namespace: str, name: str, *, peer: str, timeout: float) -> None:  # noqa: ASYNC109  # the Protocol's
        """Nothing is there."""
        del kind, namespace, name, peer, timeout


@dataclass
class State:
    """A cluster with one policy in every namespace."""

    policy: Policy

    def minor(self) -> int:
        """The newest release."""
        return NEWEST

    def stale(self) -> bool:
        """Caches are in touch."""
        return False

    def namespace(self, name: str) -> Namespace | None:
        """Every namespace is governed."""
        return Namespace(name, self.policy.name)

    async def namespace_now(self, name: str, *, peer: str, timeout: float) -> Namespace | None:  # noqa: ASYNC109  # the Protocol's
        """As cached."""
        del peer, timeout
        return self.namespace(name)

    def tier(self, name: str) -> Tier | None:
        """The policy's tier is there, no other."""
        return self.policy.tier if name == self.policy.name else None

    async def tier_now(self, name: str, *, peer: str, timeout: float) -> Tier | None:  # noqa: ASYNC109  # the Protocol's
        """As cached."""
        del peer, timeout
        return self.tier(name)

    def quotas(self, _namespace: str) -> tuple[QuotaStatus, ...]:
        """The same usage everywhere."""
        return self.policy.quotas

    async def quotas_now(self, namespace: str, *, peer: str, timeout: float) -> tuple[QuotaStatus, ...]:  # noqa: ASYNC109  # the Protocol's
        """As cached."""
        del namespace, peer, timeout
        return self.policy.quotas

    async def quotas_changed(self, timeout: float) -> None:  # noqa: ASYNC109  # the Protocol's
        """Nothing ever changes, and no time passes."""
        del timeout

    def usage(self, _namespace: str, _tier: Tier, _kind: type[Measured]) -> tuple[QuotaStatus, ...] | None:
        """What is used is known, whoever counts it."""
        return self.policy.quotas

    @property
    def workloads(self) -> Workloads:
        """Nothing stands around."""
        return Workloads()

    def namespaces_of(self, tier: str) -> tuple[str, ...]:
        """A tier of a certain name is in use."""
        return ("dev",) if tier == self.policy.name else ()


class Permissions:
    """Some users may assign."""

    async def may_assign(self, user: UserInfo, tier: str, *, peer: str, timeout: float) -> bool:  # noqa: ASYNC109  # the Protocol's
        """Alice may, for any tier."""
        del tier, peer, timeout
        return user.username == "alice"


class Clock:
    """A clock on which half a second passes whenever it is read, so that nothing waits."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.now = 0.0

    def __call__(self) -> float:
        """Return the next half second."""
        self.now += 0.5
        return self.now


class Target:
    """Runs executions; holds the handlers of every policy and a loop."""

    def __init__(self) -> None:
        """Make the handlers once."""
        self.outcomes: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._handlers = {
            policy.name: Admission(State(policy), Permissions(), release_namespace="tiergate-system", clock=Clock())
            for policy in POLICIES
        }

    def close(self) -> None:
        """Close the loop."""
        self._loop.close()

    def check(self, data: bytes) -> Signature:
        """Judge the bytes under one policy; raise Finding. What went the same way has equal signatures."""
        return self._checked(data, (POLICIES[zlib.crc32(data) % len(POLICIES)],))

    def check_everywhere(self, data: bytes) -> Signature:
        """Judge the bytes under every policy."""
        return self._checked(data, POLICIES)

    def _checked(self, data: bytes, policies: tuple[Policy, ...]) -> Signature:
        parses_by_the_grammar(data)
        if REVIEW not in data:
            return tuple(document(data))
        excused = decoders_agree(data)
        return (
            excused,
            *(
                (policy.name, *(self._endpoint(*asked, data, policy) for asked in self._answers(data, policy)))
                for policy in policies
            ),
        )

    def _answers(self, data: bytes, policy: Policy) -> list[tuple[Endpoint, Answer]]:
        """Return what every endpoint answers; starting the loop once takes less than once for each."""

        async def answers() -> list[tuple[Endpoint, Answer]]:
            return [(endpoint, await self._answer(endpoint, data, policy)) for endpoint in ENDPOINTS]

        return self._loop.run_until_complete(answers())

    async def _answer(self, endpoint: Endpoint, data: bytes, policy: Policy) -> Answer:
        try:
            return await self._handlers[policy.name].answer(endpoint, data)
        except AdmissionFailed as error:
            raise Finding(f"/{endpoint} failed: {error.__cause__!r}") from error

    def _endpoint(self, endpoint: Endpoint, answer: Answer, data: bytes, policy: Policy) -> Signature:
        record = answer.record
        self.outcomes[f"/{endpoint} {record.outcome}"] += 1
        if answer.status == 200:  # noqa: PLR2004, RUF100  # HTTP OK
            self._answered(endpoint, data, answer, policy)
        elif answer.status != 400 or record.outcome != "bad-request":  # noqa: PLR2004, RUF100  # HTTP Bad Request
            raise Finding(f"/{endpoint} answered {answer.status} for {record.outcome}")
        return (answer.status, record.outcome, tuple(sorted(set(record.rules))), outline(record.detail))

    def _answered(self, endpoint: Endpoint, data: bytes, answer: Answer, policy: Policy) -> None:
        sent = json.loads(answer.body)["response"]
        try:
            request = reference_pod.read(data)["request"]
        except reference_pod.TooDeep:
            return  # our own bound on depth has tests of its own
        except reference_pod.Unfit as error:
            raise Finding(f"/{endpoint} answered what is no JSON: {error}") from error
        refused = answer.record.outcome in ("denied", "malformed")
        told = policy.tier.mode != "Enforce" and endpoint in ("mutate", "validate")  # Warn and Audit refuse nothing
        told = told or (endpoint == "workloads" and answer.record.outcome == "malformed")
        if sent["uid"] != request["uid"] or sent["allowed"] != (told or not refused):
            raise Finding(f"/{endpoint} answered {sent} for {answer.record.outcome}")
        if answer.record.outcome == "denied" and _ONLY_WARN.issuperset(answer.record.rules):
            raise Finding(f"/{endpoint} refused for {answer.record.rules}, which only warn")
        if endpoint == "validate":
            _reference_agrees(request, answer, policy)
        if "patch" in sent:
            self._patch_holds(data, json.loads(base64.b64decode(sent["patch"])), policy)

    def _patch_holds(self, data: bytes, operations: list[dict[str, Any]], policy: Policy) -> None:
        """The patch adds to what is there, applies, and leaves nothing to add."""
        review = json.loads(data.decode(errors="replace"), parse_float=str, parse_int=integer)
        before = review["request"]["object"]
        if has_null_container(before):
            return
        for operation in operations:
            found = value_at(before, operation["path"])
            adds = found in (None, {}) or "tiergate.io~1defaults" in operation["path"]
            if operation["op"] != "add" or not adds:
                raise Finding(f"the patch changes what is there: {operation} over {found}")
        try:
            after = jsonpatch.apply_patch(before, operations)
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
            raise Finding(f"the patch does not apply: {error}") from error
        review["request"]["object"] = after
        second = json.dumps(review).encode()
        again = self._loop.run_until_complete(self._handlers[policy.name].answer("mutate", second))
        if again.record.outcome != "allowed":
            raise Finding(f"the second pass is {again.record.outcome}: {again.body.decode()}")


_OF_LIMIT: Final = {"request-min": "limit-min", "request-max": "limit-max"}


def _reference_agrees(request: dict[str, Any], answer: Answer, policy: Policy) -> None:
    """What is allowed the reference allows, and what is refused by rule it refuses by the same rules."""
    if str(request.get("namespace")).startswith("kube-"):
        if answer.record.outcome not in ("ungoverned", "malformed"):  # a review that cannot be read has no namespace
            raise Finding(f"{answer.record.outcome} in a namespace that is never governed")
        return
    if policy.tier.mode == "Audit" and request.get("operation") == "CREATE":
        return  # judged as if the defaults were set, which the object does not show
    if _has_negative_amount(request):
        return  # API validation refuses them before anybody is asked (D-11), and sums of them mean nothing
    ours = set(answer.record.rules)
    try:
        theirs = set(reference.wrongs(request, policy.spec, list(policy.objects)))
    except reference_pod.Unfit as error:
        if answer.record.outcome != "malformed":
            raise Finding(f"{answer.record.outcome} what the reference cannot read: {error}") from error
        return
    if defaults.ANNOTATION_PREFIX in json.dumps(request.get("object")):  # then one mistake is told of either side
        ours, theirs = ({_OF_LIMIT.get(rule, rule) for rule in rules} for rules in (ours, theirs))
    if answer.record.outcome != "malformed" and ours != theirs:
        raise Finding(f"rules broken under {policy.name}: ours {sorted(ours)}, the reference {sorted(theirs)}")


def _has_negative_amount(tree: object, *, amounts: bool = False) -> bool:
    """Say whether a ResourceList anywhere in the request holds an amount below zero."""
    if isinstance(tree, dict):
        lists = ("limits", "requests", "overhead", "allocatedResources")
        return any(_has_negative_amount(one, amounts=key in lists) for key, one in tree.items()) or (
            amounts and any(str(one).strip().startswith("-") for one in tree.values())
        )
    return isinstance(tree, list) and any(_has_negative_amount(one) for one in tree)
